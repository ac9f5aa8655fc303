"""chip.life-cycle: a chip that was torn out before it was locked, and chips that do not tell."""

from functools import cache

import msgspec
import pytest

from emrtd import tlv
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.life_cycle import LifeCycleStatus, life_cycle_status
from emrtd.iso7816.procedure import run
from emrtd.lds.files import EMRTD_APPLICATION
from emrtd.pki.findings import Check, Outcome
from support.errors import MalformedError
from tests.helpers import replace
from tests.verify.documents import usual
from tests.verify.inspection.test_inspection import KEY, MRZ, judged
from tests.vsmartcard.cards import personalised
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from verify.judging.policy import Policy, load_policy
from verify.judging.report import Report, Verdict
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, Watched
from vsmartcard.chip.commands import CarryOut, instead
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.session import Core

WRITING = {
    INS.CREATE_FILE, INS.UPDATE_BINARY, INS.UPDATE_BINARY_ODD, INS.PUT_DATA, INS.ACTIVATE_FILE,
    INS.TERMINATE_CARD_USAGE,
}  # fmt: skip


def asks(command: CommandAPDU) -> bool:
    return (command.ins, command.p1, command.p2) == (INS.SELECT, 0x04, 0x04)


def chip_in(state: LifeCycle) -> Chip:
    return Chip(personalised(usual().files, usual().keys).state.with_life_cycle(state))


def evidence_of(card: Card, *, ask: bool = True) -> Evidence:
    procedure = inspect(Credentials(mrz=MRZ), life_cycle_status=ask)
    return run(procedure, card.process, card.reset)


def presented(card: Card) -> Report:
    return judged(usual(), evidence_of(card))


def check_of(report: Report) -> Check:
    return report.check("chip.life-cycle")


def answering(answer: ResponseAPDU) -> Chip:
    """A chip that answers so inside its session."""

    def change(select: CarryOut) -> CarryOut:
        def answered(core: Core, command: CommandAPDU) -> ResponseAPDU:
            return answer if asks(command) else select(core, command)

        return answered

    chip = personalised(usual().files, usual().keys)
    return Chip(chip.state, instructions=instead(INS.SELECT, change))


def parameters(status: bytes, template: int = 0x62) -> bytes:
    name = tlv.encode(0x84, EMRTD_APPLICATION)
    return tlv.encode(template, tlv.encode(0x82, b"\x38"), name, tlv.encode(0x8A, status))


@pytest.mark.parametrize("state", [LifeCycle.BLANK, LifeCycle.IN_PERSONALISATION])
@pytest.mark.parametrize("policy", ["default", "strict", "old_reader"])
def test_a_chip_that_was_never_locked_is_referred(state: LifeCycle, policy: str) -> None:
    """Torn out of the station after its keys were written, and before it was locked."""
    evidence = evidence_of(chip_in(state))
    report = usual().judged(evidence, policy=policy)
    assert check_of(report).outcome is Outcome.WARNING
    assert "never locked" in check_of(report).reason
    assert report.verdict is Verdict.REFER
    assert any(each.startswith("chip.life-cycle") for each in report.why)


def test_a_chip_that_was_locked_is_accepted() -> None:
    report = presented(chip_in(LifeCycle.OPERATIONAL))
    assert check_of(report).outcome is Outcome.PASSED
    assert report.verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    "answer",
    [
        ResponseAPDU(sw=0x6A86),
        ResponseAPDU(sw=0x6A82),
        ResponseAPDU(sw=0x6D00),
        ResponseAPDU(),
        ResponseAPDU(parameters(b"")),
        ResponseAPDU(parameters(b"\x00")),
        ResponseAPDU(parameters(b"\x80")),
        ResponseAPDU(parameters(b"\x03", template=0x64)),
        ResponseAPDU(b"\x62\x05\x8a"),
        ResponseAPDU(b"\x62\x00"),
    ],
)
def test_a_chip_that_does_not_tell_is_accepted(answer: ResponseAPDU) -> None:
    report = presented(answering(answer))
    assert check_of(report).outcome is Outcome.NOT_PERFORMED
    assert "gives no life-cycle status" in check_of(report).reason
    assert report.verdict is Verdict.ACCEPT, report.why


@pytest.mark.parametrize("answer", ["6988", "9000", "6203 8A0103 9000"])
def test_an_answer_outside_the_session_has_no_consequence(answer: str) -> None:
    """Secure messaging hides P2 from nobody: somebody on the radio link answers in its place."""
    chip = personalised(usual().files, usual().keys)
    card = Answering(chip, lambda each: bytes.fromhex(answer) if asks(each) else None)
    report = presented(card)
    assert check_of(report).outcome is Outcome.NOT_PERFORMED
    assert report.verdict is Verdict.ACCEPT, report.why


def test_the_status_is_asked_for_in_one_last_command_that_a_policy_switches_off() -> None:
    logs = []
    for ask in (True, False):
        card = Watched(personalised(usual().files, usual().keys))
        evidence = evidence_of(card, ask=ask)
        logs.append([(each.ins, each.p1, each.p2) for each in card.commands])
    assert logs[0] == [*logs[1], (INS.SELECT, 0x04, 0x04)]
    report = judged(usual(), evidence)
    assert "was not asked" in check_of(report).reason
    assert report.verdict is Verdict.ACCEPT


def test_an_inspection_writes_nothing_even_to_a_chip_that_would_let_it() -> None:
    card = Watched(chip_in(LifeCycle.IN_PERSONALISATION))
    before = card.card.state  # type: ignore[attr-defined]
    evidence_of(card)
    assert not {each.ins for each in card.commands} & WRITING
    assert replace(card.card.state, failures=before.failures) == before  # type: ignore[attr-defined]


@cache
def without_it() -> Policy:
    default = load_policy("default")
    applicable = (each for each in default.mandatory_where_applicable if each != "chip.life-cycle")
    return msgspec.structs.replace(default, mandatory_where_applicable=tuple(applicable))


def test_a_policy_decides_whether_the_warning_counts() -> None:
    report = usual().judged(evidence_of(chip_in(LifeCycle.IN_PERSONALISATION)), policy=without_it())
    assert check_of(report).outcome is Outcome.WARNING
    assert report.verdict is Verdict.ACCEPT


def test_a_status_that_unsealed_notes_claim_does_not_count() -> None:
    evidence = evidence_of(chip_in(LifeCycle.OPERATIONAL))
    sealed = Evidence.from_image(evidence.to_image(KEY), key=KEY)
    claimed = Evidence.from_image(evidence.to_image())
    assert check_of(usual().judged(sealed)).outcome is Outcome.PASSED
    assert check_of(usual().judged(claimed)).outcome is Outcome.NOT_PERFORMED
    assert "no chip was asked" in check_of(usual().judged()).reason


# --- the status octet -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octet", "status"),
    [
        (0x01, LifeCycleStatus.CREATION),
        (0x03, LifeCycleStatus.INITIALISATION),
        (0x04, LifeCycleStatus.DEACTIVATED),
        (0x05, LifeCycleStatus.OPERATIONAL),
        (0x06, LifeCycleStatus.DEACTIVATED),
        (0x07, LifeCycleStatus.OPERATIONAL),
        (0x0C, LifeCycleStatus.TERMINATED),
        (0x0F, LifeCycleStatus.TERMINATED),
        (0x00, None),
        (0x02, None),
        (0x10, None),
    ],
)
@pytest.mark.parametrize("template", [0x62, 0x6F])
def test_the_status_octet(octet: int, status: LifeCycleStatus | None, template: int) -> None:
    assert life_cycle_status(parameters(bytes((octet,)), template)) is status


def test_octets_that_are_no_object_are_malformed() -> None:
    with pytest.raises(MalformedError):
        life_cycle_status(b"\x62\x05\x8a")


@pytest.mark.parametrize(
    ("octet", "outcome"),
    [(0x01, Outcome.WARNING), (0x03, Outcome.WARNING), (0x04, Outcome.PASSED),
     (0x07, Outcome.PASSED), (0x0C, Outcome.WARNING)],
)  # fmt: skip
def test_the_outcome_of_each_status(octet: int, outcome: Outcome) -> None:
    report = presented(answering(ResponseAPDU(parameters(bytes((octet,))))))
    assert check_of(report).outcome is outcome
