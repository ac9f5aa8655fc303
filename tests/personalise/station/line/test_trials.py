"""Trials of a whole line, bounded for CI; `./run trial` runs the long ones."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.connection import Connection, Tray
from personalise.station.line import performing, worker
from personalise.station.line.running import Options, run_station
from tests.postgresql import PostgreSQL
from tests.trials.line import Line

pytestmark = pytest.mark.slow
COMMANDS = 80
"""At least as many as a card of the trials takes."""


def test_every_card_is_accounted_for_after_thirty_kills(tmp_path: Path) -> None:
    line = Line.established(tmp_path, 60)
    assert line.kill(seed=2026, kills=30, longest=0.5) > 20
    assert line.run() == 0
    assert line.check() == []


def test_every_card_is_accounted_for_after_fifteen_kills_on_postgresql(
    tmp_path: Path, postgresql_url: str
) -> None:
    line = Line.established(tmp_path, 30, url=postgresql_url)
    assert line.kill(seed=2027, kills=15, longest=0.5) > 10
    assert line.run() == 0
    assert line.check() == []


def test_a_database_that_is_stopped_in_the_middle_is_waited_for(
    tmp_path: Path, postgresql_server: PostgreSQL
) -> None:
    line = Line.established(tmp_path, 12, url=postgresql_server.new_database())
    station = line.station()
    while not any(each["event"] == "issued" for each in line.events()):
        time.sleep(0.02)
    postgresql_server.stop("immediate")
    try:
        time.sleep(1.0)
    finally:
        postgresql_server.start()
    station.join(120)
    assert station.exitcode == 0
    waited = [each["reason"] for each in line.events() if each["event"] == "waiting"]
    assert any("127.0.0.1" in each for each in waited), waited
    assert line.check() == []


@dataclass
class Tearing:
    """A connection that loses its card at one command of each card, before or after it."""

    connection: Connection
    at: int
    carried_out: bool
    sent: int = 0

    @property
    def reader(self) -> str:
        return self.connection.reader

    @property
    def atr(self) -> bytes:
        return self.connection.atr

    def transmit(self, command: bytes) -> bytes:
        self.sent += 1
        if self.sent - 1 != self.at:
            return self.connection.transmit(command)
        if self.carried_out:
            self.connection.transmit(command)
        self.connection.close()
        raise TransportError("the card was removed", TransportFault.CARD_REMOVED)

    def reset(self) -> None:
        self.connection.reset()

    def eject(self, tray: Tray) -> None:
        self.connection.eject(tray)

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def test_a_card_torn_out_at_any_command_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each card is torn out twice, one command later than the card before it.

    At the first try the command is not carried out, at the second it is.
    """
    line = Line.established(tmp_path, COMMANDS)
    tries: Counter[str] = Counter()
    order: list[str] = []
    torn: list[Tearing] = []
    connect = performing.connect

    def tearing(reader: str) -> Connection:
        connection = connect(reader)
        card = min(each.name for each in line.feeders[0].glob("*.chip"))
        if card not in tries:
            order.append(card)
        tries[card] += 1
        if tries[card] > 2:
            return connection
        torn.append(Tearing(connection, order.index(card), tries[card] == 2))
        return torn[-1]

    monkeypatch.setattr(performing, "connect", tearing)
    monkeypatch.setattr(worker, "_SETTLING_SECONDS", 0.0)
    summary = here(line)
    assert summary["issued"] == line.documents
    assert summary["rejected_cards"] == 0
    assert line.check() == []
    assert any(each.sent <= each.at for each in torn), "a card was never torn: too few commands"


def here(line: Line, **options: Any) -> dict[str, Any]:
    """Run a station in this process; return its summary."""
    readers = tuple(f"feeder:{each}" for each in line.feeders)
    settings = {"readers": readers, "until_empty": True, **options}
    with line.issuer.at_work():
        return dict(run_station(Options(line.issuer.pki, line.url, **settings)).summary)
