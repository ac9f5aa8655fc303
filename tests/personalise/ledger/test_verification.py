"""`verify` finds whatever was changed, removed, added or restored behind the ledger's back."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from personalise.ledger import checkpoints
from personalise.ledger.journal import station_slot
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import CardStatus, JobState, Worker
from personalise.pki.issuing_pki import IssuingPki
from support.errors import MalformedError
from tests.personalise.ledger.conftest import Backup
from tests.personalise.ledger.line import BERT, Clock, Line


@pytest.fixture
def busy(line: Line, clock: Clock) -> Line:
    """A ledger in which nearly everything happened."""
    ledger = line.ledger
    ledger.receive_cards([f"CARD{n}" for n in range(5)], by="s")
    jobs = line.prepare("A1", "A2", "A3", "A4")
    line.issue("CARD1")
    ledger.reprint(jobs[0], "lost", by="s")
    line.issue("CARD2")
    claim = line.begin("CARD3", BERT)
    ledger.card_rejected(claim, "mute", "no answer")
    line.lock("CARD4")
    clock.advance(minutes=5)
    ledger.write_off("CARD4", "lost", by="s")
    ledger.reject(jobs[3], "withdrawn", by="s")
    line.take("CARD5")
    clock.advance(minutes=5)
    line.lock("CARD6", BERT)
    ledger.sign_checkpoint(timedelta(0))
    line.receive("A5")
    ledger.sign_checkpoint(timedelta(0))
    return line


def problems(ledger: SqlLedger) -> list[str]:
    return [f"{each.where}: {each.problem}" for each in ledger.verify().findings]


def test_an_honest_ledger_is_found_right(busy: Line) -> None:
    found = busy.ledger.verify()
    assert found.findings == ()
    assert (found.jobs, found.cards, found.checkpoints) == (5, 6, 2)
    assert found.entries > 25


TAMPERING = {
    "UPDATE job SET state = 'prepared', card = NULL WHERE state = 'issued'": "its state",
    "UPDATE job SET card = 'CARD9' WHERE state = 'issued'": "its card",
    "UPDATE job SET document = 'x' WHERE state = 'issued'": "its document",
    "UPDATE job SET attempts = 0 WHERE state = 'issued'": "number of attempts",
    "UPDATE job SET id = 'A-0' WHERE state = 'rejected'": "has no entries",
    "UPDATE card SET status = 'in-stock' WHERE name = 'CARD1'": "not in the state",
    "DELETE FROM card WHERE name = 'CARD3'": "has entries",
    "UPDATE entry SET content = replace(content, 'lost', 'kept')": "was changed",
    "UPDATE entry SET digest = previous.digest FROM entry previous"
    " WHERE entry.number = 3 AND previous.number = 2": "was changed",
    "DELETE FROM entry WHERE content LIKE '%\"written-off\"%'": "chain is broken",
    "DELETE FROM entry WHERE number = (SELECT max(number) FROM entry)": "does not end",
    "DELETE FROM checkpoint WHERE number = 1": "chain of checkpoints is broken",
    "UPDATE checkpoint SET signature = digest": "signature is wrong",
    "UPDATE chain SET sequence = sequence + 1": "does not end",
    "DELETE FROM chain": "has no head",
    "UPDATE blob SET content = digest FROM checkpoint WHERE kind = 'image'": "a sealed image",
    "UPDATE blob SET content = digest FROM checkpoint WHERE kind = 'application'": "application",
    "DELETE FROM blob WHERE kind = 'image'": "has lost its sealed image",
    "DELETE FROM blob WHERE kind = 'application'": "has lost its sealed application",
    "UPDATE job SET live_document = NULL WHERE state = 'issued'": "does not hold its document",
}


@pytest.mark.parametrize("statement", TAMPERING)
def test_what_was_changed_is_found(busy: Line, url: str, statement: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        changed = connection.execute(text(statement.replace('%"', '%"')))
        assert changed.rowcount
    engine.dispose()
    assert any(TAMPERING[statement] in each for each in problems(busy.ledger))


def test_entries_that_are_cut_off_are_missed_by_the_checkpoint(busy: Line, url: str) -> None:
    """Somebody removes the end of a chain and mends rows and head."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in (
            "DELETE FROM entry WHERE chain = 'press-2' AND sequence > 3",
            """UPDATE chain SET sequence = 3, digest = entry.digest FROM entry
               WHERE entry.chain = name AND name = 'press-2' AND entry.sequence = 3""",
        ):
            assert connection.execute(text(statement)).rowcount
    engine.dispose()
    assert any("which a checkpoint signs" in each for each in problems(busy.ledger))


def test_checkpoints_are_signed_while_work_goes_on(
    line: Line, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "INTERVAL", timedelta(seconds=0.05))
    line.receive("A1")
    deadline = time.monotonic() + 30
    while line.ledger.last_checkpoint() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert line.ledger.last_checkpoint() is not None
    line.ledger.close()
    assert (pki.folder / "ledger-checkpoint.json").is_file()


def test_a_restored_ledger_is_found_by_the_checkpoint_beside_it(
    busy: Line, backup: Backup, opened: Callable[..., SqlLedger]
) -> None:
    saved = backup.make()
    busy.receive("A6")
    busy.ledger.close()
    backup.restore(saved)
    assert any("restored from a backup" in each for each in problems(opened()))


def test_a_ledger_is_verified_while_stations_work(
    line: Line, opened: Callable[..., SqlLedger]
) -> None:
    line.prepare(*(f"N{n}" for n in range(20)))
    station = Line(opened())

    def work() -> None:
        for number in range(20):
            station.issue(f"CARD{number}")
            station.ledger.sign_checkpoint(timedelta(0))

    thread = threading.Thread(target=work)
    thread.start()
    found = []
    while thread.is_alive():
        found.append(line.ledger.verify())
    thread.join()
    assert [each.findings for each in found] == [()] * len(found)
    assert len({each.entries for each in found}) > 1


def test_what_journals_know_is_joined_to_a_restored_ledger(
    line: Line, backup: Backup, opened: Callable[..., SqlLedger], pki: IssuingPki
) -> None:
    with station_slot(line.ledger.id) as slot:
        worker = Worker(slot.name, "1")
        line.ledger.join(slot)
        issued, doubtful, begun, rejected = line.prepare("A1", "A2", "A3", "A4")
        saved = backup.make()
        line.issue("CARD1", worker)
        line.lock("CARD2", worker)
        line.begin("CARD3", worker)
        claim = line.begin("CARD4", worker)
        line.ledger.card_rejected(claim, "mute", "no answer")
        (later,) = line.prepare("A5")
        line.ledger.interrupted(line.take("CARD5", worker))
        line.ledger.reject(rejected, "withdrawn", by="s")
        assert line.issue("CARD6", worker).job == later
    line.ledger.close()
    backup.restore(saved)
    restored = opened()
    cards = {each.name: each for each in restored.rejoin(reason="disk failed", by="s")}
    assert {name: card.status.value for name, card in cards.items()} == {
        "CARD1": "used", "CARD2": "begun", "CARD3": "begun", "CARD4": "spoilt", "CARD6": "spoilt",
    }  # fmt: skip
    assert cards["CARD6"].may_be_good
    assert later in cards["CARD6"].reason
    states = {each.job.id: (each.job.state, each.job.card) for each in restored.jobs()}
    assert states == {
        issued: (JobState.ISSUED, "CARD1"),
        doubtful: (JobState.IN_DOUBT, "CARD2"),
        begun: (JobState.CLAIMED, "CARD3"),
        rejected: (JobState.PREPARED, None),
    }
    assert problems(restored) == []
    with station_slot(restored.id) as slot:
        restored.join(slot)
        again = Line(restored)
        again.ledger.issued(again.take("CARD2", Worker(slot.name, "1")))


def test_a_card_whose_job_has_another_one_is_written_off(
    line: Line, backup: Backup, opened: Callable[..., SqlLedger]
) -> None:
    with station_slot(line.ledger.id) as slot:
        line.ledger.join(slot)
        (job,) = line.prepare("A1")
        saved = backup.make()
        line.issue("CARD1", Worker(slot.name, "1"))
    line.ledger.close()
    backup.restore(saved)
    careless = Line(opened())
    assert careless.issue("CARD2", BERT).job == job  # a station that never joined
    (card,) = careless.ledger.rejoin(reason="disk failed", by="s")
    assert (card.name, card.status, card.may_be_good) == ("CARD1", CardStatus.WRITTEN_OFF, True)
    assert problems(careless.ledger) == []


def test_a_reprint_whose_image_does_not_open_keeps_the_good_card(line: Line, url: str) -> None:
    (job,) = line.prepare("A1")
    line.issue("CARD1")
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE blob SET content = digest FROM chain WHERE kind = 'image'"))
    engine.dispose()
    with pytest.raises(MalformedError):
        line.ledger.reprint(job, "lost", by="s")
    found = line.ledger.job(job)
    assert (found.job.state, found.job.card) == (JobState.ISSUED, "CARD1")
    assert line.ledger.card("CARD1").status is CardStatus.USED
