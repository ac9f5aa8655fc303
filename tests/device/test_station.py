"""Two stations with two PC/SC readers each, on one PostgreSQL: as in a production hall."""

import signal
import threading
import time
from pathlib import Path

import pytest

from emrtd.transport.connection import Tray
from tests.readers import Insert, InsertedCard
from tests.trials.line import Line
from vsmartcard.reader.readers import VirtualReader

pytestmark = [pytest.mark.device, pytest.mark.slow]
_STATIONS = {"north": 2, "south": 2}
_SECONDS = 150.0


class Operator(threading.Thread):
    """A person at one reader: inserts a blank card, and takes it out when the station says so.

    The card's file goes to the tray of the station's last event about the reader.
    """

    def __init__(self, line: Line, log: str, feeder: Path, insert: Insert) -> None:
        super().__init__(daemon=True)
        self._line, self._log, self._feeder, self._insert = line, log, feeder, insert
        self.card: InsertedCard = self._put_in()
        self.failure: BaseException | None = None

    def _put_in(self) -> InsertedCard:
        self._path = min(self._feeder.glob("*.chip"))
        return self._insert(self._path)

    @property
    def _virtual_reader(self) -> VirtualReader:
        readers = self._insert.claims.readers
        return next(each for each in readers if each.port == self.card.port)

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - raised by the test
            self.failure = error

    def _work(self) -> None:
        handled = 0
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            events = [
                each for each in self._line.events(self._log) if each.get("reader") == self.reader
            ]
            ends = [each for each in events if each["event"] in {"issued", "rejected-card"}]
            if len(ends) > handled:
                handled += 1
                tray = Tray.DONE if ends[-1]["event"] == "issued" else Tray.REJECTED
                self.card.take_out()
                (self._feeder / tray.value).mkdir(exist_ok=True)
                self._path.rename(self._feeder / tray.value / self._path.name)
                self._path = min(self._feeder.glob("*.chip"))
                self.card = self._insert(self._path, reader=self._virtual_reader)
            elif any(each["event"] == "stopped" for each in events):
                self.card.take_out()
                return
            time.sleep(0.05)
        raise AssertionError(f"{self.reader}: the station did not end")

    @property
    def reader(self) -> str:
        return self.card.reader


def test_two_stations_with_two_readers_each_share_one_ledger(
    tmp_path: Path, insert: Insert, postgresql_url: str
) -> None:
    line = Line.established(tmp_path, 8, url=postgresql_url, feeders=4, spare=12)
    feeders = iter(line.feeders)
    operators = {
        station: [Operator(line, f"{station}.jsonl", next(feeders), insert) for _ in range(count)]
        for station, count in _STATIONS.items()
    }
    processes = {
        station: line.station(*(each.reader for each in at_station), log=f"{station}.jsonl")
        for station, at_station in operators.items()
    }
    everyone = [each for at_station in operators.values() for each in at_station]
    for operator in everyone:
        operator.start()
    for operator in everyone:
        operator.join(_SECONDS)
        if operator.failure is not None:
            raise operator.failure
    for process in processes.values():
        process.join(30)
        assert process.exitcode == 0
    summaries = [line.events(f"{station}.jsonl")[-1] for station in _STATIONS]
    assert sum(each["issued"] for each in summaries) == line.documents
    assert all(each["rejected_cards"] == 0 for each in summaries)
    assert line.check() == []


def test_a_card_that_never_answers_stops_its_own_reader(tmp_path: Path, insert: Insert) -> None:
    """The wait is inside pcsc-lite, where it cannot be cancelled; the process ends all the same."""
    line = Line.established(tmp_path, 3, feeders=2)
    hanging_path = min(line.feeders[0].glob("*.chip"))
    reader = insert.claims.take()
    hanging = insert(hanging_path, reader=reader, faults=["slow:31-,600"])
    other = f"feeder:{line.feeders[1]}"
    began = time.monotonic()
    assert line.run(hanging.reader, other, call_seconds=4.0) == 69
    assert time.monotonic() - began < 60
    stopped = [each for each in line.events() if each["event"] == "stopped"]
    assert {each["reader"] for each in stopped} == {hanging.reader, other}
    assert line.events()[-1]["issued"] == 2
    hanging.take_out(signal.SIGKILL)
    again = insert(hanging_path, reader=reader)
    operator = threading.Thread(target=_takes_out_when_issued, args=(line, again))
    operator.start()
    assert line.run(again.reader, log="again.jsonl") == 0
    operator.join(60)
    assert line.events("again.jsonl")[-1]["issued"] == 1
    (line.feeders[0] / "done").mkdir()
    hanging_path.rename(line.feeders[0] / "done" / hanging_path.name)
    assert line.check() == []


def _takes_out_when_issued(line: Line, card: InsertedCard) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(each["event"] == "issued" for each in line.events("again.jsonl")):
            break
        time.sleep(0.1)
    card.take_out()
