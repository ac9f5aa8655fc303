"""What our verifier does with cards of TR-03105-5.1 beyond what their cases require."""

from dataclasses import replace

import pytest

from conformance.reader.case import Presented, Workshop
from conformance.reader.cases.terminal_authentication import protected, usual
from conformance.reader.catalogue import standard_cases
from conformance.reader.documents import PACE_GM, ChipKey, Document
from conformance.reader.own import Inspected, OurVerifier
from conformance.reader.terminals import chain
from emrtd.crypto.ciphers import Cipher
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FILES, FileID
from emrtd.pki.cvc.keys import SCHEMES
from emrtd.pki.findings import Outcome
from tests.certificates import NOW
from verify.judging.policy import load_policy
from verify.judging.report import Verdict
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, Watched

AT = Workshop(NOW)
VERIFIER = OurVerifier(AT, load_policy("default"))
PACE = {"pace": (PACE_GM,), "basic_access_control": False}


def card_of(id_: str, label: str = "") -> Presented:
    (trial,) = [each for each in standard_cases()[id_].trials if each.label == label]
    return trial.make(AT)


def inspected(presented: Presented) -> Inspected:
    return VERIFIER.judge(VERIFIER.read(presented))


def watched(presented: Presented) -> tuple[Inspected, list[CommandAPDU]]:
    """Inspect, and return the commands that were sent too."""
    seen: list[Watched] = []

    def watch(card: Card) -> Card:
        seen.append(Watched(presented.layer(card)))
        return seen[0]

    found = inspected(replace(presented, layer=watch))
    return found, list(seen[0].commands)


def accepted(found: Inspected, document: Document) -> Inspected:
    assert found.accepted, found.report.why
    assert dict(found.evidence.files) == document.files
    return found


def granted(found: Inspected) -> Inspected:
    assert found.report.check("terminal.authentication").outcome is Outcome.PASSED
    return found


# --- the strongest of what is offered ------------------------------------------------------------


@pytest.mark.parametrize(
    ("id_", "chosen"), [("ISO7816_D_04", "ca-ecdh-aes-128"), ("ISO7816_D_05", "ca-ecdh-aes-256")]
)
def test_the_strongest_key_of_chip_authentication_is_used(id_: str, chosen: str) -> None:
    found = inspected(card_of(id_, "BAC"))
    assert f"({chosen}/" in found.report.check("chip.authentication").reason


def test_the_strongest_variant_of_pace_is_used() -> None:
    report = inspected(card_of("ISO7816_G_06")).report
    assert "ecdh-gm-aes-cbc-cmac-256/brainpoolP512r1" in report.access
    assert "brainpoolP512r1" in inspected(card_of("ISO7816_G_07")).report.access


# --- what is evidence against the chip, and what is not ------------------------------------------


@pytest.mark.parametrize("id_", ["ISO7816_D_07", "ISO7816_D_08", "ISO7816_D_11", "ISO7816_D_12"])
def test_a_signed_key_that_cannot_be_used_proves_nothing(id_: str) -> None:
    """A State has signed it: that is no evidence against the chip."""
    report = inspected(card_of(id_)).report
    assert report.check("chip.authentication").outcome is Outcome.UNDETERMINED
    assert report.verdict is Verdict.REFER


@pytest.mark.parametrize("id_", ["ISO7816_D_07", "ISO7816_D_08"])
def test_the_signed_key_of_another_chip_is_rejected(id_: str) -> None:
    report = inspected(card_of(id_, "of another chip")).report
    assert report.check("chip.authentication").outcome is Outcome.FAILED
    assert report.verdict is Verdict.REJECT


@pytest.mark.parametrize(
    "id_", ["ISO7816_B_10", "ISO7816_F_08", "LDS_B_12", "LDS_H_37", "LDS_H_69"]
)
def test_revocation_forgery_and_clones_are_rejected(id_: str) -> None:
    assert inspected(card_of(id_)).report.verdict is Verdict.REJECT


@pytest.mark.parametrize("id_", ["ISO7816_D_06", "ISO7816_D_13"])
def test_the_files_are_read_although_chip_authentication_failed(id_: str) -> None:
    presented = card_of(id_)
    assert dict(inspected(presented).evidence.files) == presented.document.files


def test_nothing_is_read_after_pace_has_failed() -> None:
    for id_ in ("ISO7816_G_09", "ISO7816_G_23", "ISO7816_G_29", "ISO7816_G_35"):
        trial = standard_cases()[id_].trials[0]
        files = inspected(trial.make(AT)).evidence.files
        assert set(files) <= {FileID.CARD_ACCESS}, id_


@pytest.mark.parametrize("id_", ["LDS_D_09", "LDS_C_13", "LDS_A_05", "LDS_H_62", "LDS_H_87"])
def test_the_default_policy_reads_past_a_quirk_and_names_it(id_: str) -> None:
    report = inspected(card_of(id_)).report
    assert report.verdict is Verdict.ACCEPT, report.why
    assert [check for check in report.checks if check.tolerated]


# --- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id_", "extended"), [("LDS_K_01", True), ("LDS_K_02", True), ("LDS_K_03", False)]
)
def test_the_buffers_of_atr_info_are_used(id_: str, *, extended: bool) -> None:
    """Extended length is used only if the file allows it."""
    _, commands = watched(card_of(id_))
    assert any(each.is_extended for each in commands) is extended


def test_an_atr_info_without_buffers_is_read_past() -> None:
    """Nothing signs it, and further data objects may be in it: LDS_K_04 contradicts Doc 9303-10."""
    content = bytes.fromhex("7F65080202078002020780")
    made = AT.document().with_file(FileID.ATR_INFO, content)
    found, commands = watched(Presented(made))
    accepted(found, made)
    assert not any(each.is_extended for each in commands)


def is_reading(command: CommandAPDU, file_id: FileID) -> bool:
    short = FILES[file_id].short_identifier
    return (command.ins, command.p1) == (INS.READ_BINARY, 0x80 | short)


def test_what_the_certificates_do_not_allow_is_not_asked_for() -> None:
    found, commands = watched(card_of("ISO7816_E_16"))
    granted(found)
    closed = (FileID.DG3, FileID.DG4)
    assert not any(is_reading(each, file_id) for each in commands for file_id in closed)


@pytest.mark.parametrize("oid", ["0.4.0.127.0.7.2.2.2.1.4", "0.4.0.127.0.7.2.2.2.2.5"])
@pytest.mark.parametrize("cipher", [Cipher.TDES, Cipher.AES256])
def test_certificates_in_chains_where_there_is_no_extended_length(oid: str, cipher: Cipher) -> None:
    """EF.ATR/INFO allows command chaining: every command is short and separately protected."""
    own = chain(NOW.date(), SCHEMES[oid], bits=2048, curve="brainpoolP512r1")
    made = protected(AT, own.root, chip_keys=(ChipKey(12, cipher),))
    info = AtrInfo.of(Capability.COMMAND_CHAINING, None, None)
    made = made.with_file(FileID.ATR_INFO, info.encode())
    found, commands = watched(Presented(made, terminal=own.credentials()))
    accepted(granted(found), made)
    assert not any(each.is_extended for each in commands)
    chained = {each.ins for each in commands if each.cla & 0x10}
    assert INS.PERFORM_SECURITY_OPERATION in chained


def test_trust_points_from_pace_are_used() -> None:
    """A chip of Doc 9303 alone has no EF.CVCA: it is asked in PACE (4.4.4.1, K.2)."""
    own = usual(AT)
    made = protected(AT, own.root, **PACE).with_file(FileID.CVCA, None)
    accepted(granted(inspected(Presented(made, terminal=own.credentials()))), made)


@pytest.mark.parametrize("sw", [0x6A80, 0x6A87, 0x6700])
def test_a_chip_that_does_not_understand_the_question(sw: int) -> None:
    """It is asked for nothing, and has an EF.CVCA."""

    def answer(command: CommandAPDU) -> ResponseAPDU | None:
        asked = (command.p1, command.p2) == (0xC1, 0xA4) and b"\x7f\x4c" in command.data
        return ResponseAPDU(sw=sw) if asked else None

    own = usual(AT)
    made = protected(AT, own.root, **PACE)
    presented = Presented(
        made, layer=lambda card: Answering(card, answer), terminal=own.credentials()
    )
    accepted(granted(inspected(presented)), made)


def test_sensitive_data_groups_are_not_read_without_a_terminal() -> None:
    """Fingerprints stay closed, and the document is accepted."""
    found = inspected(Presented(protected(AT, usual(AT).root)))
    assert found.accepted, found.report.why
    assert not {FileID.DG3, FileID.DG4} & found.evidence.files.keys()
    assert found.report.check("terminal.authentication").outcome is Outcome.NOT_PERFORMED


@pytest.mark.parametrize("id_", ["LDS_D_06", "LDS_E_05"])
def test_a_data_group_that_may_be_read_and_cannot_be_is_not_closed(id_: str) -> None:
    """DG3 and DG4 may be closed to this terminal; this one has proven its right to read them."""
    report = inspected(card_of(id_)).report
    number = 3 if "_D_" in id_ else 4
    assert report.check(f"dg.hash.DG{number}").outcome is Outcome.UNDETERMINED
    assert report.verdict is Verdict.REFER
