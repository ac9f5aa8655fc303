"""Why a chip did not open, for the officer."""

import pytest

from emrtd.access.passwords import Password
from tests.verify.documents import CAN, Document, issue, usual
from tests.vsmartcard.cards import personalised
from verify.inspection import capture, inspect
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence, Failure, InspectionSession, Step
from verify.judging.faults import Fault, NotTried, Refused, Violated, Why
from verify.judging.opening_problem import OpeningCause, OpeningProblem, opening_problem
from verify.judging.report import Verdict
from vsmartcard.card.connection import CardConnection

OTHER_MRZ = Password.from_mrz_information("ZU1234576<" + "9001311" + "3111215")
OTHER_CAN = Password.can("654321")
RIGHT_MRZ = Password.from_mrz_information(usual().how.information)


def read(document: Document, **credentials: Password) -> Evidence:
    connection = CardConnection(personalised(document.files, document.keys))
    return capture(connection, inspect(Credentials(**credentials)))


def failed(*faults: tuple[Step, Fault]) -> OpeningProblem | None:
    failures = tuple(Failure(step, fault) for step, fault in faults)
    return opening_problem(Evidence(files={}, session=InspectionSession(b"", failures=failures)))


def test_a_chip_that_opens_has_no_problem() -> None:
    assert opening_problem(read(usual(), mrz=RIGHT_MRZ)) is None
    assert opening_problem(usual().evidence()) is None


@pytest.mark.parametrize("password", ["mrz", "can"])
def test_a_wrong_password_of_pace(password: str) -> None:
    wrong = {"mrz": OTHER_MRZ, "can": OTHER_CAN}[password]
    problem = opening_problem(read(usual(), **{password: wrong}))
    assert problem == OpeningProblem(OpeningCause.WRONG_PASSWORD, password)  # type: ignore[arg-type]


def test_a_wrong_mrz_of_basic_access_control() -> None:
    old = issue(basic_access_control=True, pace=())
    problem = opening_problem(read(old, mrz=OTHER_MRZ))
    assert problem == OpeningProblem(OpeningCause.WRONG_PASSWORD, "mrz")


def test_a_can_does_not_open_a_chip_without_pace() -> None:
    old = issue(basic_access_control=True, pace=())
    problem = opening_problem(read(old, can=Password.can(CAN)))
    assert problem is not None
    assert problem.cause is OpeningCause.WANTS_MRZ


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Refused(0x63C2, "PACE"), OpeningProblem(OpeningCause.WRONG_PASSWORD, tries_left=2)),
        (Refused(0x63C0, "PACE"), OpeningProblem(OpeningCause.BLOCKED, tries_left=0)),
        (Refused(0x6983, "PACE"), OpeningProblem(OpeningCause.BLOCKED, tries_left=0)),
        (NotTried(Why.TERMINAL_WANTED), OpeningProblem(OpeningCause.WANTS_TERMINAL)),
        (Violated("the token is wrong"), OpeningProblem(OpeningCause.OTHER)),
        (Refused(0x6A80, "PACE"), OpeningProblem(OpeningCause.OTHER)),
    ],
)
def test_the_cause_of_a_fault(fault: Fault, expected: OpeningProblem) -> None:
    assert failed((Step.PACE, fault), (Step.BAC, NotTried(Why.NO_MRZ))) == expected


class Counting(CardConnection):
    """A card that counts wrong tries, as those do that can block a CAN."""

    def transmit(self, command: bytes) -> bytes:
        response = super().transmit(command)
        return b"\x63\xc2" if response == b"\x63\x00" else response


def test_a_password_that_can_be_blocked_says_how_many_tries_are_left() -> None:
    connection = Counting(personalised(usual().files, usual().keys))
    problem = opening_problem(capture(connection, inspect(Credentials(can=OTHER_CAN))))
    assert problem == OpeningProblem(OpeningCause.WRONG_PASSWORD, "can", 2)


def test_a_chip_that_did_not_open_has_one_reason() -> None:
    report = usual().judged(read(usual(), can=OTHER_CAN))
    assert report.verdict is Verdict.REFER
    assert len(report.why) == 1
    assert "did not open" in report.why[0]
