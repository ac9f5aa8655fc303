"""Cards that are printed before their chip is written, as the store and the rules handle them."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import create_engine, text

from personalise.ledger import rules
from personalise.ledger.delivery import Personal
from personalise.ledger.sealing import AlteredError
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import (
    CardRecord,
    CardStatus,
    Job,
    JobState,
    Printing,
    Refusal,
    StepRefusedError,
)
from personalise.ledger.steps import (
    Begun,
    CardRejected,
    Claimed,
    Interrupted,
    Issued,
    JobStep,
    Locking,
    Printed,
    PrintRejected,
    PrintSent,
    Reprint,
    WrittenOff,
)
from personalise.ledger.values import Rules
from support.errors import MisuseError
from tests.personalise.ledger.line import ANNA, BERT, KIND, Line
from tests.personalise.ledger.model import NOW


def send(line: Line, *jobs: str, most: int = 99) -> list[str]:
    return list(line.ledger.for_printer(lambda each: each.job, jobs, by="s", most=most))


def refusal(work: Callable[[], object]) -> Refusal:
    with pytest.raises(StepRefusedError) as caught:
        work()
    return caught.value.refusal


def test_a_job_at_the_printer_takes_no_blank_card(line: Line) -> None:
    sent, other = line.prepare("A1", "A2")
    assert send(line, sent) == [sent]
    assert line.take("CARD1").job == other
    assert line.ledger.take(BERT, "CARD2", KIND) is None


def test_a_printed_card_takes_its_own_job_only(line: Line) -> None:
    first, second = line.prepare("A1", "A2")
    assert send(line) == [first, second]
    line.ledger.printed(second, "CARD2", by="s")
    line.ledger.printed(second, "CARD2", by="s")  # repeated
    line.ledger.printed(first, "CARD1", by="s")
    assert line.refused("CARD3") is Refusal.NOT_PRINTED  # it would keep the others waiting
    assert line.issue("CARD2").job == second
    assert line.issue("CARD1").job == first
    assert line.ledger.verify().findings == ()
    assert line.steps(second) == [
        "received", "prepared", "print-sent", "printed", "claimed", "begun", "locking", "issued",
    ]  # fmt: skip


def test_a_claim_of_a_printed_card_is_taken_over_by_that_card_only(line: Line) -> None:
    (job,) = line.prepare("A1")
    send(line)
    line.ledger.printed(job, "CARD1", by="s")
    claim = line.take("CARD1")
    assert line.ledger.take(ANNA, "CARD2", KIND) is None  # the same worker, another card
    line.ledger.interrupted(claim)
    assert line.refused("CARD2", BERT) is Refusal.NOT_PRINTED
    assert line.issue("CARD1", BERT).job == job


def test_what_was_printed_wrong_spoils_the_card_and_is_printed_again(line: Line) -> None:
    (job,) = line.prepare("A1")
    send(line)
    line.ledger.print_rejected(job, "CARD1", "the MRZ is another one", by="s")
    assert line.refused("CARD1") is Refusal.CARD_NOT_BLANK
    assert line.ledger.take(ANNA, "CARD2", KIND) is None
    assert refusal(lambda: line.ledger.printed(job, "CARD2", by="s")) is Refusal.WRONG_STATE
    assert send(line) == [job]
    line.ledger.printed(job, "CARD2", by="s")
    assert line.issue("CARD2").job == job
    assert line.ledger.verify().findings == ()


def test_two_cards_are_not_printed_for_one_job(line: Line) -> None:
    first, second = line.prepare("A1", "A2")
    send(line)
    line.ledger.printed(first, "CARD1", by="s")
    assert refusal(lambda: line.ledger.printed(first, "CARD2", by="s")) is Refusal.WRONG_STATE
    again = refusal(lambda: line.ledger.printed(second, "CARD1", by="s"))
    assert again is Refusal.CARD_NOT_BLANK


def test_a_named_job_is_sent_again_only_when_asked(line: Line) -> None:
    (job,) = line.prepare("A1")
    assert send(line) == [job]
    assert send(line) == []
    assert refusal(lambda: send(line, job)) is Refusal.WRONG_STATE
    for named in ([job], []):
        (again,) = line.ledger.for_printer(
            lambda each: each.application.particulars.document.number,
            named,
            by="s",
            most=1,
            again=True,
        )
        assert again == "A1"
    line.ledger.printed(job, "CARD1", by="s")
    assert refusal(lambda: send(line, job)) is Refusal.WRONG_STATE


def test_what_cannot_be_made_for_the_printer_is_not_entered(line: Line) -> None:
    altered, good = line.prepare("A1", "A2")
    told = []

    def make(each: Personal) -> str:
        if each.job == altered:
            raise AlteredError(altered, "was altered in the ledger")
        return each.job

    with pytest.raises(AlteredError):
        list(line.ledger.for_printer(make, [altered], by="s", most=1))
    assert line.states()[altered] == "prepared"
    found = line.ledger.for_printer(make, by="s", most=9, held=lambda job, _: told.append(job))
    assert list(found) == [good]
    assert told == [altered]
    assert line.states() == {altered: "held", good: "prepared"}

    def fail(_: Personal) -> str:
        raise MisuseError("the key of the station is not here")

    line.ledger.release(altered, by="s")
    with pytest.raises(MisuseError, match="key of the station"):
        list(line.ledger.for_printer(fail, by="s", most=9))
    assert line.ledger.job(altered).job.printing is Printing.NONE


def test_a_printed_card_that_is_lost_is_written_off(line: Line) -> None:
    (job,) = line.prepare("A1")
    send(line)
    line.ledger.printed(job, "CARD1", by="s")
    assert not line.ledger.write_off("CARD1", "fell into a gap", by="s")
    assert line.refused("CARD1") is Refusal.CARD_NOT_BLANK
    assert send(line) == [job]
    assert line.ledger.verify().findings == ()


def test_where_cards_are_printed_first_no_blank_card_is_written(
    opened: Callable[..., SqlLedger], line: Line
) -> None:
    first = Line(opened(rules=Rules(print_first=True)))
    (job,) = first.prepare("A1")
    assert first.ledger.take(ANNA, "CARD1", KIND) is None
    assert line.ledger.job(job).job.printing is Printing.WANTED
    assert send(first) == [job]
    first.ledger.printed(job, "CARD1", by="s")
    first.issue("CARD1")
    first.ledger.reprint(job, "bent", by="s")
    assert first.ledger.take(ANNA, "CARD2", KIND) is None
    assert send(first) == [job]


def test_only_cards_in_stock_come_back_from_the_printer(opened: Callable[..., SqlLedger]) -> None:
    strict = Line(opened(rules=Rules(only_stock=True)))
    (job,) = strict.prepare("A1")
    send(strict)
    unknown = refusal(lambda: strict.ledger.printed(job, "CARD1", by="s"))
    assert unknown is Refusal.CARD_NOT_IN_STOCK
    strict.ledger.receive_cards(["CARD1"], kind=KIND, by="s")
    strict.ledger.printed(job, "CARD1", by="s")
    assert strict.issue("CARD1").job == job


def test_no_step_writes_a_card_that_was_not_printed_for_its_job() -> None:
    """Explore every state of a job and two cards: only the printed card is ever begun."""
    later = NOW + timedelta(minutes=1)
    first = (Job("A-1", JobState.PREPARED, has_image=True), CardRecord("C1"), CardRecord("C2"))
    reached, waiting = {first}, [first]
    while waiting:
        job, *cards = waiting.pop()
        serial = job.claims
        steps: list[JobStep] = [
            PrintSent("s"), Printed("s"), PrintRejected("s", "x"), Claimed(ANNA, later),
            Begun(serial), Locking(serial), Issued(serial), CardRejected(serial, "mute", ""),
            Interrupted(serial), WrittenOff("s", "x"), Reprint("s", "x"),
        ]  # fmt: skip
        for step, number in product(steps, (0, 1)):
            # As a store does: the card that the job is bound to, or the one in the reader.
            card = cards[number]
            if isinstance(step, WrittenOff | Reprint) and card.job != job.id:
                continue
            try:
                after, record = rules.apply(job, card, step, NOW)
            except StepRefusedError:
                continue
            if isinstance(step, Begun) and job.printing is not Printing.NONE:
                assert card.job == job.id
                assert card.status in {CardStatus.PRINTED, CardStatus.BEGUN}
            if after.printing is Printing.PRINTED and after.card is None:
                written = [c for c in cards if c.status is CardStatus.PRINTED]
                assert len(written) + isinstance(step, Printed) >= 1
            assert record is not None
            both = list(cards)
            both[number] = record
            if after.claims > 3 or after.attempts > 3:
                continue
            world = (after, both[0], both[1])
            if world not in reached:
                reached.add(world)
                waiting.append(world)
    assert {each[0].printing for each in reached} == set(Printing)
    assert any(each[0].state is JobState.ISSUED for each in reached)


def test_a_ledger_of_version_1_is_brought_to_this_version(
    line: Line, opened: Callable[..., SqlLedger], url: str
) -> None:
    (issued,) = line.prepare("A1")
    line.issue("CARD1")
    (waiting,) = line.prepare("A2")
    line.ledger.close()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in (
            "DROP TABLE stop",
            "DROP INDEX job_queue",
            "DROP INDEX job_unbegun",
            "DROP INDEX job_by_state",
            "ALTER TABLE job DROP COLUMN printing",
            "ALTER TABLE job DROP COLUMN stopped",
            "ALTER TABLE card DROP COLUMN place",
            "ALTER TABLE period DROP COLUMN key_check",
            "CREATE INDEX job_queue ON job (card_profile, number) WHERE state = 'prepared'",
            "CREATE INDEX job_unbegun ON job (card_profile) WHERE card IS NULL",
            "CREATE INDEX job_by_state ON job (state, card_profile)",
            "UPDATE ledger SET version = 1",
        ):
            connection.execute(text(statement))
    engine.dispose()
    again = Line(opened(create=False))
    assert again.states() == {issued: "issued", waiting: "prepared"}
    assert again.ledger.verify().findings == ()
    assert send(again) == [waiting]
    again.ledger.printed(waiting, "CARD2", by="s")
    assert again.issue("CARD2").job == waiting
    again.prepare("A3")
