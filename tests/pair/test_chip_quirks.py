"""Chips that differ from the book, as readers of other makers have met them, and are read whole.

Each quirk is laid around or into the virtual chip, and the whole inspection runs against it;
a genuine document must be read to its last octet, its chip proven, and be accepted all the same.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

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
from tests.verify.documents import PACE_GM, Document, issue, mrz, usual
from tests.vsmartcard.cards import personalised
from verify.inspection import capture, inspect
from verify.inspection.opening import Credentials
from verify.judging.faults import Refused, Violated, describe
from verify.judging.report import Verdict
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
from vsmartcard.card.layers import Answering, Changing, Dropping, Layer, Refusing, Watched
from vsmartcard.chip.commands import INSTRUCTIONS, CarryOut, Instructions, instead
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.session import Core

Quirk = Callable[[Chip], Card]
"""A layer that is laid over the chip."""

MRZ = Password.from_mrz_information(mrz().information)
LARGE = AtrInfo.of(
    Capability.EXTENDED_LENGTH | Capability.EXTENDED_LENGTH_INFORMATION, 32_768, 32_768
).encode()
OFFERS = {"BAC": {"pace": (), "basic_access_control": True}, "PACE": {}}

either_access = pytest.mark.parametrize("access", OFFERS)


@dataclass
class Genuine:
    """A genuine document, and its chip."""

    document: Document
    chip: Chip

    @classmethod
    def of(cls, access: str = "PACE", *, extended: bool = False, **changes: object) -> "Genuine":
        """Issue one, opened by "PACE" or "BAC"; one with extended length tells so."""
        made = issue(**(OFFERS[access] | changes))
        made = made.with_file(FileID.ATR_INFO, LARGE) if extended else made
        return cls(made, personalised(made.files, made.keys))

    def accepted(
        self,
        quirk: Quirk = lambda chip: chip,
        instructions: Instructions = INSTRUCTIONS,
    ) -> Card:
        """Inspect the chip with a layer over it, or another table: it is read whole, and accepted.

        Returns the card that was inspected.
        """
        made = self.document
        card = quirk(Chip(self.chip.state, instructions=instructions))
        evidence = run(inspect(Credentials(mrz=MRZ)), card.process, card.reset)
        assert dict(evidence.files) == made.files
        report = made.judged(evidence)
        assert report.verdict is Verdict.ACCEPT, report.why
        for check_id, there in (
            ("chip.authentication", made.how.chip_authentication),
            ("active.authentication", made.how.active_authentication is not None),
        ):
            assert (report.check(check_id).outcome is Outcome.PASSED) is there
        return card


extended_read = every(instruction(INS.READ_BINARY), extended)


# --- lengths -------------------------------------------------------------------------------------


@either_access
def test_extended_length_is_refused_by_a_bare_6700(access: str) -> None:
    """The chip's SSC has not moved (gmrtd#457)."""
    card = Genuine.of(access, extended=True)
    card.accepted(lambda chip: Refusing(chip, extended_read, SW.WRONG_LENGTH))


@either_access
@pytest.mark.parametrize("answer", ["6988", "6F00", "6700"])
def test_extended_length_drops_the_channel(access: str, answer: str) -> None:
    card = Genuine.of(access, extended=True)
    dropped = every(protected, extended_read)
    card.accepted(lambda chip: Dropping(chip, dropped, int(answer, 16)))


def test_a_session_that_is_lost_ends_with_the_power_alone() -> None:
    """The applet of JMRTD: after BAC there is no other, until it is reset."""
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
def test_a_protected_6700_to_extended_length(access: str) -> None:
    card = Genuine.of(access, extended=True)

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if command.ne is not None and command.ne > SHORT_MAX_LE:
                raise ChipRefusalError(SW.WRONG_LENGTH, "reading")
            return carry_out(core, command)

        return read

    card.accepted(instructions=instead(INS.READ_BINARY, change))


@either_access
def test_atr_info_promises_more_than_the_chip_gives(access: str) -> None:
    """Fewer octets than were asked for and declared, with 9000."""
    card = Genuine.of(access, extended=True)

    def change(carry_out: CarryOut) -> CarryOut:
        return lambda core, command: carry_out(
            core, command if command.ne is None else replace(command, ne=min(command.ne, 100))
        )

    card.accepted(instructions=instead(INS.READ_BINARY, change))


@either_access
@pytest.mark.parametrize("largest", [223, 160, 128, 118])
def test_a_small_buffer_is_6700(access: str, largest: int) -> None:
    card = Genuine.of(access)

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if command.ne is not None and command.ne > largest:
                raise ChipRefusalError(SW.WRONG_LENGTH, "reading")
            return carry_out(core, command)

        return read

    card.accepted(instructions=instead(INS.READ_BINARY, change))


@either_access
def test_6cxx_where_the_file_ends_before_le(access: str) -> None:
    card = Genuine.of(access)

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            there = len(response.data)
            if command.ne is not None and there < min(command.ne, SHORT_MAX_LE):
                raise ChipRefusalError(0x6C00 | there, "reading")
            return response

        return read

    card.accepted(instructions=instead(INS.READ_BINARY, change))


@either_access
@pytest.mark.parametrize("sw", [0x6282, 0x9000])
def test_files_with_padding_behind_their_data_object(access: str, sw: int) -> None:
    card = Genuine.of(access)

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            wanted = min(command.ne or 0, core.response_room(command))
            missing = wanted - len(response.data)
            return response if missing <= 0 else ResponseAPDU(response.data + bytes(missing), sw)

        return read

    card.accepted(instructions=instead(INS.READ_BINARY, change))


@either_access
def test_the_end_of_a_file_is_padded_wrongly(access: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slovenia: a protected 6282 whose cryptogram has no padding that could be taken off."""
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
def test_everything_goes_by_get_response(access: str) -> None:
    Genuine.of(access).accepted(ByGetResponse)


class ByGetResponse(Layer):
    """Announces all data by 61XX, and gives it 60 octets at a time."""

    unsent = b""

    def process(self, octets: bytes) -> bytes:
        if octets[1] == INS.GET_RESPONSE:
            now, self.unsent = self.unsent[:60], self.unsent[60:]
            return now + (b"\x90\x00" if not self.unsent else self._announced())
        response = super().process(octets)
        if len(response) == 2 or response[-2:] != b"\x90\x00":
            return response
        self.unsent = response[:-2]
        return self._announced()

    def _announced(self) -> bytes:
        return bytes((0x61, min(len(self.unsent), 255)))


# --- selecting -----------------------------------------------------------------------------------


@either_access
@pytest.mark.parametrize("everywhere", [True, False])
@pytest.mark.parametrize(
    "sw", [0x6A82, 0x6A86, 0x6B00, 0x6A81, 0x6986, 0x6D00, 0x6982, 0x6985, 0x6700, 0x6F00]
)
def test_short_identifiers_are_unknown(access: str, sw: int, everywhere: bool) -> None:
    """Or in the application alone."""
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
    """No short identifiers, no DG13, nothing behind a file's end; the session goes on all the same.

    So does the applet of JMRTD in jCardSim: its counter moves as if the refusal were protected.
    """
    made = issue(**OFFERS[access])
    absent = made.with_file(FileID.DG13, None)
    card = Genuine(absent, personalised(absent.files, made.keys))

    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if command.p1 & 0x80:
                raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, "reading")
            response = carry_out(core, command)
            there = len(response.data)
            if command.ne is not None and there < min(command.ne, SHORT_MAX_LE):
                raise ChipRefusalError(0x6C00 | there, "reading")
            return response

        return read

    def bare(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        refused = protected(command) and response.sw != SW.OK
        return ResponseAPDU(sw=response.sw) if refused else response

    quirky = Chip(card.chip.state, instructions=instead(INS.READ_BINARY, change))
    watched = Watched(Changing(quirky, bare))
    evidence = run(inspect(Credentials(mrz=MRZ)), watched.process)
    opened = since(protected)
    assert all(protected(each) for each in watched.commands if opened(each))  # it was opened once
    assert dict(evidence.files) == absent.files
    # nobody vouches for it: no proof of a removal
    assert isinstance(evidence.unread[FileID.DG13], Violated)
    assert "in plain" in describe(evidence.unread[FileID.DG13])
    assert made.judged(evidence).check("dg.hash.DG13").outcome is Outcome.NOT_PERFORMED
    assert made.judged(evidence).check("chip.authentication").outcome is Outcome.PASSED


def test_a_short_identifier_is_looked_for_in_the_master_file_too() -> None:
    """PersoSim has no EF.COM, and gives EF.DIR for it; the MF is the current directory then."""
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
@pytest.mark.parametrize("wants", ["3F00", ""])
def test_select_mf_in_one_form_or_none(sw: int, wants: str) -> None:
    """The application is selected at first, and the MF by the one form that the chip knows."""
    card = Genuine.of()

    def change(carry_out: CarryOut) -> CarryOut:
        def select(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if is_select_master_file(command) and command.data != bytes.fromhex(wants):
                return ResponseAPDU(sw=sw)
            return carry_out(core, command)

        return select

    card.accepted(application_selected_first, instead(INS.SELECT, change))


@either_access
@pytest.mark.parametrize("sw", [0x6700, 0x6A82, 0x6D00])
def test_the_application_is_always_selected(access: str, sw: int) -> None:
    """As where a card has one alone; to select it is refused."""
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
def test_6283_on_card_access(ins: INS) -> None:
    """A file that is "deactivated" is read all the same (Malaysia)."""
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


def test_mse_set_at_wants_the_domain_parameters() -> None:
    """Although they are unambiguous (gmrtd#108, Ukraine)."""
    card = Genuine.of(pace=(PACE_GM,))

    def change(carry_out: CarryOut) -> CarryOut:
        def set_at(core: Core, command: CommandAPDU) -> ResponseAPDU:
            objects = tlv.read_all(command.data, "data field")
            if command.p1 == 0xC1 and not any(each.tag == 0x84 for each in objects):
                raise ChipRefusalError(SW.INCORRECT_DATA, "MSE:Set AT")
            return carry_out(core, command)

        return set_at

    card.accepted(instructions=instead(INS.MANAGE_SECURITY_ENVIRONMENT, change))


def test_external_authenticate_wants_le_00() -> None:
    another_le = every(
        instruction(INS.EXTERNAL_AUTHENTICATE), lambda command: command.ne != SHORT_MAX_LE
    )
    Genuine.of("BAC").accepted(lambda chip: Refusing(chip, another_le, SW.WRONG_LENGTH))


def test_ef_com_and_ef_sod_are_open_to_anyone() -> None:
    """And the data groups are not: that is no chip without access control."""
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
def test_a_chip_without_pace_says_so_in_its_own_way(sw: int) -> None:
    """What it refuses EF.CardAccess with means no more than that there is none."""

    def of_card_access(command: CommandAPDU) -> bool:
        by_identifier = command.ins == INS.SELECT and command.data == b"\x01\x1c"
        return by_identifier or (command.ins, command.p1) == (INS.READ_BINARY, 0x9C)

    Genuine.of("BAC").accepted(lambda chip: Refusing(chip, of_card_access, sw))


# --- proofs --------------------------------------------------------------------------------------


def without_ds_key(**changes: object) -> dict[str, object]:
    return {"chip_authentication": False, "active_authentication": "RSA-2048"} | changes


@pytest.mark.parametrize("largest", [SHORT_MAX_LE, 0])
def test_active_authentication_is_cut_off_at_short_le(largest: int) -> None:
    """Without 61XX, as Australia's does; or nothing at all comes."""
    card = Genuine.of("BAC", extended=True, **without_ds_key(active_authentication="RSA-3072"))

    def change(carry_out: CarryOut) -> CarryOut:
        def sign(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            return response if command.extended else ResponseAPDU(response.data[:largest])

        return sign

    card.accepted(instructions=instead(INS.INTERNAL_AUTHENTICATE, change))


def test_active_authentication_gives_nothing_at_extended_le() -> None:
    """As China's does."""
    card = Genuine.of("BAC", extended=True, **without_ds_key())

    def change(carry_out: CarryOut) -> CarryOut:
        return lambda core, command: (
            ResponseAPDU() if command.extended else carry_out(core, command)
        )

    card.accepted(instructions=instead(INS.INTERNAL_AUTHENTICATE, change))


def test_active_authentication_refuses_extended_length() -> None:
    """By a bare 6700, although its signature does not fit in a short protected response."""
    card = Genuine.of("BAC", **without_ds_key())
    refused = every(instruction(INS.INTERNAL_AUTHENTICATE), extended)
    watched = card.accepted(lambda chip: Watched(Refusing(chip, refused, SW.WRONG_LENGTH)))
    assert isinstance(watched, Watched)
    assert sum(refused(command) for command in watched.commands) == 1


@either_access
def test_chip_authentication_answers_an_empty_7c(access: str) -> None:
    """As real chips do, and others answer nothing."""
    card = Genuine.of(access)

    def change(carry_out: CarryOut) -> CarryOut:
        def authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            return ResponseAPDU(b"") if response.data == b"\x7c\x00" else response

        return authenticate

    card.accepted(instructions=instead(INS.GENERAL_AUTHENTICATE, change))


# --- what the chip says, as it says it -----------------------------------------------------------


def test_a_data_group_is_hashed_as_it_was_read() -> None:
    """DG14 in another order than DER's, with long length fields, is not encoded anew."""
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
    """The password, the person and the files, in a session that goes wrong at first."""
    made = usual()
    credentials = Credentials(mrz=MRZ, can=Password.can("470815"))
    chip = personalised(made.files, made.keys)
    lines: list[str] = []
    with caplog.at_level(logging.DEBUG):
        evidence = capture(CardConnection(chip), inspect(credentials), lines.append)
    assert evidence.files == made.files
    said = "\n".join([*lines, caplog.text, repr(evidence), repr(credentials)])
    assert len(lines) > 30
    portrait = made.files[FileID.DG2][200:208].hex()
    for secret in ("470815", "ZU1234567", "MUSTERMANN", "Mustermann", "900131", portrait):
        assert secret not in said
        assert secret.encode().hex() not in said.lower()
