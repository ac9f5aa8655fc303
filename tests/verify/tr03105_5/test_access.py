"""TR-03105-5.1, units ISO7816_A, B and C: selection, Basic Access Control, reading."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from emrtd import tlv
from emrtd.biometrics.samples import FaceImage
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.files import FILES, FileID
from emrtd.status_words import SW
from tests.certificates import Authority
from tests.helpers import damaged, replace
from tests.verify.documents import Document, face, issue
from tests.verify.tr03105_5.simulator import BAC, CASES, PLAIN, inspected, is_reading
from verify.judging.faults import describe
from verify.judging.report import Verdict
from vsmartcard.chip.commands import INSTRUCTIONS, instead
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.session import Core

Octets = Callable[[bytes], bytes]


def document(**changes: object) -> Document:
    return issue(**(BAC | changes))


# --- unit A: selection of the application --------------------------------------------------------


@CASES.case("ISO7816_A_01")
def test_a_chip_without_access_control_is_read() -> None:
    made = issue(**PLAIN)
    made = replace(made, keys=replace(made.keys, open=True))
    assert inspected(made).succeeded(made).report.access == "none"


@CASES.case("ISO7816_A_02")
def test_a_chip_with_basic_access_control_is_read() -> None:
    assert inspected(document()).succeeded(document()).report.access == "bac"


@CASES.case("ISO7816_A_03")
def test_a_chip_whose_application_cannot_be_selected_is_not_read() -> None:
    def answering(command: CommandAPDU) -> ResponseAPDU | None:
        by_name = (command.ins, command.p1) == (INS.SELECT, 0x04)
        return ResponseAPDU(sw=SW.FILE_NOT_FOUND) if by_name else None

    inspected(document(), answering=answering).failed("selecting the application")


# --- unit B: Basic Access Control ----------------------------------------------------------------

AUTHENTICATIONS = {
    "ISO7816_B_01": damaged,
    "ISO7816_B_02": lambda answer: bytes((answer[0] ^ 1,)) + answer[1:],
}


@pytest.mark.parametrize("change", CASES.cases(AUTHENTICATIONS))
def test_a_chip_that_does_not_authenticate_itself(change: Octets) -> None:
    """M.IC or E.IC is changed: nothing is read."""

    known = INSTRUCTIONS[INS.EXTERNAL_AUTHENTICATE].carry_out

    def authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
        return ResponseAPDU(change(known(core, command).data))

    changed = instead(INS.EXTERNAL_AUTHENTICATE, lambda _: authenticate)
    found = inspected(document(), instructions=changed).failed("the chip's checksum M.IC is wrong")
    assert not found.evidence.files


@CASES.case("ISO7816_B_03")
@pytest.mark.parametrize("sw", [0x6300, 0x6982, 0x6985, 0x6988, 0x6F00])
def test_a_chip_that_refuses_mutual_authentication(sw: int) -> None:
    def answering(command: CommandAPDU) -> ResponseAPDU | None:
        return ResponseAPDU(sw=sw) if command.ins == INS.EXTERNAL_AUTHENTICATE else None

    found = inspected(document(), answering=answering).failed(f"{sw:04X}")
    assert not found.evidence.files


ReadDg1 = Callable[[SecureMessaging, ResponseAPDU], ResponseAPDU]


def bare(_: SecureMessaging, __: ResponseAPDU) -> ResponseAPDU:
    return ResponseAPDU(sw=SW.SM_DATA_OBJECT_INCORRECT)


def sealed(
    session: SecureMessaging, cryptogram: bytes, status: bytes, mac: bytes | None = None
) -> ResponseAPDU:
    """Return a protected response of these data objects, with the right MAC unless one is given."""
    objects = cryptogram + status
    checksum = session._mac(b"", objects) if mac is None else mac
    return ResponseAPDU(objects + tlv.encode(0x8E, checksum))


def unpadded(session: SecureMessaging) -> bytes:
    """A cryptogram of zeros alone: any other octets would be padded in one session of 256."""
    encrypted = session.cipher.encrypt_cbc(session._ks_enc, session._iv, bytes(16))
    return tlv.encode(0x87, b"\x01" + encrypted)


STATUS = bytes.fromhex("99029000")

BROKEN: dict[str, tuple[ReadDg1, str]] = {
    "ISO7816_B_04": (bare, "in plain inside a session"),
    "ISO7816_B_05": (
        lambda session, response: ResponseAPDU(session._cryptogram(response.data) + STATUS),
        "DO 8E is missing or not the last",
    ),
    "ISO7816_B_06": (lambda session, _: sealed(session, b"", STATUS), "is empty"),
    "ISO7816_B_07": (
        lambda session, response: sealed(session, session._cryptogram(response.data), b""),
        "DO 99 is missing",
    ),
    "ISO7816_B_08": (
        lambda session, response: sealed(
            session, session._cryptogram(response.data), STATUS, bytes(8)
        ),
        "the MAC is wrong",
    ),
    "ISO7816_B_09": (
        lambda session, _: sealed(session, unpadded(session), STATUS),
        "the padding of the decrypted data is wrong",
    ),
}


@pytest.mark.parametrize("access", ["BAC", "PACE"])
@pytest.mark.parametrize(("broken", "reason"), CASES.cases(BROKEN))
def test_broken_secure_messaging_loses_only_one_file(
    broken: ReadDg1, reason: str, access: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secure messaging is broken whenever DG1 is read: only the other files are read."""
    made = document() if access == "BAC" else issue()
    reading = [False]
    protect = SecureMessaging.protect_response

    def answering(command: CommandAPDU) -> None:
        reading[0] = command.cla != 0 and is_reading(command, FileID.DG1)

    def protect_response(session: SecureMessaging, response: ResponseAPDU) -> ResponseAPDU:
        if not reading[0]:
            return protect(session, response)
        session.ssc += 1
        return broken(session, response)

    monkeypatch.setattr(SecureMessaging, "protect_response", protect_response)
    found = inspected(made, answering=answering)
    found.failed()
    assert FileID.DG1 not in found.evidence.files
    assert reason in describe(found.evidence.unread[FileID.DG1])
    assert FileID.SOD in found.evidence.files


@CASES.case("ISO7816_B_10")
def test_a_revoked_signer_is_rejected() -> None:
    authority = Authority()
    made = document(crl=authority.crl([100]))
    assert inspected(made).failed().report.verdict is Verdict.REJECT


# --- unit C: reading files -----------------------------------------------------------------------


@CASES.case("ISO7816_C_01")
@pytest.mark.parametrize("sw", [0x6A82, 0x6982, 0x6985])
def test_a_file_that_cannot_be_selected_is_named(sw: int) -> None:
    known = INSTRUCTIONS[INS.READ_BINARY].carry_out

    def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
        if is_reading(command, FileID.DG1):
            raise ChipRefusalError(sw, "reading DG1")
        return known(core, command)

    changed = instead(INS.READ_BINARY, lambda _: read)
    found = inspected(document(), instructions=changed)
    found.failed(f"{sw:04X}")
    assert FileID.DG2 in found.evidence.files


def large_portrait(size: int) -> DataGroup2:
    """Return a portrait of at least so many octets, of noise, which does not compress."""
    stream = io.BytesIO()
    Image.effect_noise((size // 100, 110), 100).convert("RGB").save(stream, "JPEG", quality=98)
    assert len(stream.getvalue()) > size
    return DataGroup2.of([FaceImage.of(stream.getvalue())])


@CASES.case("ISO7816_C_02", "ISO7816_C_07")
def test_a_large_file_is_read_by_odd_ins_from_32768_on() -> None:
    made = document(more={2: large_portrait(40_000).encode()})
    odd: list[int] = []

    def answering(command: CommandAPDU) -> None:
        if command.ins == INS.READ_BINARY_ODD:
            odd.append(command.p1 << 8 | command.p2)

    inspected(made, answering=answering).succeeded(made)
    assert odd
    assert set(odd) == {0}


def ending(sw: int) -> Callable[[TransparentFile, int, int], ResponseAPDU]:
    """Return a chip's answer to a READ BINARY for more octets than are left."""

    def answer(file: TransparentFile, offset: int, ne: int) -> ResponseAPDU:
        left = file.content[offset:]
        if sw == SW.END_OF_FILE:
            return ResponseAPDU(left, SW.END_OF_FILE)
        if sw == SW.WRONG_OFFSET:
            return ResponseAPDU(sw=SW.WRONG_OFFSET)
        return ResponseAPDU(sw=0x6C00 | min(len(left), 0xFF))

    return answer


@pytest.mark.parametrize("access", ["BAC", "PACE"])
@pytest.mark.parametrize(
    "sw",
    CASES.cases(
        {"ISO7816_C_03": 0x6282, "ISO7816_C_04": 0x6B00, "ISO7816_C_05": 0x6282,
         "ISO7816_C_06": 0x6C00}
    ),
)  # fmt: skip
def test_every_answer_at_the_end_of_a_file_is_read(sw: int, access: str) -> None:
    """Every file is read, whatever the status word when fewer octets are left than requested."""
    made = document() if access == "BAC" else issue()

    known = INSTRUCTIONS[INS.READ_BINARY].carry_out

    def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
        response = known(core, command)
        file = core.state.files.find(core.session.file)
        if file is None or command.ne is None:
            return response
        offset = command.p2 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        over = offset + command.ne > len(file.content)
        return ending(sw)(file, offset, command.ne) if over else response

    changed = instead(INS.READ_BINARY, lambda _: read)
    inspected(made, instructions=changed).succeeded(made)


@CASES.case("ISO7816_C_08")
def test_a_portrait_without_an_image_is_not_accepted() -> None:
    """The image field of DG2 is empty: no face is shown, and the document is not accepted."""
    whole = DataGroup2.of([FaceImage.of(face())]).encode()
    made = document(more={2: whole})
    inspected(made).succeeded(made)
    empty = _without_image(whole)
    found = inspected(document(more={2: empty}))
    assert found.evidence.files[FileID.DG2] == empty
    found.failed("DG2")


def _without_image(content: bytes) -> bytes:
    """Return a DG2 whose face record ends after its headers, with every length corrected."""
    group = tlv.read(content, "DG2").children()[0]
    number, template = group.children()
    header, block = template.children()
    size = len(face())
    record = bytearray(block.value[:-size])
    record[8:12] = len(record).to_bytes(4, "big")
    record[14:18] = (len(record) - 14).to_bytes(4, "big")
    template_value = tlv.encode(header.tag, header.value) + tlv.encode(block.tag, bytes(record))
    inside = tlv.encode(number.tag, number.value) + tlv.encode(template.tag, template_value)
    return tlv.encode(FILES[FileID.DG2].tag, tlv.encode(group.tag, inside))
