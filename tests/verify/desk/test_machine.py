"""The state machine of the desk: card events, inspections, the officer, and time."""

from dataclasses import dataclass, field

import pytest

from emrtd.access.passwords import Password
from emrtd.errors import TransportFault
from emrtd.lds.files import FileID
from emrtd.transport.events import CardEvent, CardEventKind
from tests.verify.documents import CAN, usual
from verify.desk.inputs import (
    Again,
    Captured,
    CardsChanged,
    Chosen,
    Failed,
    Held,
    Input,
    Judged,
    LockWanted,
    NextCard,
    PasswordGiven,
    Recalled,
    ShowAnyway,
    Tick,
    Told,
    UnlockWanted,
)
from verify.desk.machine import (
    KEPT_SECONDS,
    PREPARED_SECONDS,
    RETURN_SECONDS,
    STALL_SECONDS,
    Begin,
    step,
)
from verify.desk.progress import Stage
from verify.desk.state import (
    TROUBLES,
    Desk,
    Given,
    Inspecting,
    Interrupted,
    Locked,
    Ready,
    Remark,
    Result,
    Showing,
    Trouble,
)
from verify.inspection.events import Opening, Read, Reading
from verify.inspection.opening import Credentials
from verify.judging.evidence import AccessControl
from verify.judging.opening_problem import OpeningCause, OpeningProblem

A, B = "Reader A", "Reader B"
GIVEN = Given(Credentials(can=Password.can(CAN)))
OTHER = Given(Credentials(can=Password.can("654321")))
RESULT = Result(usual().judged())
WRONG = Result(RESULT.report, opening=OpeningProblem(OpeningCause.WRONG_PASSWORD, "can", 2))


@dataclass
class Counter:
    """A desk, its clock, and the inspections that have begun."""

    desk: Desk = field(default_factory=Desk)
    now: float = 0.0
    begun: list[Begin] = field(default_factory=list)

    def take(self, *inputs: Input) -> "Counter":
        for each in inputs:
            self.desk, begin = step(self.desk, each, self.now)
            if begin is not None:
                self.begun.append(begin)
        return self

    def card(self, kind: CardEventKind, reader: str = A, atr: bytes = b"") -> "Counter":
        return self.take(CardsChanged(CardEvent(kind, reader, atr)))

    def inserted(self, reader: str = A, atr: bytes = b"") -> "Counter":
        return self.card(CardEventKind.INSERTED, reader, atr)

    def removed(self, reader: str = A) -> "Counter":
        return self.card(CardEventKind.REMOVED, reader)

    def later(self, seconds: float) -> "Counter":
        self.now += seconds
        return self.take(Tick())

    @property
    def phase(self) -> object:
        return self.desk.phase

    @property
    def attempt(self) -> int:
        return self.begun[-1].attempt


@pytest.fixture
def counter() -> Counter:
    return Counter().card(CardEventKind.READER_ADDED)


@pytest.fixture
def inspecting(counter: Counter) -> Counter:
    return counter.inserted().take(PasswordGiven(GIVEN))


@pytest.fixture
def shown(inspecting: Counter) -> Counter:
    return inspecting.take(Captured(1), Judged(1, RESULT))


def test_a_card_then_its_password_then_the_verdict(counter: Counter) -> None:
    assert counter.phase == Ready()
    counter.inserted()
    assert counter.phase == Ready(A)
    counter.take(PasswordGiven(GIVEN))
    assert counter.begun == [Begin(1, A, GIVEN)]
    counter.take(Told(1, Opening(AccessControl.PACE, "can")), Told(1, Reading(FileID.COM, 4, 20)))
    assert isinstance(counter.phase, Inspecting)
    assert counter.phase.progress.stage is Stage.READING
    counter.take(Told(1, Read(FileID.COM, 20)), Captured(1))
    assert isinstance(counter.phase, Inspecting)
    assert counter.phase.progress.octets == 20
    assert counter.phase.progress.stage is Stage.JUDGING
    counter.take(Judged(1, RESULT))
    assert counter.phase == Showing(1, A, GIVEN)
    assert counter.desk.showing is not None
    assert counter.desk.showing.result is RESULT


def test_a_password_that_comes_first_waits_for_its_card(counter: Counter) -> None:
    counter.take(PasswordGiven(GIVEN)).later(PREPARED_SECONDS - 1)
    counter.inserted()
    assert counter.begun == [Begin(1, A, GIVEN)]
    assert counter.desk.prepared is None


def test_a_password_whose_card_does_not_come_is_forgotten(counter: Counter) -> None:
    counter.take(PasswordGiven(GIVEN)).later(PREPARED_SECONDS)
    assert counter.desk.prepared is None
    assert counter.phase == Ready(remark=Remark.FORGOTTEN)
    counter.inserted()
    assert counter.begun == []


def test_the_next_card_replaces_the_verdict(shown: Counter) -> None:
    shown.removed()
    assert shown.phase == Showing(1)  # the officer still reads it
    shown.inserted()
    assert shown.phase == Ready(A)
    assert len(shown.desk.history) == 1


def test_the_next_password_does_not_read_the_card_that_is_shown(shown: Counter) -> None:
    shown.take(PasswordGiven(OTHER))
    assert isinstance(shown.phase, Showing)
    shown.removed().inserted()
    assert shown.begun[1:] == [Begin(2, A, OTHER)]


def test_a_card_is_inspected_once_unless_the_officer_wants_it_again(shown: Counter) -> None:
    shown.take(NextCard())
    assert shown.phase == Ready()
    shown.take(PasswordGiven(GIVEN))
    assert len(shown.begun) == 1  # the card in the reader has been inspected
    shown.take(Chosen(A))
    assert len(shown.begun) == 2


def test_the_card_that_is_shown_is_read_again_on_request(shown: Counter) -> None:
    shown.take(Again())
    assert shown.begun[1:] == [Begin(2, A, GIVEN)]


def test_the_password_is_forgotten_when_the_card_leaves(shown: Counter) -> None:
    shown.removed().take(Again())
    assert shown.phase == Showing(1)
    assert len(shown.begun) == 1


def test_a_wrong_password_is_no_verdict_and_is_not_tried_again(inspecting: Counter) -> None:
    inspecting.take(Captured(1), Judged(1, WRONG))
    phase = inspecting.phase
    assert isinstance(phase, Ready)
    assert phase.reader == A
    assert phase.objection is not None
    assert phase.objection.problem.tries_left == 2
    assert inspecting.desk.history == ()
    inspecting.later(30).removed().inserted()
    assert len(inspecting.begun) == 1
    inspecting.take(PasswordGiven(OTHER))
    assert inspecting.begun[1:] == [Begin(2, A, OTHER)]


def test_wrong_passwords_in_a_row_are_counted(inspecting: Counter) -> None:
    inspecting.take(Judged(1, WRONG), PasswordGiven(OTHER), Judged(2, WRONG))
    assert isinstance(inspecting.phase, Ready)
    assert inspecting.phase.objection is not None
    assert inspecting.phase.objection.tries == 2


def test_the_report_of_a_card_that_did_not_open_can_be_shown(inspecting: Counter) -> None:
    inspecting.take(Judged(1, WRONG), ShowAnyway())
    assert inspecting.phase == Showing(1, A)


def test_a_chip_that_does_not_open_for_another_reason_is_a_verdict(inspecting: Counter) -> None:
    other = Result(RESULT.report, opening=OpeningProblem(OpeningCause.OTHER))
    inspecting.take(Judged(1, other))
    assert isinstance(inspecting.phase, Showing)


# --- troubles ---------------------------------------------------------------------------------


def test_a_card_that_leaves_is_resumed_when_it_comes_back(inspecting: Counter) -> None:
    inspecting.removed()
    assert isinstance(inspecting.phase, Interrupted)
    assert inspecting.phase.trouble is Trouble.CARD_LEFT
    inspecting.take(Failed(1, TransportFault.CARD_REMOVED)).inserted()
    assert inspecting.begun[1:] == [Begin(2, A, GIVEN)]


def test_the_error_may_come_before_the_event(inspecting: Counter) -> None:
    inspecting.take(Failed(1, TransportFault.CARD_REMOVED)).removed().inserted()
    assert inspecting.begun[1:] == [Begin(2, A, GIVEN)]


def test_the_error_of_an_inspection_before_changes_nothing(inspecting: Counter) -> None:
    inspecting.removed().inserted().take(Failed(1, TransportFault.CARD_REMOVED), Judged(1, RESULT))
    assert isinstance(inspecting.phase, Inspecting)
    assert inspecting.phase.attempt == 2


def test_another_card_is_not_opened_with_the_password_of_the_first(counter: Counter) -> None:
    counter.inserted(atr=b"\x3b\x80").take(PasswordGiven(GIVEN)).removed()
    counter.inserted(atr=b"\x3b\x81")
    assert counter.phase == Ready(A, remark=Remark.OTHER_CARD)
    assert len(counter.begun) == 1


def test_an_interrupted_inspection_is_given_up(inspecting: Counter) -> None:
    inspecting.removed().later(RETURN_SECONDS)
    assert inspecting.phase == Ready(remark=Remark.FORGOTTEN)
    inspecting.inserted()
    assert len(inspecting.begun) == 1


def test_a_card_that_leaves_during_the_judgement_has_a_verdict(inspecting: Counter) -> None:
    inspecting.take(Captured(1)).removed()
    assert isinstance(inspecting.phase, Inspecting)
    inspecting.take(Judged(1, RESULT))
    assert inspecting.phase == Showing(1)


def test_a_card_that_leaves_after_its_last_answer_has_a_verdict(inspecting: Counter) -> None:
    inspecting.removed().take(Captured(1), Judged(1, RESULT))
    assert isinstance(inspecting.phase, Showing)


def test_a_reader_that_is_unplugged_and_plugged_in_again(inspecting: Counter) -> None:
    inspecting.card(CardEventKind.READER_GONE)
    assert isinstance(inspecting.phase, Interrupted)
    assert inspecting.phase.trouble is Trouble.READER_GONE
    assert inspecting.desk.readers == ()
    inspecting.card(CardEventKind.READER_ADDED).inserted()
    assert len(inspecting.begun) == 2


def test_a_daemon_that_is_restarted(inspecting: Counter) -> None:
    inspecting.card(CardEventKind.SERVICE_GONE, "")
    assert isinstance(inspecting.phase, Interrupted)
    assert inspecting.phase.trouble is Trouble.SERVICE_GONE
    assert not inspecting.desk.served
    inspecting.card(CardEventKind.SERVICE_BACK, "").card(CardEventKind.READER_ADDED).inserted()
    assert inspecting.desk.served
    assert len(inspecting.begun) == 2


def test_the_daemon_may_go_while_no_card_is_read(shown: Counter) -> None:
    shown.card(CardEventKind.SERVICE_GONE, "")
    assert shown.phase == Showing(1)
    shown.take(NextCard())
    assert shown.phase == Ready()


@pytest.mark.parametrize("fault", TransportFault)
def test_every_fault_has_a_trouble(fault: TransportFault, inspecting: Counter) -> None:
    inspecting.take(Failed(1, fault, "what", "advice"))
    assert isinstance(inspecting.phase, Interrupted)
    assert inspecting.phase.trouble is TROUBLES[fault]
    inspecting.take(Again())
    assert inspecting.begun[1:] == [Begin(2, A, GIVEN)]


def test_a_defect_ends_one_inspection_and_not_the_desk(inspecting: Counter) -> None:
    inspecting.take(Failed(1, None))
    assert isinstance(inspecting.phase, Interrupted)
    assert inspecting.phase.trouble is Trouble.INTERNAL


def test_a_new_password_for_an_interrupted_card_that_is_there(inspecting: Counter) -> None:
    inspecting.take(Failed(1, TransportFault.CARD_RESET), PasswordGiven(OTHER))
    assert inspecting.begun[1:] == [Begin(2, A, OTHER)]


def test_a_chip_that_stalls_is_named_until_it_answers(inspecting: Counter) -> None:
    inspecting.later(STALL_SECONDS)
    assert isinstance(inspecting.phase, Inspecting)
    assert inspecting.phase.stalled
    inspecting.take(Told(1, Reading(FileID.DG1, 4, 95)))
    assert isinstance(inspecting.phase, Inspecting)
    assert not inspecting.phase.stalled


def test_another_program_at_the_card_is_not_a_chip_that_stalls(inspecting: Counter) -> None:
    inspecting.take(Held(1)).later(STALL_SECONDS)
    assert isinstance(inspecting.phase, Inspecting)
    assert inspecting.phase.held
    assert not inspecting.phase.stalled


# --- two readers --------------------------------------------------------------------------------


def test_a_second_card_waits_until_the_officer_wants_it(inspecting: Counter) -> None:
    inspecting.inserted(B).take(Chosen(B))
    assert isinstance(inspecting.phase, Inspecting)
    assert inspecting.phase.reader == A
    inspecting.take(Judged(1, RESULT))
    assert inspecting.desk.waiting_card == B
    inspecting.take(Chosen(B))
    assert inspecting.phase == Ready(B)


def test_the_second_card_follows_when_the_first_is_taken_out(counter: Counter) -> None:
    counter.inserted(A).inserted(B).removed(A)
    assert counter.phase == Ready(B)


def test_a_scan_after_a_verdict_is_for_the_card_that_waits(inspecting: Counter) -> None:
    inspecting.inserted(B).take(Judged(1, RESULT)).take(PasswordGiven(OTHER))
    assert isinstance(inspecting.phase, Showing)
    inspecting.removed(A)
    assert inspecting.phase == Inspecting(2, B, OTHER)


def test_a_verdict_stays_until_the_next_scan_while_another_card_waits(inspecting: Counter) -> None:
    inspecting.inserted(B).take(Judged(1, RESULT)).removed(A)
    assert isinstance(inspecting.phase, Showing)
    inspecting.take(PasswordGiven(OTHER))
    assert inspecting.phase == Inspecting(2, B, OTHER)


def test_a_card_that_is_removed_from_the_other_reader_changes_nothing(inspecting: Counter) -> None:
    inspecting.inserted(B).removed(B)
    assert isinstance(inspecting.phase, Inspecting)


# --- forgetting ---------------------------------------------------------------------------------


def test_a_result_is_forgotten_after_a_time(shown: Counter) -> None:
    shown.removed().later(KEPT_SECONDS)
    assert shown.desk.history == ()
    assert shown.phase == Ready()


def test_a_failed_opening_is_forgotten_after_a_time(inspecting: Counter) -> None:
    inspecting.take(Judged(1, WRONG)).later(KEPT_SECONDS - 1)
    assert isinstance(inspecting.phase, Ready)
    assert inspecting.phase.objection is not None
    inspecting.later(1)
    assert inspecting.phase == Ready(inspecting.phase.reader, remark=Remark.FORGOTTEN)


def test_after_eight_hours_nothing_of_a_person_is_left(shown: Counter) -> None:
    shown.take(PasswordGiven(OTHER))  # for the next card, which does not come
    for _ in range(8 * 60):
        shown.later(60)
    desk = shown.desk
    assert (desk.history, desk.prepared, desk.phase) == ((), None, Ready())
    assert all(card.done for card in desk.cards.values())
    shown.removed().inserted()
    assert isinstance(shown.phase, Ready)
    assert shown.phase.reader


def test_an_earlier_result_is_recalled(shown: Counter) -> None:
    shown.removed().inserted().take(PasswordGiven(GIVEN), Judged(2, RESULT), Recalled(1))
    assert isinstance(shown.phase, Showing)
    assert shown.phase.number == 1
    shown.take(Recalled(7))
    assert shown.phase.number == 1


def test_locking_forgets_everything(shown: Counter) -> None:
    shown.take(PasswordGiven(OTHER), LockWanted())
    assert shown.phase == Locked()
    assert shown.desk.history == ()
    assert shown.desk.prepared is None
    for refused in (PasswordGiven(GIVEN), Recalled(1), Again(), Chosen(A), NextCard()):
        shown.take(refused)
    assert shown.desk.prepared is None
    assert shown.phase == Locked()
    assert len(shown.begun) == 1


def test_an_inspection_that_ends_while_the_desk_is_locked_is_forgotten(inspecting: Counter) -> None:
    inspecting.take(LockWanted(), Captured(1), Judged(1, RESULT))
    assert inspecting.phase == Locked()
    assert inspecting.desk.history == ()


def test_a_card_that_came_while_the_desk_was_locked_waits(shown: Counter) -> None:
    shown.take(LockWanted()).removed().inserted()
    assert shown.phase == Locked()
    shown.take(UnlockWanted())
    assert shown.phase == Ready(A)


def test_no_state_shows_a_password_or_a_person(shown: Counter) -> None:
    text = repr(shown.desk) + repr(PasswordGiven(GIVEN)) + repr(Judged(1, RESULT))
    assert CAN not in text
    assert "Mustermann".upper() not in text.upper()
