"""Inspect a virtual chip: captured files, proofs, clones and forgeries."""

from collections.abc import Callable
from datetime import datetime
from itertools import cycle

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.access.passwords import Password
from emrtd.errors import TransportError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from emrtd.pki.findings import Outcome, Shows
from emrtd.status_words import SW
from support.secret import Secret
from tests.helpers import replace
from tests.verify.documents import CAN, NOW, PACE_CAM, PACE_GM, Document, issue, mrz, usual
from tests.vsmartcard.cards import personalised
from verify.inspection import channel, inspect
from verify.inspection.opening import Credentials
from verify.judging.check_ids import CLONE_PROOFS
from verify.judging.evidence import Access, AccessControl, Evidence, Step
from verify.judging.faults import NotTried, Why
from verify.judging.policy import BasicAccessControl
from verify.judging.report import ChipStatus, Report, Verdict
from vsmartcard.card.conditions import every, instruction, nth, plain, since
from vsmartcard.card.function_card import FunctionCard
from vsmartcard.card.layers import Answering, ChangingResponses, Refusing, Torn, Watched

KEY = Secret(b"a key that seals evidence in tests")

MRZ = Password.from_mrz_information(mrz().information)
WRONG = Password.from_mrz_information(mrz(document_number="ZU7654321").information)
Transmit = Callable[[bytes], bytes]


def inserted(document: Document) -> Transmit:
    return personalised(document.files, document.keys).process


def inspected(
    transmit: Transmit,
    credentials: Credentials = Credentials(mrz=MRZ),  # noqa: B008 - immutable
    bac: BasicAccessControl = BasicAccessControl.FALLBACK,
    optical: str = "",
    reset: Callable[[], None] = lambda: None,
) -> Evidence:
    procedure = inspect(credentials, basic_access_control=bac, optical_mrz=optical)
    return run(procedure, transmit, reset)


def judged(document: Document, evidence: Evidence, at: datetime = NOW) -> Report:
    """Return the report; assert that the saved evidence gives the same one."""
    report = document.judged(evidence, at)
    saved = Evidence.from_image(evidence.to_image(KEY), key=KEY) if evidence.files else evidence
    assert document.judged(saved, at) == report
    return report


def access_of(evidence: Evidence) -> str | None:
    """Return how the chip was opened, as the report prints it; None if it did not open."""
    assert evidence.session is not None
    return None if evidence.session.access is None else evidence.session.access.name


def outcomes(report: Report, *check_ids: str) -> list[str]:
    return [report.check(check_id).outcome.value for check_id in check_ids]


def test_a_genuine_chip_is_read_whole_and_accepted() -> None:
    document = usual()
    evidence = inspected(inserted(document), optical=mrz().text)
    assert evidence.files == document.files
    assert evidence.session is not None
    assert access_of(evidence) == "pace-ecdh-cam-aes-cbc-cmac-128/brainpoolP256r1/mrz"
    assert evidence.session.failures == ()
    report = judged(document, evidence)
    assert outcomes(report, *CLONE_PROOFS) == ["passed"] * 3, report.checks
    assert report.check("mrz.matches-optical").outcome is Outcome.PASSED
    assert report.check("access.downgrade").outcome is Outcome.PASSED
    assert report.verdict is Verdict.ACCEPT, report.why


def test_the_can_opens_a_chip_with_pace() -> None:
    document, variant = usual(), "pace-ecdh-cam-aes-cbc-cmac-128/brainpoolP256r1"
    evidence = inspected(inserted(document), Credentials(can=Password.can(CAN)))
    assert evidence.session is not None
    assert evidence.session.access == Access(AccessControl.PACE, "can", variant)
    report = judged(document, evidence)
    assert report.check("mrz.matches-optical").outcome is Outcome.NOT_PERFORMED
    assert report.verdict is Verdict.ACCEPT


def test_a_chip_without_pace_is_opened_by_bac() -> None:
    document = issue(pace=(), basic_access_control=True)
    evidence = inspected(inserted(document))
    assert evidence.session is not None
    assert access_of(evidence) == "bac"
    report = judged(document, evidence)
    assert outcomes(report, *CLONE_PROOFS) == ["passed", "passed", "not-present"]
    assert report.check("access.downgrade").outcome is Outcome.NOT_PRESENT
    assert report.verdict is Verdict.ACCEPT


@pytest.mark.parametrize("kind", ["RSA-2048", "brainpoolP256r1"])
def test_a_chip_with_active_authentication_alone_is_accepted(kind: str) -> None:
    document = issue(
        pace=(), basic_access_control=True, chip_authentication=False, active_authentication=kind
    )
    report = judged(document, inspected(inserted(document)))
    assert outcomes(report, *CLONE_PROOFS) == ["not-present", "passed", "not-present"]
    assert report.verdict is Verdict.ACCEPT


def test_a_chip_without_a_proof_is_accepted_unless_the_policy_requires_one() -> None:
    document = issue(
        pace=(), basic_access_control=True, chip_authentication=False, active_authentication=None
    )
    evidence = inspected(inserted(document))
    assert judged(document, evidence).verdict is Verdict.ACCEPT
    strict = document.judged(evidence, policy="strict")
    assert strict.verdict is Verdict.REFER
    assert any("not a copy" in reason for reason in strict.why)


# --- a chip that does not open -------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{}, {"pace": (), "basic_access_control": True}], ids=["pace", "bac"]
)
def test_a_chip_that_a_wrong_mrz_does_not_open_is_referred(changes: dict[str, object]) -> None:
    document = issue(**changes)
    evidence = inspected(inserted(document), Credentials(mrz=WRONG))
    assert evidence.session is not None
    assert evidence.session.access is None
    assert FileID.SOD not in evidence.files
    report = document.judged(evidence)
    assert report.verdict is Verdict.REFER
    assert report.why[0].startswith("the chip did not open")
    assert report.chip_status is ChipStatus.CLOSED
    assert not report.document


def test_a_can_does_not_open_a_chip_without_pace() -> None:
    document = issue(pace=(), basic_access_control=True)
    evidence = inspected(inserted(document), Credentials(can=Password.can(CAN)))
    report = document.judged(evidence)
    assert "only a CAN was given" in report.why[0]


@pytest.mark.parametrize(
    ("bac", "access", "verdict"),
    [
        (BasicAccessControl.FALLBACK, "bac", Verdict.REFER),
        (BasicAccessControl.WITHOUT_PACE, None, Verdict.REFER),
        (BasicAccessControl.NEVER, None, Verdict.REFER),
    ],
)
def test_a_downgrade_to_bac_is_recorded(
    bac: BasicAccessControl, access: str | None, verdict: Verdict
) -> None:
    """An attacker on the radio link refuses PACE, to force the weaker protocol."""
    document = issue(basic_access_control=True)
    chip = personalised(document.files, document.keys)
    of_pace = every(plain, instruction(INS.MANAGE_SECURITY_ENVIRONMENT))
    evidence = inspected(Refusing(chip, of_pace, SW.INCORRECT_DATA).process, bac=bac)
    assert evidence.session is not None
    assert access_of(evidence) == access
    assert any(each.step is Step.PACE for each in evidence.session.failures)
    report = document.judged(evidence)
    assert report.verdict is verdict
    if access == "bac":
        assert report.check("access.downgrade").outcome is Outcome.WARNING
        assert "offers PACE" in report.check("access.downgrade").reason


@pytest.mark.parametrize(
    ("answered", "resets"),
    [
        ({}, 0),
        ({INS.MANAGE_SECURITY_ENVIRONMENT: 0x6A80}, 1),
        ({INS.GENERAL_AUTHENTICATE: 0x6300}, 1),
    ],
    ids=["PACE succeeds", "PACE is refused", "PACE fails"],
)
def test_bac_after_pace_is_in_a_session_of_its_own(answered: dict[int, int], resets: int) -> None:
    """Doc 9303-11, 4.1: either BAC or PACE, but not both in the same session."""
    document = issue(basic_access_control=True)
    chip = personalised(document.files, document.keys)

    def refuse(command: CommandAPDU) -> ResponseAPDU | None:
        refused = plain(command) and command.ins in answered
        return ResponseAPDU(sw=answered[command.ins]) if refused else None

    card = Watched(Answering(chip, refuse))
    at_reset: list[int] = []  # how many commands had come

    def reset() -> None:
        at_reset.append(len(card.exchanges))
        card.reset()

    evidence = inspected(card.process, reset=reset)
    assert len(at_reset) == card.resets == resets
    assert evidence.session is not None
    assert (access_of(evidence) == "bac") is bool(resets)
    if resets:
        log = [command.ins for command in card.commands]
        assert INS.EXTERNAL_AUTHENTICATE in log[at_reset[0] :]
        assert INS.EXTERNAL_AUTHENTICATE not in log[: at_reset[0]]
        assert INS.GENERAL_AUTHENTICATE not in log[log.index(INS.EXTERNAL_AUTHENTICATE) : 19]


def test_a_copy_without_access_control_is_a_downgrade() -> None:
    """The files of a chip that requires PACE, on a chip that requires no password."""
    genuine = issue(pace=(PACE_GM,), chip_authentication=False, active_authentication=None)
    copy = personalised(genuine.files, replace(genuine.keys, open=True))
    evidence = inspected(copy.process, Credentials(mrz=WRONG))
    assert evidence.session is not None
    assert evidence.session.access == Access(AccessControl.NONE)
    report = judged(genuine, evidence)
    downgrade = report.check("access.downgrade")
    assert downgrade.outcome is Outcome.WARNING
    assert "without any access control" in downgrade.reason
    assert report.verdict is Verdict.REFER


# --- clones and forgeries ------------------------------------------------------------------------


def test_a_copy_without_the_private_keys_is_rejected() -> None:
    genuine = usual()
    other = issue(active_authentication="secp256r1")  # a chip with other keys
    thief = replace(
        genuine.keys,
        active_authentication=other.keys.active_authentication,
        chip_authentication=(
            replace(
                genuine.keys.chip_authentication[0],
                private=type(genuine.keys.chip_authentication[0].private)(b"\x07" * 32),
            ),
        ),
    )
    copy = personalised(genuine.files, thief)
    evidence = inspected(copy.process)
    assert set(genuine.files) == set(evidence.files)
    report = judged(genuine, evidence)
    for check_id in CLONE_PROOFS:
        assert report.check(check_id).shows is Shows.CLONING, check_id
    assert report.verdict is Verdict.REJECT


@pytest.mark.parametrize(
    "number", [FileID.DG14, FileID.DG15, FileID.DG13], ids=["DG14", "DG15", "DG13"]
)
def test_a_removed_data_group_is_found(number: FileID) -> None:
    """The copy omits the data group of the proof, and rewrites EF.COM, which is not signed."""
    genuine = usual()
    stripped = genuine.with_file(number, None)
    report = judged(genuine, inspected(inserted(stripped)))
    assert report.check(f"dg.hash.{number}").shows is Shows.FORGERY
    assert report.verdict is Verdict.REJECT


def test_a_removed_card_access_is_found() -> None:
    genuine = issue(basic_access_control=True)
    report = judged(genuine, inspected(inserted(genuine.with_file(FileID.CARD_ACCESS, None))))
    assert report.access == "bac"
    assert report.check("access.downgrade").shows is Shows.FORGERY
    assert report.verdict is Verdict.REJECT


def test_a_proof_by_an_unsigned_key_is_undetermined() -> None:
    """A forger signs an EF.SOD with another key: the chip's proof of its keys does not count."""
    forged = issue(anchors=())
    report = judged(forged, inspected(inserted(forged)))
    assert outcomes(report, *CLONE_PROOFS) == ["undetermined"] * 3
    assert report.verdict is Verdict.REFER


def test_transcripts_of_one_chip_do_not_prove_another() -> None:
    mine, other = (
        usual(),
        issue(mrz=mrz(document_number="ZU0000001"), active_authentication="secp256r1"),
    )
    evidence = inspected(inserted(other), Credentials(can=Password.can(CAN)))
    swapped = msgspec.structs.replace(evidence, files=mine.files)
    report = mine.judged(swapped)
    assert report.check("active.authentication").shows is Shows.CLONING


def test_a_changed_octet_on_the_chip_is_rejected() -> None:
    changed = usual().flipped(FileID.DG13, 70)
    report = judged(usual(), inspected(inserted(changed)))
    assert report.check("dg.hash.DG13").shows is Shows.FORGERY
    assert report.verdict is Verdict.REJECT


# --- trouble on the way --------------------------------------------------------------------------


def test_a_removed_card_is_a_transport_error() -> None:
    card = Torn(personalised(usual().files, usual().keys), nth(25))
    with pytest.raises(TransportError, match="the card left"):
        inspected(card.process)


@pytest.mark.parametrize("at", range(37))
def test_a_chip_that_breaks_the_session_once_is_opened_again_and_accepted(at: int) -> None:
    """One answer is a plain 6988; only during PACE does the chip stay closed."""
    document = usual()
    faulty, disturbed = nth(at), list[CommandAPDU]()

    def change(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        if not faulty(command):
            return response
        disturbed.append(command)
        return ResponseAPDU(sw=SW.SM_DATA_OBJECT_INCORRECT)

    card = ChangingResponses(personalised(document.files, document.keys), change)
    report = document.judged(inspected(card.process))
    (command,) = disturbed
    plain = command.cla & 0x0C == 0
    if plain and command.ins in {INS.MANAGE_SECURITY_ENVIRONMENT, INS.GENERAL_AUTHENTICATE}:
        assert report.verdict is Verdict.REFER
        assert report.why[0].startswith("the chip did not open; PACE with the MRZ: the chip answer")
        assert not report.data_groups
    else:
        assert report.verdict is Verdict.ACCEPT, report.why
        assert set(report.data_groups) == {"DG1", "DG2", "DG13", "DG14", "DG15"}


@pytest.mark.parametrize("answer", ["6A82", "6F00", "9000", "00009000", "6B", "", "FF" * 300])
def test_a_chip_that_answers_nonsense_is_never_accepted(answer: str) -> None:
    evidence = inspected(lambda _: bytes.fromhex(answer))
    report = usual().judged(evidence)
    assert report.verdict is not Verdict.ACCEPT
    assert not any(check.outcome is Outcome.PASSED for check in report.checks)


def test_sensitive_data_groups_are_not_asked_for_without_a_right() -> None:
    document = issue(terminal_authentication=True, more={3: usual_dg3()})
    evidence = inspected(inserted(document))
    assert FileID.DG3 not in evidence.files
    assert evidence.unread[FileID.DG3] == NotTried(Why.NO_TERMINAL_KEY)
    report = document.judged(evidence)
    assert report.check("dg.hash.DG3").outcome is Outcome.NOT_PERFORMED
    assert report.check("terminal.authentication").outcome is Outcome.NOT_PERFORMED
    assert report.verdict is Verdict.ACCEPT, report.why


def usual_dg3() -> bytes:
    from emrtd.lds.data_groups.dg3 import DataGroup3

    return DataGroup3.of([]).encode()


def test_a_chip_with_generic_mapping_only_is_accepted() -> None:
    document = issue(pace=(PACE_GM,))
    report = judged(document, inspected(inserted(document)))
    assert report.access.startswith("pace-ecdh-gm-")
    assert outcomes(report, *CLONE_PROOFS) == ["passed", "passed", "not-present"]
    assert FileID.CARD_SECURITY not in document.files
    assert PACE_CAM not in document.how.pace


def test_the_right_mrz_opens_the_chip_after_a_wrong_can() -> None:
    both = Credentials(mrz=MRZ, can=Password.can("999999"))
    evidence = inspected(inserted(usual()), both)
    assert evidence.session is not None
    assert (access_of(evidence) or "").endswith("/mrz")
    assert [(each.step, each.password) for each in evidence.session.failures] == [
        (Step.PACE, "can")
    ]
    assert usual().judged(evidence).verdict is Verdict.ACCEPT


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=30), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_any_answers_of_a_chip_give_evidence(answers: list[bytes], good: int) -> None:
    """A correct chip for some commands, and then arbitrary answers."""
    later = cycle(answers)
    mad = since(nth(good))
    chip = personalised(usual().files, usual().keys)
    card = Answering(chip, lambda command: next(later) if mad(command) else None)
    report = usual().judged(inspected(card.process))
    assert report.verdict is not Verdict.ACCEPT or good >= 25


def test_a_chip_that_returns_single_octets_reaches_the_command_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "MOST_COMMANDS", 300)

    def endless(command: CommandAPDU) -> bytes:
        first = command.ins == INS.READ_BINARY and command.p1 & 0x80
        return b"\x60\x84\x00\x0f\xff\xff" if first else b"\x00"

    card = FunctionCard(endless)
    evidence = inspected(card.process)
    assert len(card.commands) <= 301
    assert usual().judged(evidence).verdict is not Verdict.ACCEPT


@pytest.mark.parametrize("fewer", range(1, 9))
def test_a_chip_at_the_command_limit_is_not_a_clone(
    fewer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command limit of an inspection is reached during the proofs."""
    document = issue(pace=(PACE_GM,))
    count = iter(range(10_000))
    transmit = inserted(document)

    def counted(command: bytes) -> bytes:
        next(count)
        return transmit(command)

    assert document.judged(inspected(counted)).verdict is Verdict.ACCEPT
    of_life_cycle = 1  # the last command is after the proofs
    monkeypatch.setattr(channel, "MOST_COMMANDS", next(count) - of_life_cycle - fewer)
    report = document.judged(inspected(inserted(document)))
    assert not any(check.shows is Shows.CLONING for check in report.checks)
    assert report.check("chip.authentication").outcome is not Outcome.PASSED
