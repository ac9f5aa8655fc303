"""The ledger in SQLite and in PostgreSQL: the same tests for both."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text

from emrtd.lds.files import FileID
from personalise.ledger.errors import ReplayedPackageError
from personalise.ledger.journal import Journal, StationSlot
from personalise.ledger.keys.pki_keys import PkiLedgerKeys
from personalise.ledger.sealing import AlteredError
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import CardStatus, JobState, Refusal, StepRefusedError, Worker
from personalise.ledger.transaction import ClockBehindError
from personalise.ledger.values import AlteredJob, CardRefused, Claim, Rules
from personalise.pki.issuing_pki import IssuingPki
from support.errors import MisuseError
from tests.personalise.ledger.line import ANNA, BERT, DESK, KIND, Clock, Line, arrival, image


def refusal(work: Callable[..., object], *arguments: object, **options: object) -> Refusal:
    with pytest.raises(StepRefusedError) as caught:
        work(*arguments, **options)
    return caught.value.refusal


# --- the way of a job ------------------------------------------------------------------------


def test_from_application_to_good_card(line: Line) -> None:
    ledger = line.ledger
    (reception,) = ledger.receive([arrival()], package=b"p" * 32)
    assert reception.state is JobState.RECEIVED
    (preparation,) = ledger.take_for_preparation(DESK, 5)
    assert preparation.application.particulars.document.number == "ZU1234567"
    assert preparation.application.image("biometrics.portrait", "portrait.jpg") == b"a face"
    assert preparation.profile == "permit"
    ledger.prepared(preparation.job, image())
    claim = line.take("CARD1")
    assert (claim.job, claim.resumed, claim.in_doubt) == (preparation.job, False, False)
    read = ledger.image(claim)
    assert (read.files, read.chip_keys) == (image().files, b"sealed keys")
    ledger.begin(claim)
    assert ledger.job(claim.job).job.state is JobState.CLAIMED
    ledger.locking(claim)
    assert ledger.job(claim.job).job.state is JobState.IN_DOUBT
    ledger.issued(claim)
    assert ledger.job(claim.job).job.state is JobState.ISSUED
    assert ledger.job(claim.job).job.card == "CARD1"
    assert ledger.card("CARD1").status is CardStatus.USED
    assert line.steps(claim.job) == [
        "received", "prepared", "claimed", "begun", "locking", "issued",
    ]  # fmt: skip
    assert ledger.take(ANNA, "CARD2", KIND) is None


def test_the_order_is_reprints_then_priority_then_age(line: Line) -> None:
    (old,) = line.prepare("A1")
    line.issue("CARD0")
    first, second = line.prepare("A2", "A3")
    (urgent,) = line.prepare("A4", priority=5)
    line.ledger.reprint(old, "the holder lost it", by="supervisor")
    assert [line.issue(f"CARD{n}").job for n in range(1, 5)] == [old, urgent, first, second]


def test_a_card_of_another_kind_takes_no_job(line: Line) -> None:
    line.prepare("A1")
    assert line.ledger.take(ANNA, "CARD1", "another-kind") is None


def test_preparation_is_handed_out_once_until_its_lease_ends(line: Line, clock: Clock) -> None:
    jobs = line.receive("A1", "A2", "A3")
    other = Worker("desk", "2")
    assert [each.job for each in line.ledger.take_for_preparation(DESK, 2)] == jobs[:2]
    assert [each.job for each in line.ledger.take_for_preparation(other, 5)] == jobs[2:]
    clock.advance(minutes=6)
    assert [each.job for each in line.ledger.take_for_preparation(other, 5)] == jobs
    line.ledger.prepared(jobs[0], image())
    assert refusal(line.ledger.prepared, jobs[0], image()) is Refusal.WRONG_STATE


@pytest.mark.parametrize(
    "query",
    [
        "UPDATE blob SET content = substr(content, 1, 50) WHERE job = :job",
        "DELETE FROM blob WHERE job = :job",
        "UPDATE job SET wrapped_key = :octets WHERE number = :job",
        "UPDATE job SET wrapped_key = substr(wrapped_key, 1, 7) WHERE number = :job",
        "UPDATE job SET wrapped_key = NULL WHERE number = :job",
        "UPDATE job SET period = '1999-01' WHERE number = :job",
    ],
)
def test_an_altered_application_is_named_and_the_others_are_handed_out(
    line: Line, query: str
) -> None:
    altered, sound = line.receive("A1", "A2")
    with line.ledger._database.writing() as connection:
        row = connection.execute(text("SELECT min(number) FROM job")).scalar()
        statement = text(query)
        values = {name: {"job": row, "octets": bytes(40)}[name] for name in statement._bindparams}
        assert connection.execute(statement, values).rowcount == 1
    with pytest.raises(AlteredError):
        line.ledger.take_for_preparation(DESK, 5)
    found: list[AlteredJob] = []
    taken = line.ledger.take_for_preparation(DESK, 5, altered=found.append)
    assert [each.job for each in taken] == [sound]
    assert [each.job for each in found] == [altered]
    assert altered in found[0].error.message


def test_another_key_of_the_period_is_named_and_no_application_is_blamed(
    line: Line, pki: IssuingPki, opened: Callable[..., SqlLedger], tmp_path: Path
) -> None:
    line.receive("A1")
    (period,) = [each.name for each in line.ledger.periods()]
    path = pki.folder / "retention" / f"{period}.key"
    path.rename(tmp_path / "away")
    try:
        PkiLedgerKeys(pki.folder, pki.local_keys).period_key(period, create=True)
        other = opened()
        for call in (
            lambda: other.receive([arrival("A2")]),
            lambda: other.take_for_preparation(DESK, 5, altered=pytest.fail),
        ):
            with pytest.raises(MisuseError, match="is not the key with which"):
                call()
    finally:
        (tmp_path / "away").replace(path)


def test_a_worker_gets_its_own_preparation_again_at_once(line: Line) -> None:
    jobs = line.receive("A1", "A2", "A3")
    other = Worker("desk", "2")
    assert [each.job for each in line.ledger.take_for_preparation(other, 1)] == jobs[:1]
    assert [each.job for each in line.ledger.take_for_preparation(DESK, 1)] == jobs[1:2]
    assert [each.job for each in line.ledger.take_for_preparation(DESK, 5)] == jobs[1:]


def test_preparation_that_is_given_up_is_handed_to_others(line: Line) -> None:
    jobs = line.receive("A1", "A2", "A3")
    other, third = Worker("desk", "2"), Worker("desk", "3")
    line.ledger.take_for_preparation(other, 1)
    line.ledger.take_for_preparation(DESK, 2)
    line.ledger.prepared(jobs[1], image())
    line.ledger.give_up_preparation(DESK)
    assert [each.job for each in line.ledger.take_for_preparation(third, 5)] == jobs[2:]


# --- receiving -------------------------------------------------------------------------------


def test_a_document_has_one_job(line: Line) -> None:
    (job,) = line.receive("A1")
    (again,) = line.ledger.receive([arrival("A1")])
    assert (again.job, again.duplicate_of) == (None, job)
    assert line.ledger.find_document("UTO", "A1") == job
    assert line.ledger.find_document("UTO", "A2") is None
    one, two = line.ledger.receive([arrival("A2"), arrival("A2")])
    assert (two.job, two.duplicate_of) == (None, one.job)


def test_a_duplicate_can_be_held_and_goes_on_only_alone(line: Line) -> None:
    (job,) = line.receive("A1")
    (held,) = line.ledger.receive([arrival("A1")], hold_duplicates=True)
    assert (held.state, held.duplicate_of) == (JobState.HELD, job)
    assert held.job is not None
    assert refusal(line.ledger.release, held.job, by="s") is Refusal.DUPLICATE
    line.ledger.reject(job, "withdrawn", by="s")
    line.ledger.release(held.job, by="s")
    assert line.ledger.find_document("UTO", "A1") == held.job


def test_a_held_application_holds_its_document(line: Line) -> None:
    (held,) = line.ledger.receive([arrival("A1", hold="the portrait is dark")])
    (again,) = line.ledger.receive([arrival("A1")])
    assert (again.job, again.duplicate_of) == (None, held.job)
    assert held.job is not None
    line.ledger.reject(held.job, "the portrait is dark", by="s")
    assert line.ledger.receive([arrival("A1")])[0].job is not None


def test_a_document_with_a_good_card_has_no_second_job(line: Line) -> None:
    (job,) = line.prepare("A1")
    line.issue("CARD1")
    (again,) = line.ledger.receive([arrival("A1")])
    assert again.duplicate_of == job


def test_a_package_is_received_once(line: Line) -> None:
    line.ledger.receive([arrival("A1")], package=b"p" * 32)
    with pytest.raises(ReplayedPackageError):
        line.ledger.receive([arrival("A2")], package=b"p" * 32)
    assert line.ledger.find_document("UTO", "A2") is None


def test_a_job_that_is_received_held_is_not_prepared(line: Line) -> None:
    (held,) = line.ledger.receive([arrival("A1", hold="the portrait is dark")])
    assert line.ledger.take_for_preparation(DESK, 5) == []
    assert held.job is not None
    line.ledger.release(held.job, by="s")
    assert len(line.ledger.take_for_preparation(DESK, 5)) == 1


# --- claims ----------------------------------------------------------------------------------


def test_a_claim_ends_by_time_until_it_is_begun(line: Line, clock: Clock) -> None:
    (job,) = line.prepare("A1")
    first = line.take("CARD1", ANNA)
    assert line.ledger.take(BERT, "CARD2", KIND) is None
    clock.advance(seconds=61)
    second = line.take("CARD2", BERT)
    assert second.job == job
    assert refusal(line.ledger.begin, first) is Refusal.SUPERSEDED
    line.ledger.begin(second)
    clock.advance(days=30)
    assert line.ledger.take(ANNA, "CARD1", KIND) is None
    line.ledger.locking(second)
    line.ledger.issued(second)


def test_a_claim_that_is_renewed_holds(line: Line, clock: Clock) -> None:
    line.prepare("A1")
    claim = line.take("CARD1")
    for _ in range(4):
        clock.advance(seconds=40)
        claim = line.ledger.renew(claim)
        assert line.ledger.take(BERT, "CARD2", KIND) is None
    clock.advance(seconds=61)
    line.take("CARD2", BERT)
    assert refusal(line.ledger.renew, claim) is Refusal.SUPERSEDED


def test_any_station_finishes_a_begun_card(line: Line, clock: Clock) -> None:
    (job,) = line.prepare("A1")
    claim = line.begin("CARD1", ANNA)
    assert line.refused("CARD1", BERT) is Refusal.HELD_BY_OTHER
    line.ledger.interrupted(claim)
    resumed = line.take("CARD1", BERT)
    assert (resumed.job, resumed.resumed, resumed.in_doubt) == (job, True, False)
    line.ledger.begin(resumed)
    assert refusal(line.ledger.locking, claim) is Refusal.SUPERSEDED
    line.ledger.locking(resumed)
    clock.advance(minutes=2)
    doubtful = line.take("CARD1", ANNA)
    assert doubtful.in_doubt
    line.ledger.issued(doubtful)
    assert line.ledger.job(job).job.attempts == 1


def test_a_repeated_step_changes_nothing(line: Line) -> None:
    (job,) = line.prepare("A1")
    claim = line.take("CARD1")
    for step in (line.ledger.begin, line.ledger.locking, line.ledger.issued):
        step(claim)
        step(claim)
    assert line.steps(job)[-3:] == ["begun", "locking", "issued"]


def test_a_rejected_card_makes_room_for_another(line: Line) -> None:
    (job,) = line.prepare("A1")
    claim = line.begin("CARD1")
    line.ledger.card_rejected(claim, "does-not-keep", "what was written does not read back")
    assert line.refused("CARD1") is Refusal.CARD_NOT_BLANK
    assert line.issue("CARD2").job == job
    assert line.ledger.job(job).job.attempts == 2
    assert line.ledger.card("CARD1").status is CardStatus.SPOILT


def test_a_card_that_may_be_good_leaves_the_job_in_doubt(line: Line) -> None:
    (job,) = line.prepare("A1")
    claim = line.lock("CARD1")
    line.ledger.card_rejected(claim, "mute", "it does not answer", may_be_good=True)
    assert line.states() == {job: "in-doubt"}
    assert line.ledger.take(ANNA, "CARD2", KIND) is None
    assert [each.name for each in line.ledger.summary().may_be_good] == ["CARD1"]
    assert line.ledger.write_off("CARD1", "the card is broken", by="s")
    assert [each.name for each in line.ledger.summary().may_be_good] == ["CARD1"]
    assert line.issue("CARD2").job == job
    line.ledger.destroy_card("CARD1", by="s")
    assert line.ledger.summary().may_be_good == ()


def test_a_card_that_is_written_off_before_the_lock_cannot_be_good(
    line: Line, clock: Clock
) -> None:
    line.prepare("A1")
    line.begin("CARD1")
    assert refusal(line.ledger.write_off, "CARD1", "lost", by="s") is Refusal.HELD_BY_OTHER
    clock.advance(minutes=2)
    assert not line.ledger.write_off("CARD1", "lost", by="s")
    assert line.refused("CARD1") is Refusal.CARD_NOT_BLANK
    assert refusal(line.ledger.write_off, "CARD9", "lost", by="s") is Refusal.CARD_WRONG_STATE


def test_a_station_that_starts_again_has_its_jobs_at_once(line: Line, tmp_path: Path) -> None:
    unbegun, begun = line.prepare("A1", "A2")
    assert line.take("CARD1", ANNA).job == unbegun
    assert line.begin("CARD2", Worker("press-1", "reader 2")).job == begun
    line.ledger.join(StationSlot("press-1", Journal(tmp_path)))
    assert line.take("CARD3", BERT).job == unbegun
    assert line.take("CARD2", BERT).job == begun


def test_a_rejected_application_takes_no_card(line: Line) -> None:
    (job,) = line.prepare("A1")
    claim = line.begin("CARD1")
    line.ledger.application_rejected(claim, "its EF.SOD does not verify")
    assert line.states() == {job: "rejected"}
    assert line.ledger.card("CARD1").status is CardStatus.SPOILT
    assert line.ledger.take(ANNA, "CARD2", KIND) is None


def test_an_application_in_doubt_is_not_rejected(line: Line, clock: Clock) -> None:
    (job,) = line.prepare("A1")
    line.lock("CARD1")
    assert refusal(line.ledger.reject, job, "withdrawn", by="s") is Refusal.HELD_BY_OTHER
    clock.advance(minutes=2)
    assert refusal(line.ledger.reject, job, "withdrawn", by="s") is Refusal.IN_DOUBT


def test_a_job_on_hold_is_not_claimed(line: Line) -> None:
    (job,) = line.prepare("A1")
    line.ledger.hold(job, "the holder's name is being corrected", by="s")
    assert line.ledger.take(ANNA, "CARD1", KIND) is None
    line.ledger.release(job, by="s")
    assert line.take("CARD1").job == job


def test_a_reprint_ends_the_card_and_needs_a_reason(line: Line) -> None:
    (job,) = line.prepare("A1")
    line.issue("CARD1")
    with pytest.raises(MisuseError, match="reason"):
        line.ledger.reprint(job, "", by="s")
    line.ledger.reprint(job, "lost in the post", by="s")
    assert line.ledger.card("CARD1").status is CardStatus.ENDED
    assert line.refused("CARD1") is Refusal.CARD_NOT_BLANK
    assert line.issue("CARD2").job == job
    assert refusal(line.ledger.reprint, line.prepare("A2")[0], "x", by="s") is Refusal.WRONG_STATE


# --- cards -----------------------------------------------------------------------------------


def test_a_card_without_a_name_is_refused(line: Line) -> None:
    line.prepare("A1")
    found = line.ledger.take(ANNA, None, KIND)
    assert isinstance(found, CardRefused)
    assert found.card is None


def test_only_stock_is_written_where_the_rules_say_so(
    opened: Callable[..., SqlLedger], line: Line
) -> None:
    line.prepare("A1")
    strict = Line(opened(rules=Rules(only_stock=True)))
    assert strict.refused("CARD1") is Refusal.CARD_NOT_IN_STOCK
    assert strict.ledger.receive_cards(["CARD1", "CARD2", "CARD1"], kind=KIND, by="s") == 2
    assert strict.ledger.receive_cards(["CARD1"], by="s") == 0
    strict.ledger.spoil_card("CARD2", "bent", by="s")
    assert strict.refused("CARD2") is Refusal.CARD_NOT_BLANK
    strict.issue("CARD1")
    counts = strict.ledger.summary().cards
    assert {status.value: n for status, n in counts.items() if n} == {"used": 1, "spoilt": 1}
    assert refusal(strict.ledger.spoil_card, "CARD1", "x", by="s") is Refusal.CARD_WRONG_STATE
    assert refusal(strict.ledger.destroy_card, "CARD1", by="s") is Refusal.CARD_WRONG_STATE
    assert refusal(strict.ledger.receive_cards, ["CARD2"], by="s") is Refusal.CARD_WRONG_STATE
    assert [each.name for each in strict.ledger.cards([CardStatus.SPOILT])] == ["CARD2"]


# --- many at once ----------------------------------------------------------------------------


def test_stations_in_parallel_never_share_a_job(opened: Callable[..., SqlLedger]) -> None:
    Line(opened()).prepare(*(f"N{n}" for n in range(40)))
    issued: list[str] = []
    lock = threading.Lock()

    def work(station: int) -> None:
        line = Line(opened())
        worker = Worker(f"press-{station}", "r")
        number = 0
        while isinstance(claim := line.ledger.take(worker, f"C{station}-{number}", KIND), Claim):
            line.ledger.begin(claim)
            line.ledger.locking(claim)
            line.ledger.issued(claim)
            number += 1
            with lock:
                issued.append(claim.job)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(issued) == len(set(issued)) == 40
    assert opened().counts()[JobState.ISSUED] == 40
    assert [opened().count_up_to(most, JobState.ISSUED) for most in (0, 1, 40, 99)] == [
        0,
        1,
        40,
        40,
    ]
    assert opened().count_up_to(1, JobState.ISSUED, "another kind") == 0


# --- the clock -------------------------------------------------------------------------------


def test_a_clock_that_jumps_back_begins_nothing_and_loses_nothing(line: Line, clock: Clock) -> None:
    (job, _) = line.prepare("A1", "A2")
    claim = line.lock("CARD1")
    clock.advance(hours=-3)
    with pytest.raises(ClockBehindError):
        line.ledger.take(ANNA, "CARD2", KIND)
    line.ledger.issued(claim)
    assert line.ledger.job(job).job.state is JobState.ISSUED


def test_a_lease_from_the_future_does_not_hold(line: Line, clock: Clock) -> None:
    (job,) = line.prepare("A1")
    line.take("CARD1", ANNA)
    clock.advance(seconds=-5)  # another transaction, which began a little earlier
    assert line.ledger.take(BERT, "CARD2", KIND) is None
    clock.advance(minutes=-4)
    assert line.take("CARD2", BERT).job == job


def test_what_a_clock_allowed_is_allowed_when_it_is_verified(line: Line, clock: Clock) -> None:
    line.prepare("A1")
    for back in (20, 45, 70, 200):
        claim = line.take("CARD1", ANNA)
        clock.advance(seconds=40)
        line.ledger.renew(claim)
        clock.advance(seconds=-back)
        line.ledger.take(BERT, "CARD2", KIND)
        clock.advance(seconds=300)
    assert line.ledger.verify().findings == ()


def test_names_of_files_survive(line: Line) -> None:
    line.prepare("A1")
    assert set(line.ledger.image(line.take("CARD1")).files) == {FileID.SOD, FileID.DG1}


def test_unknown_ids_are_named(line: Line) -> None:
    with pytest.raises(MisuseError, match="A-0000"):
        line.ledger.job("A-0000")
    assert line.ledger.card("NONE").status is CardStatus.UNKNOWN
    assert timedelta(seconds=60) == Rules().lease


def test_two_processes_go_on_with_one_chain(line: Line, opened: Callable[..., SqlLedger]) -> None:
    """Each remembers the end of the chain, and the other one has moved it."""
    line.prepare("A1", "A2", "A3")
    other = Line(opened())
    line.begin("CARD1")
    other.begin("CARD2", Worker(ANNA.station, "reader 2"))
    line.begin("CARD3", Worker(ANNA.station, "reader 3"))
    found = line.ledger.verify()
    assert found.findings == ()
    assert {each.name for each in line.ledger.cards()} == {"CARD1", "CARD2", "CARD3"}


def test_a_station_waits_for_few_answers_of_postgresql(line: Line, url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite has no server")
    line.prepare("A1", "A2")
    line.issue("CARD1")
    asked: list[str] = []
    engine = line.ledger._database.engine
    event.listen(engine, "before_cursor_execute", lambda *each: asked.append(each[2]))
    line.issue("CARD2")
    assert len(asked) == 14, asked  # 5 to take the job, 3 for each of the steps
