"""Bad cards, readers, databases and clocks: each has a clear reason, and nothing is lost."""

import contextlib
import errno
import json
import multiprocessing
import socket
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.connection import Connection, Tray
from personalise.ledger.errors import LedgerUnavailableError
from personalise.ledger.journal import Journal
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import CardStatus, JobState, Worker
from personalise.ledger.values import Claim
from personalise.preparing.application import Application
from personalise.preparing.preparer import Preparer
from personalise.station.line import performing, preparation, running
from personalise.station.line.control import Control, Order
from personalise.station.line.effects import EventKind
from personalise.station.line.events import Event
from personalise.station.line.preparation import PreparationSettings
from personalise.station.line.running import Options, Outcome, run_station
from tests.issuing import Kind
from tests.trials.line import SMALL, Line
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.security_domain import BlankKind
from vsmartcard.chip.state import ChipState, Hardware


@dataclass
class Run:
    """A run of a station in this process, and what it told."""

    outcome: Outcome | None = None
    events: list[Event] = field(default_factory=list)

    def reasons(self, kind: EventKind) -> list[str]:
        """Return the reasons of the events of one kind."""
        return [each.reason or "" for each in self.events if each.kind is kind]

    @property
    def summary(self) -> dict[str, Any]:
        """The summary of the run."""
        assert self.outcome is not None
        return dict(self.outcome.summary)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """A function that runs a station on the feeders of a line, to its end."""

    def run_on(line: Line, *readers: str, **options: Any) -> Run:
        this = Run()

        class Recorder:
            def show(self, event: Event) -> None:
                this.events.append(event)

            def close(self) -> None:
                pass

        monkeypatch.setattr(running, "_display", lambda *_: Recorder())
        settings = {
            "readers": readers or tuple(f"feeder:{each}" for each in line.feeders),
            "until_empty": True,
            **options,
        }
        with line.issuer.at_work():
            this.outcome = run_station(Options(line.issuer.pki, line.url, **settings))
        return this

    return run_on


@dataclass
class Faulty:
    """A connection whose transmit is done by a function of the command and the connection."""

    connection: Connection
    send: Callable[[Connection, bytes], bytes]

    @property
    def reader(self) -> str:
        return self.connection.reader

    @property
    def atr(self) -> bytes:
        return self.connection.atr

    def transmit(self, command: bytes) -> bytes:
        return self.send(self.connection, command)

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


def once(
    monkeypatch: pytest.MonkeyPatch, reader: str, at: int, fail: Callable[[Connection], bytes]
) -> None:
    """Let one reader fail once, at the command with this number."""
    connect, sent = performing.connect, iter(range(100_000))

    def send(connection: Connection, command: bytes) -> bytes:
        if next(sent) == at:
            return fail(connection)
        return connection.transmit(command)

    def faulty(name: str) -> Connection:
        connection = connect(name)
        return Faulty(connection, send) if name == reader else connection

    monkeypatch.setattr(performing, "connect", faulty)


def put(feeder: Path, name: str, state: ChipState) -> None:
    """Put a card into a feeder."""
    with contextlib.closing(StateFile(feeder / f"{name}.chip")) as file:
        file.save(state)


def test_cards_that_cannot_take_a_document_are_rejected_by_name(
    tmp_path: Path, run: Callable[..., Run]
) -> None:
    line = Line.established(tmp_path, 2)
    feeder = line.feeders[0]
    serial = iter(bytes((0xEE, each)) for each in range(9))
    blank = ChipState(Hardware(serial_number=next(serial)))
    put(feeder, "1", ChipState(Hardware(memory=1400, serial_number=next(serial))))
    put(feeder, "2", ChipState())
    put(feeder, "3", blank.with_life_cycle(LifeCycle.TERMINATED))
    put(feeder, "4", blank.with_life_cycle(LifeCycle.OPERATIONAL))
    (feeder / "5.chip").write_bytes(b"not a chip")
    done = run(line)
    assert done.summary["issued"] == 2
    assert done.summary["rejected_cards"] == 5
    reasons = done.reasons(EventKind.REJECTED_CARD)
    for reason, words in zip(
        reasons,
        ("no room", "no serial number", "terminated", "locked", "not a virtual"),
        strict=True,
    ):
        assert words in reason
    (feeder / "rejected" / "5.chip").unlink()
    line.serials |= {"EE01", "", "EE00"}
    found = [each for each in line.check() if "a card is missing" not in each]
    assert found == []


def test_used_and_spoilt_cards_are_refused(tmp_path: Path, run: Callable[..., Run]) -> None:
    line = Line.established(tmp_path, 2)
    with line.ledger() as ledger:
        names = sorted(line.serials)
        ledger.receive_cards(names, by="supervisor")
        first = next(iter(line.cards(None).values())).hardware.serial_number.hex().upper()
        ledger.spoil_card(first, "scratched", by="supervisor")
    done = run(line)
    assert done.summary["issued"] == 2
    assert len(done.reasons(EventKind.REJECTED_CARD)) <= 1


@pytest.mark.parametrize("kind", [SMALL, replace(SMALL, card=BlankKind.GLOBALPLATFORM)])
def test_a_good_card_that_is_put_back_is_named_and_goes_to_the_good_ones(
    tmp_path: Path, run: Callable[..., Run], kind: Kind
) -> None:
    line = Line.established(tmp_path, 3, kind=kind)
    done = run(line)
    issued = {each.card: each for each in done.events if each.kind is EventKind.ISSUED}
    with line.ledger() as ledger:
        before = ledger.summary()
    for number, chip in enumerate(list(line.cards(Tray.DONE))):
        chip.rename(line.feeders[0] / f"000{number}.chip")
    line.receive([7])
    again = run(line)
    assert (again.summary["issued"], again.reasons(EventKind.REJECTED_CARD)) == (1, [])
    recognised = {each.card: each for each in again.events if each.kind is EventKind.RECOGNISED}
    assert recognised.keys() == issued.keys()
    for name, event in recognised.items():
        assert event.application == issued[name].application
        assert event.document == issued[name].document
        assert "put it with the good cards" in (event.reason or "")
    with line.ledger() as ledger:
        cards = dict(ledger.summary().cards)
    cards[CardStatus.USED] -= 1
    assert cards == before.cards
    assert line.check(all_issued=False) == []


@pytest.mark.parametrize("kind", [BlankKind.ISO7816_9, BlankKind.GLOBALPLATFORM])
def test_a_card_whose_termination_was_not_entered_is_settled_by_the_next_look(
    tmp_path: Path, run: Callable[..., Run], kind: BlankKind
) -> None:
    """The station was killed after TERMINATE, and before it entered that the card is rejected."""
    line = Line.established(tmp_path, 1, spare=1, kind=replace(SMALL, card=kind))
    path, state = next(iter(line.cards(None).items()))
    name = state.hardware.serial_number.hex().upper()
    with line.ledger() as ledger:
        claim = ledger.take(Worker("killed", "reader"), name, kind.label)
        assert isinstance(claim, Claim)
        ledger.begin(claim)
        ledger.locking(claim)
        ledger.interrupted(claim)
    path.unlink()
    put(line.feeders[0], path.stem, state.with_life_cycle(LifeCycle.TERMINATED))
    done = run(line)
    assert (done.summary["issued"], done.summary["in_doubt"], done.summary["open"]) == (1, 0, 0)
    (rejected,) = [each for each in done.events if each.kind is EventKind.REJECTED_CARD]
    assert (rejected.card, rejected.application) == (name, claim.job)
    with line.ledger() as ledger:
        assert ledger.card(name).status is CardStatus.SPOILT
        assert not ledger.summary().may_be_good
    assert line.check() == []


def test_a_card_that_a_reprint_ended_is_not_taken_for_the_good_one(
    tmp_path: Path, run: Callable[..., Run]
) -> None:
    line = Line.established(tmp_path, 1)
    run(line)
    with line.ledger() as ledger, line.issuer.at_work():
        (job,) = [each.job.id for each in ledger.jobs()]
        ledger.reprint(job, "lost in the post", by="supervisor")
    (old,) = line.cards(Tray.DONE)
    old.rename(tmp_path / "old")
    assert run(line).summary["issued"] == 1
    (tmp_path / "old").rename(line.feeders[0] / "0000.chip")
    line.receive([7])
    again = run(line)
    assert again.summary["issued"] == 1
    (refused,) = [each for each in again.events if each.kind is EventKind.REJECTED_CARD]
    assert refused.application == job
    assert "more than one card was made" in (refused.reason or "")


def test_a_reader_that_hangs_stops_alone(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line.established(tmp_path, 4, feeders=2)
    hanging, waiting = f"feeder:{line.feeders[0]}", threading.Event()

    def hang(connection: Connection) -> bytes:
        waiting.wait(60)
        raise TransportError(f"{connection.reader}: answers at last")

    with monkeypatch.context() as patch:
        once(patch, hanging, 20, hang)
        done = run(line, call_seconds=1.0)
    assert done.outcome is not None
    assert done.outcome.hung
    assert done.outcome.status == 69
    assert done.summary["issued"] == 3
    assert [each.reader for each in done.events if "has not answered" in (each.reason or "")] == [
        hanging
    ]
    told = len(done.events)
    waiting.set()  # the abandoned thread sends, tells and enters nothing more
    for thread in threading.enumerate():
        if thread.name == f"reader {hanging}":
            thread.join(10)
            assert not thread.is_alive()
    assert len(done.events) == told
    with line.ledger() as ledger:
        assert ledger.counts()[JobState.CLAIMED] == 1
    again = run(line)
    assert again.summary["issued"] == 1
    assert line.check() == []


@pytest.mark.parametrize("fault", [TransportFault.READER_GONE, TransportFault.SERVICE_GONE])
def test_a_reader_that_is_unplugged_goes_on_when_it_comes_back(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, fault: TransportFault
) -> None:
    line = Line.established(tmp_path, 2)

    def unplug(connection: Connection) -> bytes:
        connection.close()
        raise TransportError("the reader was unplugged", fault, advice="plug it in again")

    once(monkeypatch, f"feeder:{line.feeders[0]}", 30, unplug)
    done = run(line)
    assert done.summary["issued"] == 2
    assert done.summary["rejected_cards"] == 0
    kinds = (EventKind.WAITING, EventKind.INTERRUPTED)
    assert any("unplugged; plug it in" in each for kind in kinds for each in done.reasons(kind))
    assert line.check() == []


def test_a_card_that_another_program_holds_is_waited_for(
    tmp_path: Path, run: Callable[..., Run]
) -> None:
    line = Line.established(tmp_path, 1)
    held = StateFile(min(line.feeders[0].glob("*.chip")))
    threading.Timer(3.0, held.close).start()
    done = run(line)
    assert done.summary["issued"] == 1
    assert done.summary["rejected_cards"] == 0
    waited = [each for each in done.reasons(EventKind.WAITING) if "in another reader" in each]
    assert len(waited) == 1, "it is told once"
    assert line.check() == []


def test_a_card_of_a_kind_for_which_no_application_waits_stays(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Applications for another kind of card do wait."""
    line = Line.established(tmp_path, 1)
    kind, looks = performing.look_at, []

    def other_kind(connection: Connection, keys: Any) -> Any:
        looks.append(connection)
        seen = kind(connection, keys)
        return replace(seen, kind="another-kind") if len(looks) < 3 else seen

    monkeypatch.setattr(performing, "look_at", other_kind)
    controls: list[Control] = []

    class Remembered(Control):
        def __init__(self) -> None:
            super().__init__()
            controls.append(self)

    monkeypatch.setattr(running, "Control", Remembered)
    threading.Timer(3.0, lambda: controls[0].give(Order.DRAIN)).start()
    done = run(line)
    assert done.summary["issued"] == 0
    assert done.summary["open"] == 1
    assert len(looks) == 1, "the card is not looked at again while nothing has changed"


def test_a_reader_without_extended_length_is_stopped(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line.established(tmp_path, 2, feeders=2)

    def refuse(_connection: Connection) -> bytes:
        raise TransportError("no extended length", TransportFault.EXTENDED_LENGTH)

    once(monkeypatch, f"feeder:{line.feeders[0]}", 30, refuse)
    done = run(line)
    assert done.outcome is not None
    assert done.outcome.status == 69
    assert "no extended length" in " ".join(done.reasons(EventKind.STOPPED))
    assert run(line).summary["open"] == 0
    assert line.check() == []


@pytest.mark.parametrize("step", ["take", "begin", "locking", "issued"])
@pytest.mark.parametrize("entered", [False, True])
def test_a_ledger_that_does_not_answer_is_waited_for(
    tmp_path: Path,
    run: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    entered: bool,
) -> None:
    """Whether the call was entered is not known."""
    line = Line.established(tmp_path, 2)
    call, failures = getattr(SqlLedger, step), iter([True, True])

    def failing(self: SqlLedger, *arguments: Any) -> Any:
        if next(failures, False):
            if entered:
                call(self, *arguments)
            raise LedgerUnavailableError("the database does not answer", advice="start it")
        return call(self, *arguments)

    monkeypatch.setattr(SqlLedger, step, failing)
    done = run(line)
    assert done.reasons(EventKind.WAITING)[0].startswith("the database does not answer")
    assert done.summary["in_doubt"] == 0
    assert done.summary["issued"] == 2
    assert line.check() == []


def test_a_full_disk_is_waited_for(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line.established(tmp_path, 2)
    append, full = Journal.append, iter([True] * 3)

    def fail(self: Journal, entries: Any) -> None:
        entries = list(entries)
        if entries and next(full, False):
            raise OSError(errno.ENOSPC, "No space left on device", "2026-11.jsonl")
        append(self, entries)

    monkeypatch.setattr(Journal, "append", fail)
    done = run(line)
    assert done.summary["issued"] == 2
    assert "2026-11.jsonl: No space left on device; make room" in done.reasons(EventKind.WAITING)[0]
    assert line.check() == []


def test_a_clock_that_jumps_back_stops_the_work(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line.established(tmp_path, 2)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    make = running.Shop
    monkeypatch.setattr(
        running, "Shop", lambda *args, **options: make(*args, **options, clock=lambda: yesterday)
    )
    done = run(line)
    assert done.summary["issued"] == 0
    assert "clock" in done.reasons(EventKind.STOPPED)[0]
    assert done.outcome is not None
    assert done.outcome.status == 69
    monkeypatch.undo()


def test_images_are_prepared_ahead_and_a_bad_application_is_rejected(
    tmp_path: Path, run: Callable[..., Run]
) -> None:
    line = Line.established(tmp_path, 3, prepared=False)
    line.receive([8], prepared=False, portrait="notes.txt")
    settings = PreparationSettings(line.issuer.pki, line.url)
    done = run(line, preparation=settings)
    assert done.summary["issued"] == 3
    assert done.summary["rejected_applications"] == 1
    assert "biometrics.portrait" in done.reasons(EventKind.REJECTED_APPLICATION)[0]
    assert line.check() == []


@pytest.mark.parametrize(
    ("prepared", "query"),
    [
        (False, "DELETE FROM blob WHERE job = 1"),
        (True, "UPDATE blob SET content = zeroblob(length(content)) WHERE job = 1"),
        (False, "UPDATE job SET wrapped_key = zeroblob(40) WHERE number = 1"),
    ],
)
def test_an_application_that_was_altered_is_rejected_and_the_others_are_made(
    tmp_path: Path, run: Callable[..., Run], prepared: bool, query: str
) -> None:
    line = Line.established(tmp_path, 3, prepared=prepared)
    with contextlib.closing(sqlite3.connect(line.issuer.pki / "ledger.sqlite")) as database:
        assert database.execute(query).rowcount
        database.commit()
    done = run(line, preparation=PreparationSettings(line.issuer.pki, line.url))
    assert done.summary["issued"] == 2
    assert (done.summary["rejected_applications"], done.summary["open"]) == (1, 0)
    (reason,) = done.reasons(EventKind.REJECTED_APPLICATION)
    assert "altered" in reason or "missing" in reason


def test_an_application_that_fails_internally_is_held_and_the_others_are_made(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line.established(tmp_path, 2, prepared=False)
    with line.ledger() as ledger:
        failing = next(iter(ledger.jobs()))
    prepare = Preparer.prepare

    def fail_for_one(self: Preparer, application: Application, *rest: Any, **more: Any) -> Any:
        if application.particulars.document.number == "ZU0000000":
            raise ValueError("Ana, the holder")
        return prepare(self, application, *rest, **more)

    monkeypatch.setattr(Preparer, "prepare", fail_for_one)
    monkeypatch.setattr(preparation, "PreparingProcess", InThisProcess)
    monkeypatch.setattr(running, "PreparingProcess", InThisProcess)
    done = run(line, preparation=PreparationSettings(line.issuer.pki, line.url))
    assert (done.summary["issued"], done.summary["open"]) == (1, 1)
    (reason,) = done.reasons(EventKind.HELD_APPLICATION)
    assert "internal error (ValueError in tests." in reason
    assert "Ana" not in reason
    with line.ledger() as ledger:
        held = ledger.job(failing.job.id).job
    assert (held.state, held.reason) == (JobState.HELD, reason)


class InThisProcess(preparation.PreparingProcess):
    """The preparing process as a thread of this one, so that a test can make it fail."""

    def __init__(
        self,
        settings: PreparationSettings,
        station: str,
        not_prepared: Callable[[preparation.Problem], None],
    ) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._not_prepared = not_prepared
        self.problem = None
        self._thread = threading.Thread(
            target=preparation._prepare_until_closed, args=(settings, station, theirs)
        )
        self._thread.start()

    def close(self) -> None:
        self._pipe.send("end")
        self._thread.join()


def test_preparation_that_cannot_work_ends_the_wait(
    tmp_path: Path, run: Callable[..., Run]
) -> None:
    line = Line.established(tmp_path, 1, prepared=False)
    (line.issuer.pki / "keys" / "ds-1.p8").rename(tmp_path / "away")
    done = run(line, preparation=PreparationSettings(line.issuer.pki, line.url))
    assert done.summary["issued"] == 0
    assert done.summary["open"] == 1
    assert done.outcome is not None
    assert done.outcome.status == 64
    assert any("ds-1" in each for each in done.reasons(EventKind.STOPPED))


def test_after_an_error_others_may_prepare_the_batch_at_once(
    tmp_path: Path, run: Callable[..., Run]
) -> None:
    line = Line.established(tmp_path, 2, prepared=False)
    Path(line.profile).rename(tmp_path / "away")  # no error of an application: nothing is rejected
    done = run(line, preparation=PreparationSettings(line.issuer.pki, line.url))
    assert (done.summary["issued"], done.summary["open"]) == (0, 2)
    assert any("profile" in each for each in done.reasons(EventKind.STOPPED))
    with line.ledger() as ledger:
        taken = ledger.take_for_preparation(Worker("another station", "preparation"), 5)
    assert len(taken) == 2


def test_a_restarted_station_prepares_at_once_what_its_killed_one_had_taken(tmp_path: Path) -> None:
    line = Line.established(tmp_path, 2, prepared=False)
    with line.ledger() as ledger:
        killed = Worker(f"{socket.gethostname()}-1", "preparation")
        assert len(ledger.take_for_preparation(killed, 5)) == 2
    settings = PreparationSettings(line.issuer.pki, line.url)
    assert line.run(timeout=60, preparation=settings) == 0
    assert line.check() == []


def test_pause_resume_and_drain(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line.established(tmp_path, 4)
    controls: list[Control] = []

    class Remembered(Control):
        def __init__(self) -> None:
            super().__init__()
            controls.append(self)
            self.paused = True

    monkeypatch.setattr(running, "Control", Remembered)
    done_while_paused: list[object] = []

    def operate() -> None:
        while not controls:
            time.sleep(0.01)
        time.sleep(1.0)
        done_while_paused.extend(line.cards(Tray.DONE))
        controls[0].give(Order.RESUME)

    enter = SqlLedger.issued

    def drained_at_the_first(self: SqlLedger, claim: Any) -> None:
        enter(self, claim)
        controls[0].give(Order.DRAIN)

    monkeypatch.setattr(SqlLedger, "issued", drained_at_the_first)

    operator = threading.Thread(target=operate)
    operator.start()
    done = run(line)
    operator.join()
    assert not done_while_paused
    assert done.reasons(EventKind.STOPPED) == ["drained"]
    assert (done.summary["issued"], done.summary["open"]) == (1, 3)
    assert line.check(all_issued=False) == []


def test_the_metrics_count_what_was_told(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("prometheus_client")
    line = Line.established(tmp_path, 2)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    page: list[str] = []
    ready: list[Any] = []
    problems: list[Any] = []
    enter = SqlLedger.issued

    def issued(self: SqlLedger, claim: Any) -> None:
        enter(self, claim)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            page.append(answer.read().decode())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10) as answer:
            ready.append(json.loads(answer.read()))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=10) as answer:
            assert json.loads(answer.read()) == {"status": "live"}
        with monkeypatch.context() as patch:
            patch.setattr(SqlLedger, "counts", away)
            with pytest.raises(urllib.error.HTTPError) as unready:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10)
            assert unready.value.code == 503
            problems.append(json.loads(unready.value.read()))

    def away(_: SqlLedger) -> None:
        raise LedgerUnavailableError("the database at /secret is stopped")

    monkeypatch.setattr(SqlLedger, "issued", issued)
    run(line, metrics=port)
    assert ready[0]["ready"]
    assert ready[0]["checks"]["readers"] == {"ready": True, "what": "readers at work", "left": 1}
    assert problems[0]["checks"]["database"]["what"] == "cannot be used; the log says why"
    reader = f"feeder:{line.feeders[0]}"
    assert f'chipseal_station_events_total{{event="issued",reader="{reader}"}} 1.0' in page[1]
    assert 'chipseal_station_card_seconds_count{event="issued"} 1.0' in page[1]
    assert 'chipseal_station_jobs{state="issued"}' in page[1]
