"""A disturbed proof is tried once more: who can bring about which verdict, and never an acceptance.

A disturbance is an answer that nothing authenticates, such as a plain status word: another program
at the reader or somebody on the radio link can cause it, and so can a copy.
"""

from collections.abc import Callable

import msgspec
import pytest

from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.pki.findings import Outcome, Shows
from support.secret import Secret
from tests.helpers import replace
from tests.security.copies import clone_of, password_of
from tests.security.test_clones_and_relays import thief
from tests.verify.documents import PACE_GM, Document, issue, usual
from tests.verify.inspection.test_inspection import judged
from tests.verify.inspection.test_terminal import chain, credentials, permit_of_version_2
from tests.vsmartcard.cards import personalised
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from verify.judging.report import Report, Verdict
from vsmartcard.card.conditions import Condition, after, every, first, instruction, protected, since
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, Interrupted, Layer, Refusing
from vsmartcard.card.lies import KEEPING_THE_SESSION, in_session
from vsmartcard.chip.commands import CarryOut, instead
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.session import Core

ALONE = issue(pace=(PACE_GM,), active_authentication=None)
"""A document whose only proof against cloning is Chip Authentication."""
ACTIVE_ALONE = issue(pace=(PACE_GM,), chip_authentication=False)
"""A document whose only proof against cloning is Active Authentication."""
WITH_ACTIVE = issue(pace=(PACE_GM,))

PLAIN = ["6F00", "6988", "6982", "6A80", "9000", "6101"]
"""Status words that a chip, another program or somebody on the radio link may send in plain."""


def genuine(document: Document) -> Chip:
    return personalised(document.files, document.keys)


def evidence_of(document: Document, card: Card) -> Evidence:
    procedure = inspect(Credentials(mrz=password_of(document)))
    return run(procedure, card.process, card.reset)


def presented(document: Document, card: Card) -> Report:
    """The report; the saved evidence gives the same one."""
    return judged(document, evidence_of(document, card))


def asked(*codes: int) -> Callable[[], Condition]:
    return lambda: every(protected, instruction(*codes))


def under_new_keys() -> Condition:
    """The commands after Chip Authentication: the first is the first exchange in the session."""
    met = after(every(protected, instruction(INS.GENERAL_AUTHENTICATE)))
    return every(met, protected)


STEPS = {
    "MSE": asked(INS.MANAGE_SECURITY_ENVIRONMENT),
    "GENERAL AUTHENTICATE": asked(INS.GENERAL_AUTHENTICATE),
    "first exchange": under_new_keys,
    "INTERNAL AUTHENTICATE": asked(INS.INTERNAL_AUTHENTICATE),
}
CHIP_STEPS = list(STEPS)[:3]


def check_of(step: str) -> str:
    return "chip.authentication" if step in CHIP_STEPS else "active.authentication"


def disturbing(card: Card, when: Condition, sw: str) -> Refusing:
    return Refusing(card, when, int(sw, 16))


class AtEveryProof(Layer):
    """Answers a step of the proof itself each time that the chip is opened."""

    def __init__(self, card: Card, when: Callable[[], Condition], sw: str) -> None:
        super().__init__(card)
        self._when, self._sw = when, sw
        self._now = when()

    def reset(self) -> None:
        self._now = self._when()
        super().reset()

    def process(self, octets: bytes) -> bytes:
        if self._now(CommandAPDU.decode(octets)):
            return bytes.fromhex(self._sw)
        return super().process(octets)


# --- a genuine chip -------------------------------------------------------------------------------


@pytest.mark.parametrize("sw", PLAIN)
@pytest.mark.parametrize("step", STEPS)
def test_a_genuine_chip_that_is_disturbed_once_is_accepted(step: str, sw: str) -> None:
    card = disturbing(genuine(usual()), first(STEPS[step]()), sw)
    evidence = evidence_of(usual(), card)
    assert evidence.session is not None
    for transcript in (
        evidence.session.chip_authentication,
        evidence.session.active_authentication,
    ):
        assert transcript is not None
        assert not transcript.disturbed
    report = judged(usual(), evidence)
    check = report.check(check_of(step))
    assert check.outcome is Outcome.PASSED
    assert "the first was disturbed" in check.reason
    assert report.check("pace.cam").outcome is Outcome.PASSED  # in both openings
    assert len(evidence.session.reopened) == 1
    assert report.verdict is Verdict.ACCEPT, report.why


@pytest.mark.parametrize("document", [usual(), ALONE], ids=["three proofs", "one proof"])
def test_a_foreign_command_right_after_chip_authentication_does_no_harm(document: Document) -> None:
    """Another program asks for a challenge: the chip then ends the session."""
    foreign = CommandAPDU(0x00, INS.GET_CHALLENGE, 0, 0, ne=8).encode()
    card = Interrupted(genuine(document), first(under_new_keys()), [foreign])
    report = presented(document, card)
    assert "the first was disturbed" in report.check("chip.authentication").reason
    assert report.verdict is Verdict.ACCEPT, report.why


def test_a_chip_that_requires_no_password_is_opened_again() -> None:
    document = issue(pace=(), active_authentication="brainpoolP256r1", chip_authentication=False)
    chip = personalised(document.files, replace(document.keys, open=True))
    refused = instruction(INS.INTERNAL_AUTHENTICATE)
    left = [ResponseAPDU(sw=0x6F00)] * 2  # the two forms of the command
    card = Answering(chip, lambda command: left.pop() if refused(command) and left else None)
    report = presented(document, card)
    assert report.access == "none"
    assert "the first was disturbed" in report.check("active.authentication").reason


@pytest.mark.parametrize("sw", PLAIN)
@pytest.mark.parametrize("step", STEPS)
def test_where_another_proof_passed_a_disturbed_one_refers(step: str, sw: str) -> None:
    evidence = evidence_of(usual(), AtEveryProof(genuine(usual()), STEPS[step], sw))
    assert evidence.session is not None
    report = judged(usual(), evidence)
    check = report.check(check_of(step))
    assert (check.outcome, check.shows) == (Outcome.FAILED, None)
    assert "in the second opening" in check.reason
    assert "pace.cam passed" in check.reason
    assert report.verdict is Verdict.REFER


@pytest.mark.parametrize("sw", PLAIN)
@pytest.mark.parametrize("step", STEPS)
def test_where_no_other_proof_passed_a_disturbed_one_rejects(step: str, sw: str) -> None:
    document = ALONE if step in CHIP_STEPS else ACTIVE_ALONE
    report = presented(document, AtEveryProof(genuine(document), STEPS[step], sw))
    assert report.check(check_of(step)).shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


def test_the_proofs_are_tried_twice_and_no_more() -> None:
    tries = 0

    def counted(command: CommandAPDU) -> ResponseAPDU | None:
        nonlocal tries
        if protected_internal(command):
            tries += 1
            return ResponseAPDU(sw=0x6988)
        return None

    protected_internal = every(protected, instruction(INS.INTERNAL_AUTHENTICATE))
    presented(WITH_ACTIVE, Answering(genuine(WITH_ACTIVE), counted))
    assert tries == 4  # two forms of the command in each opening


def test_chip_authentication_follows_a_disturbed_active_authentication_in_a_new_session() -> None:
    card = AtEveryProof(genuine(WITH_ACTIVE), STEPS["INTERNAL AUTHENTICATE"], "6988")
    report = presented(WITH_ACTIVE, card)
    assert report.check("chip.authentication").outcome is Outcome.PASSED
    assert report.verdict is Verdict.REFER


# --- copies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sw", PLAIN)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("times", ["once", "always"])
def test_a_copy_gains_nothing_from_a_disturbance(step: str, sw: str, times: str) -> None:
    document = ALONE if step in CHIP_STEPS else ACTIVE_ALONE
    copy: Card = clone_of(document)
    when = STEPS[step]
    card = (
        AtEveryProof(copy, when, sw) if times == "always" else disturbing(copy, first(when()), sw)
    )
    report = presented(document, card)
    assert report.check(check_of(step)).shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


def test_a_copy_that_dies_after_the_key_agreement_is_rejected() -> None:
    """A second try that did not take place does not improve on the first."""
    dead = since(under_new_keys())
    report = presented(ALONE, Refusing(clone_of(ALONE), dead, 0x6F00))
    assert report.check("chip.authentication").shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


def test_a_chip_without_the_key_of_chip_authentication_is_never_accepted() -> None:
    """It passes Active Authentication: a relay of that one command to the genuine chip."""
    keys = WITH_ACTIVE.keys
    wrong = replace(keys.chip_authentication[0], private=Secret(b"\x07" * 32))
    chip = personalised(WITH_ACTIVE.files, replace(keys, chip_authentication=(wrong,)))
    report = presented(WITH_ACTIVE, chip)
    assert report.check("active.authentication").outcome is Outcome.PASSED
    assert report.check("chip.authentication").outcome is Outcome.FAILED
    assert report.verdict is Verdict.REFER


def _refused(_: CarryOut) -> CarryOut:
    return lambda _core, _command: ResponseAPDU(sw=0x6A80)


def _wrong_signature(carry_out: CarryOut) -> CarryOut:
    def sign(core: Core, command: CommandAPDU) -> ResponseAPDU:
        return ResponseAPDU(bytes(len(carry_out(core, command).data)))

    return sign


@pytest.mark.parametrize("disturbed", [False, True])
@pytest.mark.parametrize(
    ("ins", "change", "check_id"),
    [
        (INS.MANAGE_SECURITY_ENVIRONMENT, _refused, "chip.authentication"),
        (INS.GENERAL_AUTHENTICATE, _refused, "chip.authentication"),
        (INS.INTERNAL_AUTHENTICATE, _wrong_signature, "active.authentication"),
    ],
)
def test_an_authenticated_wrong_answer_rejects_whatever_else_passed(
    ins: INS, change: Callable[[CarryOut], CarryOut], check_id: str, disturbed: bool
) -> None:
    """At once; and also in the second opening, after a disturbance in the first."""
    document = usual()

    instructions = instead(ins, in_session(change))
    chip: Card = Chip(genuine(document).state, instructions=instructions)
    if disturbed:
        chip = Refusing(chip, first(every(protected, instruction(ins))), 0x6F00)
    report = presented(document, chip)
    others = {"chip.authentication", "active.authentication", "pace.cam"} - {check_id}
    assert {report.check(each).outcome for each in others} == {Outcome.PASSED}
    assert report.check(check_id).shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


def test_an_answer_in_the_session_before_rejects_at_once() -> None:
    """A copy has that session's keys; a disturbance from outside does not."""
    chip = Chip(genuine(usual()).state, instructions=KEEPING_THE_SESSION)
    begun = first(under_new_keys())

    def answer(command: CommandAPDU) -> ResponseAPDU | None:
        if not begun(command):
            return None
        session = chip._core.session.secure_messaging
        assert session is not None
        return session.protect_response(ResponseAPDU(b"\x60"))

    report = presented(usual(), Answering(chip, answer))
    assert report.check("pace.cam").outcome is Outcome.PASSED
    assert "in the session before" in report.check("chip.authentication").reason
    assert report.verdict is Verdict.REJECT


# --- whose proof counts ---------------------------------------------------------------------------


def test_a_mapping_proof_of_the_first_opening_alone_does_not_count() -> None:
    """The second opening was with another chip, whose mapping key is not the signed one."""
    card = AtEveryProof(genuine(usual()), STEPS["first exchange"], "6988")
    evidence = evidence_of(usual(), card)
    other = evidence_of(thief(), genuine(thief()))
    assert evidence.session is not None
    assert other.session is not None
    assert other.session.pace is not None
    session = msgspec.structs.replace(
        evidence.session, reopened=(other.session.pace,), active_authentication=None
    )
    report = usual().judged(msgspec.structs.replace(evidence, session=session))
    assert report.check("pace.cam").shows is Shows.CLONING
    assert report.check("chip.authentication").shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


def test_a_proof_that_only_unsealed_notes_claim_does_not_soften_a_disturbed_one() -> None:
    card = AtEveryProof(genuine(usual()), STEPS["first exchange"], "6988")
    saved = Evidence.from_image(evidence_of(usual(), card).to_image())
    report = usual().judged(saved)
    assert report.check("pace.cam").outcome is Outcome.NOT_PERFORMED
    assert report.check("chip.authentication").shows is Shows.CLONING


# --- version 2 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sw", PLAIN)
@pytest.mark.parametrize("step", ["GENERAL AUTHENTICATE", "first exchange"])
@pytest.mark.parametrize("times", ["once", "always"])
def test_a_disturbed_proof_of_version_2_is_tried_again(step: str, sw: str, times: str) -> None:
    document, when = permit_of_version_2(), STEPS[step]
    chip = genuine(document)
    card = (
        AtEveryProof(chip, when, sw) if times == "always" else disturbing(chip, first(when()), sw)
    )
    procedure = inspect(Credentials(mrz=password_of(document)), terminal=credentials(*chain()))
    evidence = run(procedure, card.process, card.reset)
    report = judged(document, evidence)
    check = report.check("chip.authentication")
    if times == "once":
        assert evidence.session is not None
        assert evidence.session.chip_authentication is not None
        assert evidence.session.chip_authentication.version == 2
        assert check.outcome is Outcome.PASSED
        assert "the first was disturbed" in check.reason
        assert report.verdict is Verdict.ACCEPT, report.why
    else:
        assert report.verdict is Verdict.REFER
        assert check.outcome is Outcome.FAILED
