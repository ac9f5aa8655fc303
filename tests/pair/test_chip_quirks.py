"""Chips with quirks, as makers of readers have reported them, are read completely.

Each quirk is added to the virtual chip, and a whole inspection runs with it.  The genuine document
must still be read to its last octet, its chip be authenticated, and the document be accepted.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from emrtd import tlv
from emrtd.access.passwords import Password
from emrtd.crypto.ciphers import pad
from emrtd.errors import ChipRefusalError
from emrtd.iso7816 import secure_messaging
from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FILES, FileID
from emrtd.pki.findings import Outcome
from emrtd.status_words import SW
from tests.helpers import replace
from tests.verify.documents import PACE_GM, Document, issue, mrz, usual
from tests.vsmartcard.cards import personalised
from verify.inspection import capture, inspect
from verify.inspection.opening import Credentials
from verify.judging.faults import Refused, Violated, describe
from verify.judging.report import Report, Verdict
from vsmartcard.card.conditions import (
    after,
    every,
    extended,
    instruction,
    plain,
    protected,
    since,
    some,
)
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, ChangingResponses, Dropping, Layer, Refusing, Watched
from vsmartcard.chip.commands import INSTRUCTIONS, CarryOut, Instructions, instead
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.session import Core
from vsmartcard.quirks.chips import CHIP_QUIRKS

Quirk = Callable[[Chip], Card]
"""A function that adds a layer over the chip."""

MRZ = Password.from_mrz_information(mrz().information)
LARGE = AtrInfo.of(
    Capability.EXTENDED_LENGTH | Capability.EXTENDED_LENGTH_INFORMATION, 32_768, 32_768
).encode()
OFFERS = {"BAC": {"pace": (), "basic_access_control": True}, "PACE": {}}

either_access = pytest.mark.parametrize("access", OFFERS)


@dataclass
class Genuine:
    """A genuine document and its chip."""

    document: Document
    chip: Chip

    @classmethod
    def of(cls, access: str = "PACE", *, extended: bool = False, **changes: object) -> "Genuine":
        """Issue a document opened by "PACE" or "BAC"; with `extended` it has an EF.ATR/INFO."""
        made = issue(**(OFFERS[access] | changes))
        made = made.with_file(FileID.ATR_INFO, LARGE) if extended else made
        return cls(made, personalised(made.files, made.keys))

    def accepted(
        self,
        quirk: Quirk = lambda chip: chip,
        instructions: Instructions = INSTRUCTIONS,
    ) -> Card:
        """Inspect the chip with a layer or other instructions, and assert that it is accepted.

        Every file must be read.  Returns the card that was inspected.
        """
        made = self.document
        card = quirk(Chip(self.chip.state, instructions=instructions))
        evidence = run(inspect(Credentials(mrz=MRZ)), card.process, card.reset)
        assert dict(evidence.files) == made.files
        report = made.judged(evidence)
        assert report.verdict is Verdict.ACCEPT, report.why
        for check_id, supported in (
            ("chip.authentication", made.how.chip_authentication),
            ("active.authentication", made.how.active_authentication is not None),
        ):
            assert (report.check(check_id).outcome is Outcome.PASSED) is supported
        return card


extended_read = every(instruction(INS.READ_BINARY), extended)


# --- lengths -------------------------------------------------------------------------------------


@either_access
def test_extended_length_is_refused_by_a_bare_6700(access: str) -> None:
    """The chip has not incremented its SSC (gmrtd#457)."""
    card = Genuine.of(access, extended=True)
    card.accepted(lambda chip: Refusing(chip, extended_read, SW.WRONG_LENGTH))


@either_access
@pytest.mark.parametrize("answer", ["6988", "6F00", "6700"])
def test_extended_length_ends_the_session(access: str, answer: str) -> None:
    card = Genuine.of(access, extended=True)
    dropped = every(protected, extended_read)
    card.accepted(lambda chip: Dropping(chip, dropped, int(answer, 16)))


def test_a_chip_that_refuses_a_second_bac_is_reset() -> None:
    """The applet of JMRTD allows no second BAC until it is reset."""
    Genuine.of("BAC", extended=True).accepted(BrokenUntilReset)


class BrokenUntilReset(Layer):
    """Refuses everything from the first extended READ BINARY of a session on, until a reset."""

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._power_up()

    def _power_up(self) -> None:
        broken = since(every(protected, extended_read))
        opened = every(plain, after(instruction(INS.EXTERNAL_AUTHENTICATE)))
        self._refused = some(broken, opened)

    def reset(self) -> None:
        self._power_up()
        super().reset()

    def process(self, octets: bytes) -> bytes:
        if self._refused(CommandAPDU.decode(octets)):
            return b"\x69\x82"
        return super().process(octets)


@either_access
def test_extended_length_is_refused_by_a_protected_6700(access: str) -> None:
    card = Genuine.of(access, extended=True)

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if command.ne is not None and command.ne > SHORT_MAX_LE:
                raise ChipRefusalError(SW.WRONG_LENGTH, "reading")
            return carry_out(core, command)

        return read

    card.accepted(instructions=instead(INS.READ_BINARY, change))


@either_access
def test_the_chip_returns_fewer_octets_than_atr_info_states(access: str) -> None:
    """The answer is shorter than Le and EF.ATR/INFO allow, with 9000."""
    card = Genuine.of(access, extended=True)
    card.accepted(instructions=CHIP_QUIRKS["chip.short-answers"].change(INSTRUCTIONS))


@either_access
@pytest.mark.parametrize("largest", [223, 160, 128, 118])
def test_a_read_larger_than_the_buffer_is_refused_with_6700(access: str, largest: int) -> None:
    card = Genuine.of(access)

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if command.ne is not None and command.ne > largest:
                raise ChipRefusalError(SW.WRONG_LENGTH, "reading")
            return carry_out(core, command)

        return read

    card.accepted(instructions=instead(INS.READ_BINARY, change))


@either_access
def test_6cxx_is_answered_when_the_file_ends_before_le(access: str) -> None:
    card = Genuine.of(access)
    card.accepted(instructions=CHIP_QUIRKS["chip.6cxx-at-the-end"].change(INSTRUCTIONS))


@either_access
@pytest.mark.parametrize("sw", [0x6282, 0x9000])
def test_a_file_has_padding_after_its_data_object(access: str, sw: int) -> None:
    card = Genuine.of(access)

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            size = min(command.ne or 0, core.response_room(command))
            missing = size - len(response.data)
            return response if missing <= 0 else ResponseAPDU(response.data + bytes(missing), sw)

        return read

    card.accepted(instructions=instead(INS.READ_BINARY, change))


@either_access
def test_the_end_of_a_file_is_padded_wrongly(access: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slovenia: a protected 6282 whose cryptogram has no valid padding."""
    card = Genuine.of(access)
    protect = SecureMessaging.protect_response

    def badly(session: SecureMessaging, response: ResponseAPDU) -> ResponseAPDU:
        with monkeypatch.context() as patch:
            if response.sw == SW.END_OF_FILE:
                patch.setattr(secure_messaging, "pad", pad_badly)
            return protect(session, response)

    def pad_badly(data: bytes, block: int) -> bytes:
        is_mac_input = len(data) % block == 0 or data[:1] in {b"\x87", b"\x99"}
        return pad(data, block) if is_mac_input else data + bytes(-len(data) % block)

    monkeypatch.setattr(SecureMessaging, "protect_response", badly)
    card.accepted()


@either_access
def test_all_data_is_sent_by_get_response(access: str) -> None:
    Genuine.of(access).accepted(CHIP_QUIRKS["chip.get-response"].layer)


# --- selecting -----------------------------------------------------------------------------------


@either_access
@pytest.mark.parametrize("everywhere", [True, False])
@pytest.mark.parametrize(
    "sw", [0x6A82, 0x6A86, 0x6B00, 0x6A81, 0x6986, 0x6D00, 0x6982, 0x6985, 0x6700, 0x6F00]
)
def test_short_identifiers_are_refused(access: str, sw: int, everywhere: bool) -> None:
    """They are refused everywhere, or in the application only."""
    card = Genuine.of(access)

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if command.p1 & 0x80 and (everywhere or not core.session.in_master_file):
                raise ChipRefusalError(sw, "reading")
            return carry_out(core, command)

        return read

    card.accepted(instructions=instead(INS.READ_BINARY, change))


@either_access
def test_refusals_are_answered_in_plain(access: str) -> None:
    """The chip refuses short identifiers, DG13 and reads beyond a file's end, and stays in session.

    The applet of JMRTD in jCardSim does so: its SSC is incremented as if the refusal were
    protected.
    """
    made = issue(**OFFERS[access])
    absent = made.with_file(FileID.DG13, None)
    card = Genuine(absent, personalised(absent.files, made.keys))

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if command.p1 & 0x80:
                raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, "reading")
            response = carry_out(core, command)
            available = len(response.data)
            if command.ne is not None and available < min(command.ne, SHORT_MAX_LE):
                raise ChipRefusalError(0x6C00 | available, "reading")
            return response

        return read

    def bare(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        refused = protected(command) and response.sw != SW.OK
        return ResponseAPDU(sw=response.sw) if refused else response

    quirky = Chip(card.chip.state, instructions=instead(INS.READ_BINARY, change))
    watched = Watched(ChangingResponses(quirky, bare))
    evidence = run(inspect(Credentials(mrz=MRZ)), watched.process)
    opened = since(protected)
    assert all(protected(each) for each in watched.commands if opened(each))  # opened only once
    assert dict(evidence.files) == absent.files
    # the refusal has no MAC, so it does not prove that the file was removed
    assert isinstance(evidence.unread[FileID.DG13], Violated)
    assert "in plain" in describe(evidence.unread[FileID.DG13])
    assert made.judged(evidence).check("dg.hash.DG13").outcome is Outcome.NOT_PERFORMED
    assert made.judged(evidence).check("chip.authentication").outcome is Outcome.PASSED


def test_a_short_identifier_selects_a_file_of_the_master_file() -> None:
    """PersoSim without EF.COM returns EF.DIR for it, and makes the MF the current directory."""
    directory = bytes.fromhex("61094F07A0000002471001")
    made = usual().with_file(FileID.COM, None).with_file(FileID.DIR, directory)

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            try:
                return carry_out(core, command)
            except ChipRefusalError as error:
                if error.sw != SW.FILE_NOT_FOUND or not command.p1 & 0x80:
                    raise
                core.session = core.session.with_directory(Directory.MASTER_FILE)
                return carry_out(core, command)

        return read

    state = personalised(made.files, made.keys).state
    chip = Chip(state, instructions=instead(INS.READ_BINARY, change))
    evidence = run(inspect(Credentials(mrz=MRZ)), chip.process)
    assert dict(evidence.files) == made.files
    assert evidence.unread[FileID.COM] == Refused(SW.FILE_NOT_FOUND, "selecting EF.COM")


def is_select_master_file(command: CommandAPDU) -> bool:
    return command.ins == INS.SELECT and command.p1 == 0


@pytest.mark.parametrize("sw", [0x6A87, 0x6985, 0x6A82, 0x9000])
@pytest.mark.parametrize("supported", ["3F00", ""])
def test_select_mf_is_supported_in_one_form_or_none(sw: int, supported: str) -> None:
    """The application is selected first; the chip supports one form of SELECT for the MF."""
    card = Genuine.of()

    def change(carry_out: CarryOut) -> CarryOut:
        def select(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if is_select_master_file(command) and command.data != bytes.fromhex(supported):
                return ResponseAPDU(sw=sw)
            return carry_out(core, command)

        return select

    card.accepted(application_selected_first, instead(INS.SELECT, change))


@either_access
@pytest.mark.parametrize("sw", [0x6700, 0x6A82, 0x6D00])
def test_selecting_the_only_application_is_refused(access: str, sw: int) -> None:
    """The card has one application, which is always selected, and refuses SELECT for it."""
    card = Genuine.of(access)

    def change(carry_out: CarryOut) -> CarryOut:
        def select(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            return ResponseAPDU(sw=sw) if command.p1 == 4 else response

        return select

    card.accepted(instructions=instead(INS.SELECT, change))


def application_selected_first(chip: Chip) -> Chip:
    chip.process(bytes.fromhex("00A4040C07A0000002471001"))
    return chip


@pytest.mark.parametrize("ins", [INS.SELECT, INS.READ_BINARY])
def test_ef_card_access_is_read_with_6283(ins: INS) -> None:
    """The file is reported as deactivated but can be read (Malaysia)."""
    card = Genuine.of()
    identifier = FILES[FileID.CARD_ACCESS].identifier

    def change(carry_out: CarryOut) -> CarryOut:
        def warn(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            file = core.session.file
            warned = response.sw == SW.OK and file is not None and file[1] == identifier
            return replace(response, sw=SW.FILE_DEACTIVATED) if warned else response

        return warn

    card.accepted(instructions=instead(ins, change))


# --- access --------------------------------------------------------------------------------------


def test_mse_set_at_requires_the_domain_parameters() -> None:
    """The chip requires them although they are unambiguous (gmrtd#108, Ukraine)."""
    card = Genuine.of(pace=(PACE_GM,))
    quirk = CHIP_QUIRKS["chip.domain-parameters-required"]
    card.accepted(instructions=quirk.change(INSTRUCTIONS))


def test_external_authenticate_requires_le_00() -> None:
    another_le = every(
        instruction(INS.EXTERNAL_AUTHENTICATE), lambda command: command.ne != SHORT_MAX_LE
    )
    Genuine.of("BAC").accepted(lambda chip: Refusing(chip, another_le, SW.WRONG_LENGTH))


def test_ef_com_and_ef_sod_are_readable_without_access_control() -> None:
    """The data groups are not, so the chip does have access control."""
    card = Genuine.of("BAC")
    files = card.document.files
    shown = {FILES[each].short_identifier: files[each] for each in (FileID.COM, FileID.SOD)}
    selected = b""

    def show(command: CommandAPDU) -> ResponseAPDU | None:
        nonlocal selected
        if command.cla or command.ins != INS.READ_BINARY:
            return None
        if command.p1 & 0x80:
            selected = shown.get(command.p1 & 0x1F, b"")
        offset = command.p2 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        part = selected[offset : offset + (command.ne or 0)]
        return ResponseAPDU(part) if selected else None

    card.accepted(lambda chip: Answering(chip, show))


@pytest.mark.parametrize("sw", [0x6982, 0x6985, 0x6986, 0x6A82, 0x6A86, 0x6D00, 0x6E00, 0x6F00])
def test_a_chip_without_pace_refuses_ef_card_access_with_any_status_word(sw: int) -> None:
    """Each of these status words means that the chip has no EF.CardAccess."""

    def of_card_access(command: CommandAPDU) -> bool:
        by_identifier = command.ins == INS.SELECT and command.data == b"\x01\x1c"
        return by_identifier or (command.ins, command.p1) == (INS.READ_BINARY, 0x9C)

    Genuine.of("BAC").accepted(lambda chip: Refusing(chip, of_card_access, sw))


# --- proofs --------------------------------------------------------------------------------------


def without_ds_key(**changes: object) -> dict[str, object]:
    return {"chip_authentication": False, "active_authentication": "RSA-2048"} | changes


@pytest.mark.parametrize("largest", [SHORT_MAX_LE, 0])
def test_active_authentication_is_cut_off_at_short_le(largest: int) -> None:
    """The answer is cut without 61XX, as by Australian chips, or is empty."""
    card = Genuine.of("BAC", extended=True, **without_ds_key(active_authentication="RSA-3072"))

    def change(carry_out: CarryOut) -> CarryOut:
        def sign(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            return response if command.extended else ResponseAPDU(response.data[:largest])

        return sign

    card.accepted(instructions=instead(INS.INTERNAL_AUTHENTICATE, change))


def test_active_authentication_answers_nothing_at_extended_le() -> None:
    """Chinese chips do this."""
    card = Genuine.of("BAC", extended=True, **without_ds_key())

    def change(carry_out: CarryOut) -> CarryOut:
        return lambda core, command: (
            ResponseAPDU() if command.extended else carry_out(core, command)
        )

    card.accepted(instructions=instead(INS.INTERNAL_AUTHENTICATE, change))


def test_active_authentication_refuses_extended_length() -> None:
    """The refusal is a bare 6700, although the signature does not fit a short protected answer."""
    card = Genuine.of("BAC", **without_ds_key())
    refused = every(instruction(INS.INTERNAL_AUTHENTICATE), extended)
    watched = card.accepted(lambda chip: Watched(Refusing(chip, refused, SW.WRONG_LENGTH)))
    assert isinstance(watched, Watched)
    assert sum(refused(command) for command in watched.commands) == 1


@either_access
def test_chip_authentication_answers_without_7c(access: str) -> None:
    """Some chips answer GENERAL AUTHENTICATE with an empty 7C, others with no data."""
    card = Genuine.of(access)

    def change(carry_out: CarryOut) -> CarryOut:
        def authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            return ResponseAPDU(b"") if response.data == b"\x7c\x00" else response

        return authenticate

    card.accepted(instructions=instead(INS.GENERAL_AUTHENTICATE, change))


# --- contents and secrets ------------------------------------------------------------------------


def test_a_data_group_is_hashed_as_it_was_read() -> None:
    """DG14 in an order other than DER's, with long length fields, is not re-encoded."""
    infos = tlv.read_expected(usual().files[FileID.DG14], 0x6E, "DG14").children().one(0x31)
    entries = [tlv.encode(each.tag, each.value) for each in infos.children()]
    content = b"".join(reversed(entries))
    unusual = b"\x31\x83" + len(content).to_bytes(3, "big") + content
    card = Genuine.of(more={14: tlv.encode(0x6E, unusual)})
    assert card.document.files[FileID.DG14] != usual().files[FileID.DG14]
    card.accepted()


def test_neither_trace_nor_log_nor_evidence_shows_a_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The secrets are the passwords, personal data and contents of files."""
    made = usual()
    credentials = Credentials(mrz=MRZ, can=Password.can("470815"))
    chip = personalised(made.files, made.keys)
    lines: list[str] = []
    with caplog.at_level(logging.DEBUG):
        evidence = capture(CardConnection(chip), inspect(credentials), lines.append)
    assert evidence.files == made.files
    output = "\n".join([*lines, caplog.text, repr(evidence), repr(credentials)])
    assert len(lines) > 30
    portrait = made.files[FileID.DG2][200:208].hex()
    for secret in ("470815", "ZU1234567", "MUSTERMANN", "Mustermann", "900131", portrait):
        assert secret not in output
        assert secret.encode().hex() not in output.lower()


# --- encodings -----------------------------------------------------------------------------------


def quirks_of(report: Report) -> set[str]:
    return {quirk.id for check in report.checks for quirk in check.tolerated}


@either_access
def test_an_outer_indefinite_length_of_the_sod_is_read_alike_from_chip_and_image(
    access: str,
) -> None:
    made = issue(**OFFERS[access])
    inner = tlv.read(made.files[FileID.SOD], "EF.SOD").value
    made = made.with_file(FileID.SOD, b"\x77\x80" + inner + b"\0\0")
    chip = personalised(made.files, made.keys)
    card = Genuine(made, chip).accepted()
    assert "asn1.indefinite-length" in quirks_of(made.judged())
    assert made.judged().check("sod.signature").outcome is Outcome.PASSED
    evidence = run(inspect(Credentials(mrz=MRZ)), card.process, card.reset)
    assert "asn1.indefinite-length" in quirks_of(made.judged(evidence))


@either_access
@pytest.mark.parametrize("zeros", [1, 6])
def test_zeros_inside_dg14_are_read_past_and_named(access: str, zeros: int) -> None:
    infos = tlv.read(issue(**OFFERS[access]).files[FileID.DG14], "DG14").value
    padded = tlv.encode(0x6E, infos, bytes(zeros))
    genuine = Genuine.of(access, more={14: padded})
    genuine.accepted()
    assert genuine.document.files[FileID.DG14] == padded
    assert "lds.dg14" in quirks_of(genuine.document.judged())
