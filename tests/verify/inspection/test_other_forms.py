"""Chips that refuse one form of a command: the other is tried, or the cause is named."""

import pytest

from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.protocols import KeyAgreement, Mapping
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.security.security_infos import PaceInfo
from emrtd.pki.findings import Outcome, Shows
from emrtd.status_words import SW
from tests.security.copies import clone_of
from tests.verify.documents import PACE_GM, Document, issue
from tests.verify.inspection.test_inspection import MRZ, access_of, inspected, judged
from tests.verify.inspection.test_terminal import permit_of_version_2
from tests.vsmartcard.cards import personalised
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from verify.judging.faults import NotTried, TooLong, Why
from verify.judging.policy import BasicAccessControl
from verify.judging.report import Verdict
from vsmartcard.card.conditions import extended, selects_application
from vsmartcard.card.layers import Layer, Refusing
from vsmartcard.chip.commands import CarryOut, Instructions, instead
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.session import Core

PACE_DH = PaceInfo.of(KeyAgreement.DH, Mapping.GENERIC, Cipher.AES128, 2)  # 2,048 bits
SINGLE = issue(pace=(PACE_GM,), active_authentication=None)


# --- Chip Authentication without the key reference ------------------------------------------------


def refusing_references(sw: int, *, only_with: bool = True) -> Instructions:
    """Refuse MSE with DO 84, although DG14 gives the key an identifier; or refuse every MSE."""

    def change(carry_out: CarryOut) -> CarryOut:
        def manage(core: Core, command: CommandAPDU) -> ResponseAPDU:
            of_chip_authentication = core.session.secure_messaging is not None
            if of_chip_authentication and (not only_with or b"\x84\x01" in command.data):
                raise ChipRefusalError(sw, "MSE")
            return carry_out(core, command)

        return manage

    return instead(INS.MANAGE_SECURITY_ENVIRONMENT, change)


def chip(document: Document, sw: int, **options: bool) -> Chip:
    state = personalised(document.files, document.keys).state
    return Chip(state, instructions=refusing_references(sw, **options))


@pytest.mark.parametrize("sw", [0x6A80, 0x6A86, 0x6700, 0x6985])
def test_a_chip_that_wants_no_key_reference_proves_itself(sw: int) -> None:
    card = chip(SINGLE, sw)
    report = judged(SINGLE, inspected(card.process, reset=card.reset))
    assert report.check("chip.authentication").outcome is Outcome.PASSED
    assert report.verdict is Verdict.ACCEPT, report.why


class PlainRefusals(Layer):
    """Sends every refusal in plain; the chip keeps its session and counts."""

    def process(self, octets: bytes) -> bytes:
        response = super().process(octets)
        return response if response[-2:] == b"\x90\x00" else response[-2:]


def test_a_chip_that_refuses_the_key_reference_in_plain_proves_itself() -> None:
    card = PlainRefusals(chip(SINGLE, 0x6A80))
    report = judged(SINGLE, inspected(card.process, reset=card.reset))
    assert report.check("chip.authentication").outcome is Outcome.PASSED
    assert "second try" not in report.check("chip.authentication").reason


def test_a_chip_that_refuses_both_forms_is_rejected() -> None:
    card = chip(SINGLE, 0x6A80, only_with=False)
    report = judged(SINGLE, inspected(card.process, reset=card.reset))
    assert report.check("chip.authentication").shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


def test_a_copy_that_wants_no_key_reference_is_rejected() -> None:
    state = clone_of(SINGLE).state
    card = Chip(state, instructions=refusing_references(0x6A80))
    report = judged(SINGLE, inspected(card.process, reset=card.reset))
    assert report.check("chip.authentication").shows is Shows.CLONING


# --- PACE with keys that need extended length -----------------------------------------------------


def without_extended_length(document: Document, sw: int = SW.WRONG_LENGTH) -> Evidence:
    card = Refusing(personalised(document.files, document.keys), extended, sw)
    return inspected(card.process, reset=card.reset)


@pytest.mark.parametrize("sw", [0x6700, 0x6A80, 0x6D00, 0x6E00, 0x6F00])
def test_a_curve_is_used_where_extended_length_is_missing(sw: int) -> None:
    weak = PaceInfo.of(KeyAgreement.ECDH, Mapping.GENERIC, Cipher.AES128, 9)  # of 192 bits
    document = issue(pace=(PACE_DH, weak))
    evidence = without_extended_length(document, sw)
    assert evidence.session is not None
    assert "-ecdh-" in (access_of(evidence) or "")
    (failure,) = evidence.session.failures
    assert isinstance(failure.fault, TooLong)
    assert judged(document, evidence).verdict is Verdict.ACCEPT


def test_the_missing_extended_length_is_named() -> None:
    document = issue(pace=(PACE_DH,))
    evidence = without_extended_length(document)
    assert evidence.session is not None
    fault = evidence.session.failures[0].fault
    assert fault == TooLong(0x6700, "PACE with the MRZ")
    report = document.judged(evidence)
    assert "needs extended length, which the chip or the reader seems not to have" in report.why[0]
    assert report.verdict is Verdict.REFER


def test_a_chip_with_extended_length_is_opened_over_dh() -> None:
    document = issue(pace=(PACE_DH,))
    evidence = inspected(personalised(document.files, document.keys).process)
    assert "-dh-" in (access_of(evidence) or "")


# --- identity cards -------------------------------------------------------------------------------


def test_an_application_that_wants_a_terminal_certificate_is_named() -> None:
    """An identity card opens its eMRTD application after the General Authentication Procedure."""
    card = permit_of_version_2()
    chip = personalised(card.files, card.keys)

    def change(select: CarryOut) -> CarryOut:
        def denied(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if selects_application(command):
                raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, "SELECT")
            return select(core, command)

        return denied

    closed = Chip(chip.state, instructions=instead(INS.SELECT, change))
    refused = lambda each: each.ins == INS.READ_BINARY and each.p1 == 0x9E  # noqa: E731 - EF.COM
    layer = Refusing(closed, refused, SW.FILE_NOT_FOUND)
    evidence = inspected(
        layer.process, Credentials(mrz=MRZ), BasicAccessControl.NEVER, reset=layer.reset
    )
    assert evidence.session is not None
    assert NotTried(Why.TERMINAL_WANTED) in [each.fault for each in evidence.session.failures]
    report = card.judged(evidence)
    assert "only to a terminal with a certificate" in report.why[0]
    assert report.verdict is Verdict.REFER
