"""What a worker asks for, without a reader, a ledger or a card."""

from datetime import UTC, datetime
from typing import Any

import pytest

from emrtd.transport.connection import Tray
from personalise.ledger.states import Refusal, StepRefusedError, Worker
from personalise.ledger.values import CardRefused, Claim
from personalise.station.cards.interface import CardState
from personalise.station.line.effects import (
    Arrival,
    Effect,
    Eject,
    Ended,
    EnterApplicationRejected,
    EnterCardRejected,
    EnterInterrupted,
    EnterIssued,
    EventKind,
    Failed,
    FindDoubtful,
    Identify,
    Made,
    Make,
    Recognise,
    Recognised,
    Release,
    SeenCard,
    Take,
    Tell,
    WaitForCard,
    WaitForWork,
    drive,
)
from personalise.station.line.worker import TRIES, WRONG_KEYS_IN_A_ROW, work
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    StopReaderError,
    TryAgainError,
)
from support.errors import ChipsealError

CARD = SeenCard("C1", "iso7816-9", CardState.EMPTY)
LOCKED = SeenCard(None, "iso7816-9", CardState.LOCKED)
MADE = Made("00" * 32, False)
DRAINED = Ended("drained")
REFUSED = CardRefused("C1", Refusal.CARD_NOT_BLANK, "the card is used", "use a blank card")
BAD_CARD = RejectCardError(CardFault.NO_ROOM, "no room")
OTHER = RejectCardError(CardFault.OTHER_DOCUMENT, "another document")
BAD_APPLICATION = RejectApplicationError("a hash differs")
PULLED = TryAgainError("the card was removed")
NO_READER = StopReaderError("the reader was unplugged", comes_back=True)
NO_LENGTH = StopReaderError("no extended length")


def claim(card: str = "C1") -> Claim:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    return Claim("A-1", 1, Worker("host-1", "R"), card, "iso7816-9", "d1", now)


class Script:
    """Answers the effects of a worker in turn; an error is raised.  `seen` are all effects."""

    def __init__(self, answers: dict[type[Effect[Any]], list[Any]]) -> None:
        self.answers = {kind: list(each) for kind, each in answers.items()}
        self.seen: list[Effect[Any]] = []

    def __call__(self, effect: Effect[Any]) -> Any:
        self.seen.append(effect)
        answers = self.answers.get(type(effect))
        answer = answers.pop(0) if answers else None
        if isinstance(answer, ChipsealError):
            raise answer
        return answer

    @property
    def kinds(self) -> list[type[Effect[Any]]]:
        """The types of the effects, without those that only show something."""
        return [type(each) for each in self.seen if not isinstance(each, Tell)]

    @property
    def told(self) -> list[EventKind]:
        """The kinds of the events."""
        return [each.kind for each in self.seen if isinstance(each, Tell)]

    @property
    def trays(self) -> list[Tray]:
        """Where the cards were put."""
        return [each.tray for each in self.seen if isinstance(each, Eject)]


def run(*answers: tuple[type[Effect[Any]], list[Any]]) -> Script:
    """Run a worker on answers until it ends; unless told otherwise, it is drained after a card."""
    script = Script({WaitForCard: [Arrival(True), DRAINED], **dict(answers)})
    drive(work(), script)
    assert script.told[-1] is EventKind.STOPPED
    return script


def failing(failure: Failed) -> Script:
    return run((Identify, [CARD]), (Take, [claim()]), (Make, [failure]))


def test_a_card_is_made_entered_and_taken_out() -> None:
    script = run((Identify, [CARD]), (Take, [claim()]), (Make, [MADE]))
    assert script.kinds == [WaitForCard, Identify, Take, Make, EnterIssued, Eject, WaitForCard]
    assert script.trays == [Tray.DONE]
    assert script.told == [EventKind.ISSUED, EventKind.STOPPED]
    assert WaitForCard(another=True) in script.seen


@pytest.mark.parametrize(
    ("failure", "entry", "tray", "another"),
    [
        (Failed(BAD_CARD, True), EnterCardRejected, Tray.REJECTED, True),
        (Failed(BAD_APPLICATION, True), EnterApplicationRejected, Tray.REJECTED, True),
        (Failed(BAD_APPLICATION, False), EnterApplicationRejected, None, False),
        (Failed(PULLED, True), EnterInterrupted, None, False),
        (Failed(NO_READER, True), EnterInterrupted, None, False),
    ],
)
def test_every_failure_is_entered_before_the_card_is_put_away(
    failure: Failed, entry: type[Effect[Any]], tray: Tray | None, another: bool
) -> None:
    script = failing(failure)
    assert script.kinds[4] is entry
    assert EnterIssued not in script.kinds
    assert script.trays == ([] if tray is None else [tray])
    assert [each for each in script.seen if isinstance(each, WaitForCard)][-1].another == another


def test_a_reader_that_cannot_be_used_ends_its_worker() -> None:
    script = Script({WaitForCard: [Arrival(True)], Identify: [NO_LENGTH]})
    assert drive(work(), script).failed
    assert script.told == [EventKind.STOPPED]


def with_keys(faults: list[CardFault | None]) -> Script:
    """Return the script of cards in turn; None is a good one."""
    made = [MADE if each is None else Failed(RejectCardError(each, "bad"), True) for each in faults]
    count = len(faults)
    return Script(
        {
            WaitForCard: [*[Arrival(True)] * count, DRAINED],
            Identify: [CARD] * count,
            Take: [claim()] * count,
            Make: made,
        }
    )


def test_cards_in_a_row_with_other_keys_stop_the_reader() -> None:
    wrong = [CardFault.WRONG_KEYS, CardFault.TEST_CARD, CardFault.NOT_A_TEST_CARD]
    script = with_keys([*wrong, None])
    ended = drive(work(), script)
    assert ended.failed
    assert "3 cards in a row have other transport keys" in ended.reason
    assert script.kinds.count(Make) == WRONG_KEYS_IN_A_ROW
    assert script.trays == [Tray.REJECTED] * WRONG_KEYS_IN_A_ROW
    for between in (None, CardFault.NO_ROOM):
        script = with_keys([*wrong[:2], between, *wrong[:2], None])
        assert drive(work(), script) == DRAINED
        assert script.kinds.count(Make) == 6


def test_a_card_that_stays_is_tried_again_and_then_set_aside() -> None:
    tries = [Failed(PULLED, True)] * TRIES
    again = [Arrival(False)] * (TRIES - 1)
    script = run(
        (WaitForCard, [Arrival(True), *again, DRAINED]),
        (Identify, [CARD] * TRIES),
        (Take, [claim()] * TRIES),
        (Make, tries),
    )
    assert script.kinds.count(EnterInterrupted) == TRIES
    assert script.trays == [Tray.REJECTED]
    assert script.told.count(EventKind.REJECTED_CARD) == 1


def test_a_card_that_was_inserted_again_has_all_its_tries() -> None:
    script = run(
        (WaitForCard, [Arrival(True)] * TRIES + [DRAINED]),
        (Identify, [PULLED] * TRIES),
    )
    assert script.trays == []


def test_the_card_stays_while_no_application_waits() -> None:
    script = run(
        (WaitForCard, [Arrival(True), Arrival(False), DRAINED]),
        (Identify, [CARD, CARD]),
        (Take, [None, claim()]),
        (Make, [MADE]),
    )
    assert script.kinds[3:6] == [Release, WaitForWork, WaitForCard]
    assert script.trays == [Tray.DONE]
    script = run((WaitForCard, [Arrival(True)]), (Identify, [CARD]), (WaitForWork, [DRAINED]))
    assert script.trays == []


def test_a_card_that_the_ledger_refuses_is_not_written() -> None:
    script = run((Identify, [CARD]), (Take, [REFUSED]))
    assert Make not in script.kinds
    assert script.trays == [Tray.REJECTED]


def test_a_card_of_another_kind_is_rejected_without_a_claim() -> None:
    script = run((Identify, [BAD_CARD]))
    assert Take not in script.kinds
    assert script.trays == [Tray.REJECTED]


def test_a_locked_card_is_opened_with_each_job_in_doubt() -> None:
    script = run(
        (Identify, [LOCKED]),
        (FindDoubtful, [[("C0", "k"), ("C1", "k"), ("C2", "k")]]),
        (Take, [REFUSED, claim("C1"), claim("C2")]),
        (Make, [Failed(OTHER, True), MADE]),
    )
    kinds = script.kinds
    assert kinds.index(EnterInterrupted) < kinds.index(EnterIssued)
    assert EnterCardRejected not in kinds, "another card is no fault of the bound one"
    assert script.trays == [Tray.DONE]


def test_a_locked_card_of_a_job_in_doubt_may_be_rejected() -> None:
    script = run(
        (Identify, [LOCKED]),
        (FindDoubtful, [[("C1", "k")]]),
        (Take, [claim()]),
        (Make, [Failed(BAD_CARD, True)]),
    )
    assert EnterCardRejected in script.kinds
    assert script.trays == [Tray.REJECTED]


@pytest.mark.parametrize(
    ("found", "tray", "told"),
    [
        (Recognised(claim(), is_good=True), Tray.DONE, EventKind.RECOGNISED),
        (Recognised(claim(), is_good=False), Tray.REJECTED, EventKind.REJECTED_CARD),
        (None, Tray.REJECTED, EventKind.REJECTED_CARD),
    ],
)
def test_a_finished_card_is_named_and_put_away_and_nothing_is_entered(
    found: Recognised | None, tray: Tray, told: EventKind
) -> None:
    named = SeenCard("C1", "globalplatform", CardState.LOCKED)
    for script in (
        run((Identify, [LOCKED]), (FindDoubtful, [[]]), (Recognise, [found])),
        run((Identify, [named]), (Take, [REFUSED]), (Recognise, [found])),
    ):
        assert script.trays == [tray]
        assert script.told == [told, EventKind.STOPPED]
        assert not {EnterIssued, EnterCardRejected, EnterInterrupted} & set(script.kinds)
        (event,) = [each for each in script.seen if isinstance(each, Tell)][:-1]
        assert event.claim == (None if found is None else found.claim)
        if told is EventKind.RECOGNISED:
            assert event.card == "C1"
            assert "good cards" in event.reason


@pytest.mark.parametrize("entry", [EnterIssued, EnterCardRejected])
def test_a_card_leaves_as_rejected_if_its_entry_is_refused(entry: type[Effect[Any]]) -> None:
    refused = StepRefusedError(Refusal.SUPERSEDED, "A-1", "the claim is over")
    made = MADE if entry is EnterIssued else Failed(BAD_CARD, True)
    script = run((Identify, [CARD]), (Take, [claim()]), (Make, [made]), (entry, [refused]))
    assert script.trays == [Tray.REJECTED]
    assert EventKind.ISSUED not in script.told
