"""Killed processes, a full disk, a stopped server, and databases that are not the ledger's."""

import multiprocessing
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event, text

from personalise.ledger.errors import DamagedLedgerError, LedgerUnavailableError
from personalise.ledger.migrations import VERSION
from personalise.ledger.opening import open_ledger
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import JobState, Refusal, StepRefusedError, Worker
from personalise.ledger.values import Claim
from personalise.pki.issuing_pki import IssuingPki
from support.errors import MisuseError
from tests.personalise.ledger.line import ANNA, BERT, KIND, Line
from tests.postgresql import PostgreSQL

KILLS = {"sqlite": 30, "postgresql": 15}


# --- processes that are killed -----------------------------------------------------------------


def _work(url: str, pki: IssuingPki, number: int) -> None:
    """Make cards until killed."""
    ledger = open_ledger(url, pki)
    made = 0
    while isinstance(claim := ledger.take(ANNA, f"CARD-{number}-{made}", KIND), Claim):
        ledger.begin(claim)
        ledger.locking(claim)
        ledger.issued(claim)
        made += 1


def test_a_worker_that_is_killed_anywhere_loses_nothing(
    line: Line, url: str, pki: IssuingPki
) -> None:
    jobs = line.prepare(*(f"N{n}" for n in range(80)))
    line.ledger.close()
    chance = random.Random(7)  # noqa: S311 - when to kill
    fork = multiprocessing.get_context("fork")
    kills = KILLS[url.partition(":")[0]]
    for number in range(kills):
        process = fork.Process(target=_work, args=(url, pki, number))
        process.start()
        time.sleep(chance.uniform(0.02, 0.25))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    ledger = open_ledger(url, pki)
    try:
        assert ledger.verify().findings == ()
        entries = {each.job.id: each.job for each in ledger.jobs()}
        assert set(entries) == set(jobs)
        bound = [job for job in entries.values() if job.card and job.state != JobState.ISSUED]
        assert len(bound) <= kills
        for job in bound:  # each begun card is taken up again, at once by its own reader
            claim = ledger.take(ANNA, job.card, KIND)
            assert isinstance(claim, Claim)
            assert (claim.job, claim.resumed) == (job.id, True)
            if not claim.in_doubt:
                ledger.locking(claim)
            ledger.issued(claim)
        assert ledger.verify().findings == ()
    finally:
        ledger.close()


def test_a_killed_client_leaves_no_lock(line: Line, url: str, pki: IssuingPki) -> None:
    (job,) = line.prepare("A1")
    line.ledger.close()
    held, parent = multiprocessing.get_context("fork").Event(), os.getpid()

    def hold() -> None:
        ledger = open_ledger(url, pki)
        with ledger._entering("press-9") as transaction:
            transaction.job_row(job)
            held.set()
            while os.getppid() == parent:
                transaction.connection.execute(text("SELECT 1"))
                time.sleep(0.01)

    process = multiprocessing.get_context("fork").Process(target=hold)
    process.start()
    assert held.wait(30)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    ledger = open_ledger(url, pki)
    began = time.monotonic()
    assert isinstance(ledger.take(BERT, "CARD1", KIND), Claim)
    assert time.monotonic() - began < 5
    ledger.close()


# --- a full disk -------------------------------------------------------------------------------


def test_a_full_disk_changes_nothing_and_work_goes_on_after_it(line: Line, url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("the server of PostgreSQL has a disk of its own")
    (job,) = line.prepare("A1")
    claim = line.begin("CARD1")
    database = line.ledger._database
    pages = "PRAGMA max_page_count = {}"
    limit = {"pages": "1"}  # no more than there are now

    def confine(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(pages.format(limit["pages"]))

    event.listen(database.engine, "checkout", confine)
    with pytest.raises(LedgerUnavailableError, match="the disk is full; nothing was changed"):
        line.receive(*(f"N{number}" for number in range(200)))
    assert line.states() == {job: "claimed"}
    limit["pages"] = "1000000"
    event.remove(database.engine, "checkout", confine)
    event.listen(database.engine, "checkout", confine)
    assert line.ledger.verify().findings == ()
    line.ledger.locking(claim)
    line.ledger.issued(claim)
    assert line.ledger.job(job).job.state is JobState.ISSUED
    assert line.ledger.verify().findings == ()


# --- a server that stops -----------------------------------------------------------------------


@pytest.fixture
def on_server(
    postgresql_server: PostgreSQL, postgresql_url: str, pki: IssuingPki
) -> Callable[[], Line]:
    """Open a ledger in PostgreSQL."""
    (pki.folder / "ledger-checkpoint.json").unlink(missing_ok=True)
    assert postgresql_server.port
    return lambda: Line(open_ledger(postgresql_url, pki, create=True))


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_stops_in_mid_claim(
    on_server: Callable[[], Line], postgresql_server: PostgreSQL, mode: str
) -> None:
    line = on_server()
    (job,) = line.prepare("A1")
    claim = line.begin("CARD1")
    postgresql_server.stop(mode)
    try:
        with pytest.raises(LedgerUnavailableError, match="does not answer") as caught:
            line.ledger.locking(claim)
        assert "127.0.0.1" in caught.value.message
    finally:
        postgresql_server.start()
    line.ledger.locking(claim)
    line.ledger.issued(claim)
    assert line.ledger.job(job).job.state is JobState.ISSUED
    assert line.ledger.verify().findings == ()
    line.ledger.close()


def test_a_server_that_pauses_delays_a_step(
    on_server: Callable[[], Line], postgresql_server: PostgreSQL
) -> None:
    line = on_server()
    (job,) = line.prepare("A1")
    claim = line.begin("CARD1")
    postgresql_server.pause()
    try:
        thread = threading.Thread(target=line.ledger.locking, args=(claim,))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    finally:
        postgresql_server.resume()
    thread.join(30)
    assert line.ledger.job(job).job.state is JobState.IN_DOUBT
    line.ledger.close()


def test_a_step_whose_answer_was_lost_is_repeated(line: Line) -> None:
    """The commit arrived, its answer did not: the same call again finds the step taken."""
    (job,) = line.prepare("A1")
    claim = line.lock("CARD1")
    engine = line.ledger._database.engine

    def lose(connection: object) -> None:
        event.remove(engine, "commit", lose)
        raw = connection.connection.dbapi_connection  # type: ignore[attr-defined]
        raw.commit() if hasattr(raw, "info") else raw.execute("COMMIT")
        raise LedgerUnavailableError("the answer was lost")

    event.listen(engine, "commit", lose)
    with pytest.raises(LedgerUnavailableError):
        line.ledger.issued(claim)
    line.ledger.issued(claim)
    assert line.steps(job).count("issued") == 1
    assert line.ledger.verify().findings == ()


def test_no_transaction_is_open_while_a_card_is_handled(
    on_server: Callable[[], Line],
) -> None:
    """So no station waits for another that has a card."""
    line = on_server()
    line.prepare("A1", "A2")
    line.begin("CARD1", ANNA)
    with line.ledger._database.reading() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"
        assert connection.execute(text(query)).scalar() == 0
        locks = "SELECT count(*) FROM pg_locks WHERE mode LIKE '%Update%' OR NOT granted"
        assert connection.execute(text(locks)).scalar() == 0
    assert isinstance(line.ledger.take(BERT, "CARD2", KIND), Claim)
    line.ledger.close()


def test_two_readers_with_the_same_unknown_card_begin_it_once(
    on_server: Callable[[], Line],
) -> None:
    """Two cards with one serial number: the second is refused, at the latest when repeated."""
    line = on_server()
    line.prepare(*(f"N{n}" for n in range(8)))
    claims = [line.take("SAME", Worker(f"press-{n}", "1")) for n in range(8)]
    begun: list[str] = []
    refused: list[Refusal] = []

    def begin(claim: Claim) -> None:
        for _ in range(5):
            try:
                line.ledger.begin(claim)
            except LedgerUnavailableError:
                continue
            except StepRefusedError as error:
                refused.append(error.refusal)
                return
            begun.append(claim.job)
            return

    threads = [threading.Thread(target=begin, args=(claim,)) for claim in claims]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(begun), set(refused)) == (1, {Refusal.CARD_NOT_BLANK})
    assert line.ledger.verify().findings == ()
    line.ledger.close()


# --- databases that are not this ledger's ------------------------------------------------------


def test_a_ledger_of_a_newer_version_is_refused(
    ledger: SqlLedger, opened: Callable[..., SqlLedger]
) -> None:
    with ledger._database.writing() as connection:
        connection.execute(text("UPDATE ledger SET version = version + 1"))
    with pytest.raises(DamagedLedgerError, match=f"version {VERSION + 1}.*reads version {VERSION}"):
        opened()


def test_a_database_without_a_ledger_is_not_made_one(opened: Callable[..., SqlLedger]) -> None:
    with pytest.raises((DamagedLedgerError, MisuseError), match="ledger"):
        opened(create=False)


def test_a_file_that_is_no_database(pki: IssuingPki, tmp_path: Path, ledger: SqlLedger) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to be read as one" * 100)
    with pytest.raises(DamagedLedgerError, match="is not a ledger, or is damaged"):
        open_ledger(f"sqlite:///{tmp_path / 'text'}", pki)
    assert ledger.id


@pytest.mark.parametrize(
    "url",
    ["nonsense", "sqlite://", "sqlite:///:memory:", "mysql://host/name", "sqlite://host/file"],
)
def test_a_url_that_names_no_ledger(url: str, pki: IssuingPki) -> None:
    with pytest.raises(MisuseError):
        open_ledger(url, pki, create=True)


def test_an_error_never_shows_the_password(pki: IssuingPki) -> None:
    url = "postgresql://user:secret-word@127.0.0.1:1/ledger"
    with pytest.raises(LedgerUnavailableError) as caught:
        open_ledger(url, pki, create=True)
    assert "secret-word" not in str(caught.value)
    assert "127.0.0.1" in caught.value.message
    assert caught.value.__cause__ is None


def test_only_the_owner_reads_the_file(line: Line, url: str) -> None:
    line.prepare("A1")
    for path in Path(url.removeprefix("sqlite:///")).parent.glob("ledger.sqlite*"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_two_processes_make_a_ledger_at_once(url: str, pki: IssuingPki) -> None:
    (pki.folder / "ledger-checkpoint.json").unlink(missing_ok=True)
    found: list[str] = []

    def make(number: int) -> None:
        ledger = open_ledger(url, pki, create=True)
        Line(ledger).prepare(f"N{number}")
        ledger.take(Worker(f"press-{number}", "1"), f"CARD{number}", KIND)
        found.append(ledger.id)
        ledger.close()

    threads = [threading.Thread(target=make, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    ledger = open_ledger(url, pki)
    assert ledger.verify().findings == ()
    ledger.close()
