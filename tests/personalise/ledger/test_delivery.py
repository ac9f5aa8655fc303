"""Cards after the station, and the stop list, as the store and the rules handle them."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text

from personalise.ledger.states import CardStatus, JobState, Place, Refusal, StepRefusedError
from tests.personalise.ledger.line import Line

SINCE = datetime(2026, 11, 20, tzinfo=UTC)


def refusal(work: Callable[[], object]) -> Refusal:
    with pytest.raises(StepRefusedError) as caught:
        work()
    return caught.value.refusal


def move(line: Line, *places: Place, card: str = "CARD1") -> None:
    for place in places:
        assert line.ledger.move_card(card, place, by="s", reason="so").place is place


def test_a_card_goes_from_the_check_to_its_holder_and_back(line: Line) -> None:
    (job,) = line.prepare("A1")
    line.issue("CARD1")
    move(line, Place.CHECKED, Place.PACKED, Place.HANDED_OVER, Place.RETURNED)
    move(line, Place.RETURNED)  # repeated: not entered again
    assert line.steps(job)[-4:] == ["card-moved"] * 4
    line.ledger.destroy_card("CARD1", by="s", reason="expired")
    assert line.ledger.job(job).job.state is JobState.ISSUED
    assert line.ledger.verify().findings == ()


def test_a_card_that_was_not_checked_is_not_packed(line: Line) -> None:
    line.prepare("A1")
    line.issue("CARD1")
    for place in (Place.PACKED, Place.HANDED_OVER, Place.RETURNED):
        found = refusal(lambda to=place: line.ledger.move_card("CARD1", to, by="s"))  # type: ignore[misc]
        assert found is Refusal.CARD_WRONG_STATE
    destroyed = refusal(lambda: line.ledger.destroy_card("CARD1", by="s"))
    assert destroyed is Refusal.CARD_WRONG_STATE


def test_a_card_that_fails_the_check_is_reprinted_or_checked_again(line: Line) -> None:
    (job,) = line.prepare("A1")
    line.issue("CARD1")
    move(line, Place.FAILED)
    packed = refusal(lambda: line.ledger.move_card("CARD1", Place.PACKED, by="s"))
    assert packed is Refusal.CARD_WRONG_STATE
    move(line, Place.CHECKED, Place.FAILED)
    line.ledger.reprint(job, "the print is blurred", by="s")
    line.issue("CARD2")
    assert line.ledger.verify().findings == ()


def test_the_old_card_of_a_reprint_is_in_every_report_until_it_is_destroyed(line: Line) -> None:
    (job,) = line.prepare("A1")
    line.issue("CARD1")
    move(line, Place.CHECKED, Place.PACKED)
    line.ledger.reprint(job, "bent", by="s")
    assert [each.name for each in line.ledger.summary().may_be_good] == ["CARD1"]
    handed_over = refusal(lambda: line.ledger.move_card("CARD1", Place.HANDED_OVER, by="s"))
    assert handed_over is Refusal.CARD_WRONG_STATE
    move(line, Place.RETURNED)
    line.issue("CARD2")
    line.ledger.destroy_card("CARD1", by="s")
    assert line.ledger.summary().may_be_good == ()
    assert line.ledger.verify().findings == ()


def test_only_good_cards_leave_the_station(line: Line) -> None:
    line.prepare("A1")
    line.begin("CARD1")
    for card in ("CARD1", "CARD2"):
        found = refusal(lambda name=card: line.ledger.move_card(name, Place.CHECKED, by="s"))  # type: ignore[misc]
        assert found is Refusal.CARD_WRONG_STATE
    assert line.ledger.card("CARD2").status is CardStatus.UNKNOWN


def test_a_document_goes_on_the_stop_list_and_off_it(line: Line) -> None:
    (job,) = line.prepare("A1")
    line.issue("CARD1")
    line.ledger.stop(job, "lost", SINCE, b"sealed", by="s")
    line.ledger.stop(job, "stolen", SINCE, b"sealed again", by="s")
    (stop,) = line.ledger.stops()
    assert (stop.job, stop.why, stop.since, stop.document) == (
        job,
        "stolen",
        SINCE,
        b"sealed again",
    )
    assert line.ledger.job(job).job.stopped == "stolen"
    assert refusal(lambda: line.ledger.reprint(job, "lost", by="s")) is Refusal.STOPPED
    line.ledger.purge(jobs=[job], by="s")
    assert len(line.ledger.stops()) == 1
    assert line.ledger.verify().findings == ()
    line.ledger.unstop(job, "found", by="s")
    assert line.ledger.stops() == []
    assert refusal(lambda: line.ledger.unstop(job, "found", by="s")) is Refusal.WRONG_STATE
    assert line.ledger.verify().findings == ()


def test_a_document_that_is_being_made_is_not_stopped(line: Line) -> None:
    (job,) = line.prepare("A1")
    stopped = refusal(lambda: line.ledger.stop(job, "lost", SINCE, b"", by="s"))
    assert stopped is Refusal.WRONG_STATE
    line.lock("CARD1")
    assert refusal(lambda: line.ledger.stop(job, "lost", SINCE, b"", by="s")) is stopped
    assert line.ledger.stops() == []


def test_verify_finds_a_stop_or_a_place_that_was_altered(line: Line, url: str) -> None:
    stopped, moved = line.prepare("A1", "A2")
    line.issue("CARD1")
    line.issue("CARD2")
    line.ledger.stop(stopped, "lost", SINCE, b"", by="s")
    move(line, Place.CHECKED, card="CARD2")
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM stop"))
        connection.execute(text("UPDATE card SET place = 'packed' WHERE name = 'CARD2'"))
    engine.dispose()
    found = {each.where for each in line.ledger.verify().findings}
    assert found == {stopped, "card CARD2"}
    assert line.ledger.card("CARD2").job == moved
