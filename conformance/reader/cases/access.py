"""Units ISO7816_A, B and C: selection, Basic Access Control, reading."""

import io
from dataclasses import replace
from typing import Final

from conformance.reader.case import Presented, Unit, Workshop
from conformance.reader.chips import (
    Break,
    answering,
    breaking,
    doing,
    each_reading,
    refusing,
    without_file,
)
from conformance.reader.documents import PACE_GM, face, portrait
from emrtd import tlv
from emrtd.biometrics.samples import FaceImage
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.files import FILES, FileID
from emrtd.status_words import SW
from vsmartcard.chip.commands import CarryOut
from vsmartcard.chip.session import Core

UNIT: Final = Unit()
PACE: Final = {"pace": (PACE_GM,), "basic_access_control": False}
ACCESS: Final = {"BAC": {}, "PACE": PACE}


# --- unit A: selection of the application --------------------------------------------------------


@UNIT.good("ISO7816_A_01")
def _without_access_control(at: Workshop) -> Presented:
    return at.presented(basic_access_control=False, open=True)


@UNIT.good("ISO7816_A_02")
def _with_basic_access_control(at: Workshop) -> Presented:
    return at.presented()


@UNIT.bad("ISO7816_A_03")
def _without_the_application(at: Workshop) -> Presented:
    def answer(command: CommandAPDU) -> ResponseAPDU | None:
        by_name = (command.ins, command.p1) == (INS.SELECT, 0x04)
        return ResponseAPDU(sw=SW.FILE_NOT_FOUND) if by_name else None

    return replace(at.presented(), layer=answering(answer))


# --- unit B: Basic Access Control ----------------------------------------------------------------


def _authenticating_wrongly(id_: str, position: int) -> None:
    @UNIT.bad(id_)
    def make(at: Workshop) -> Presented:
        def authenticate(core: Core, command: CommandAPDU, usual: CarryOut) -> ResponseAPDU:
            octets = bytearray(usual(core, command).data)
            octets[position] ^= 1
            return ResponseAPDU(bytes(octets))

        return replace(at.presented(), instructions=doing(INS.EXTERNAL_AUTHENTICATE, authenticate))


_authenticating_wrongly("ISO7816_B_01", -1)  # M.IC
_authenticating_wrongly("ISO7816_B_02", 0)  # E.IC


def _refusing_authentication(sw: int) -> None:
    @UNIT.bad("ISO7816_B_03", label=f"{sw:04X}")
    def make(at: Workshop) -> Presented:
        return replace(at.presented(), layer=refusing(INS.EXTERNAL_AUTHENTICATE, sw))


for _sw in (0x6300, 0x6982, 0x6985, 0x6988, 0x6F00):
    _refusing_authentication(_sw)

_STATUS: Final = bytes.fromhex("99029000")

_BREAKS: Final[dict[str, Break]] = {
    "ISO7816_B_04": lambda _session, _response: ResponseAPDU(sw=SW.SM_DATA_OBJECT_INCORRECT),
    "ISO7816_B_05": lambda session, response: ResponseAPDU(
        session.cryptogram(response.data) + _STATUS
    ),
    "ISO7816_B_06": lambda session, _: session.sealed(_STATUS),
    "ISO7816_B_07": lambda session, response: session.sealed(session.cryptogram(response.data)),
    "ISO7816_B_08": lambda session, response: session.sealed(
        session.cryptogram(response.data) + _STATUS, bytes(8)
    ),
    "ISO7816_B_09": lambda session, _: session.sealed(session.unpadded() + _STATUS),
}


def _breaking(id_: str, access: str) -> None:
    @UNIT.bad(id_, "dg.hash", "lds.structure", label=access)
    def make(at: Workshop) -> Presented:
        return replace(at.presented(**ACCESS[access]), instructions=breaking(_BREAKS[id_]))


for _id in _BREAKS:
    for _access in ACCESS:
        _breaking(_id, _access)


@UNIT.bad("ISO7816_B_10", "ds.revocation")
def _with_a_revoked_signer(at: Workshop) -> Presented:
    return at.presented(revoked=(100,))


# --- unit C: reading files -----------------------------------------------------------------------


def _without_dg1(sw: int) -> None:
    @UNIT.bad("ISO7816_C_01", "dg.hash", "lds.structure", label=f"{sw:04X}")
    def make(at: Workshop) -> Presented:
        return replace(at.presented(), instructions=without_file(FileID.DG1, sw))


for _sw in (0x6A82, 0x6982, 0x6985):
    _without_dg1(_sw)


def large_portrait(size: int) -> bytes:
    """Return a DG2 of at least so many octets, of noise, which does not compress."""
    from PIL import Image

    stream = io.BytesIO()
    Image.effect_noise((size // 100, 110), 100).convert("RGB").save(stream, "JPEG", quality=98)
    return DataGroup2.of([FaceImage.of(stream.getvalue())]).encode()


def _large(id_: str) -> None:
    @UNIT.good(id_)
    def make(at: Workshop) -> Presented:
        return at.presented(more={2: large_portrait(40_000)})


_large("ISO7816_C_02")
_large("ISO7816_C_07")  # from 32,768 octets on only the odd INS reads it


def _ending(id_: str, sw: int, access: str) -> None:
    """The status word of a READ BINARY for more octets than are left in the file."""

    def end(core: Core, command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        file = core.state.files.find(core.session.file)
        if file is None or command.ne is None:
            return response
        offset = command.p2 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        if offset + command.ne <= len(file.content):
            return response
        left = file.content[offset:]
        if sw == SW.END_OF_FILE:
            return ResponseAPDU(left, SW.END_OF_FILE)
        if sw == SW.WRONG_OFFSET:
            return ResponseAPDU(sw=SW.WRONG_OFFSET)
        return ResponseAPDU(sw=0x6C00 | min(len(left), 0xFF))

    @UNIT.good(id_, access)
    def make(at: Workshop) -> Presented:
        return replace(
            at.presented(**ACCESS[access]), instructions=each_reading(end, INS.READ_BINARY)
        )


for _id, _sw in (
    ("ISO7816_C_03", SW.END_OF_FILE),
    ("ISO7816_C_04", SW.WRONG_OFFSET),
    ("ISO7816_C_05", SW.END_OF_FILE),
    ("ISO7816_C_06", 0x6C00),
):
    for _access in ACCESS:
        _ending(_id, _sw, _access)


@UNIT.bad("ISO7816_C_08", "lds.structure")
def _without_an_image(at: Workshop) -> Presented:
    return at.presented(more={2: _portrait_without_image()})


def _portrait_without_image() -> bytes:
    """Return a DG2 whose face record ends after its headers, with every length corrected."""
    group = tlv.read(portrait(), "DG2").children()[0]
    number, template = group.children()
    header, block = template.children()
    record = bytearray(block.value[: -len(face())])
    record[8:12] = len(record).to_bytes(4, "big")
    record[14:18] = (len(record) - 14).to_bytes(4, "big")
    template_value = tlv.encode(header.tag, header.value) + tlv.encode(block.tag, bytes(record))
    inside = tlv.encode(number.tag, number.value) + tlv.encode(template.tag, template_value)
    return tlv.encode(FILES[FileID.DG2].tag or 0, tlv.encode(group.tag, inside))
