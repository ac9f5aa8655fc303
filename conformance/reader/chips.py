"""Chips that misbehave at one point: instruction tables and layers for the cases."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emrtd import tlv
from emrtd.access.pace import messages
from emrtd.access.pace.messages import Tag
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.files import FILES, FileID
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, ChangingResponses
from vsmartcard.chip.commands import INSTRUCTIONS, CarryOut, Instructions, instead
from vsmartcard.chip.session import Core

Layer = Callable[[Card], Card]
Answer = Callable[[CommandAPDU], ResponseAPDU | None]
Octets = Callable[[bytes], bytes]

STEPS: Final = (Tag.ENCRYPTED_NONCE, Tag.CHIP_MAPPING_DATA, Tag.CHIP_PUBLIC_KEY, Tag.CHIP_TOKEN)
"""The first data object of the answer to each GENERAL AUTHENTICATE of PACE."""

Objects = list[tuple[int, bytes]]
ChangeObjects = Callable[[Objects, CommandAPDU], Objects]


def answering(answer: Answer) -> Layer:
    """Return a layer that answers some commands in the chip's place; None passes one on."""
    return lambda card: Answering(card, answer)


def refusing(ins: int, sw: int) -> Layer:
    """Return a layer that refuses one command, outside secure messaging."""
    refusal = ResponseAPDU(sw=sw)
    return answering(lambda command: refusal if command.ins == ins else None)


def doing(ins: int, do: Callable[[Core, CommandAPDU, CarryOut], ResponseAPDU]) -> Instructions:
    """Return a table in which one instruction does something else; it gets what it usually does."""
    return instead(ins, lambda usual: lambda core, command: do(core, command, usual))


def is_current(core: Core, file_id: FileID) -> bool:
    """Whether a file of the application has just been selected or read."""
    return core.session.file == (Directory.EMRTD, FILES[file_id].identifier)


_READING: Final = (INS.SELECT, INS.READ_BINARY, INS.READ_BINARY_ODD)


def each_reading(
    do: Callable[[Core, CommandAPDU, ResponseAPDU], ResponseAPDU], *instructions: int
) -> Instructions:
    """Return a table whose commands SELECT and READ BINARY, or those given, change their answer."""

    def wrap(usual: CarryOut) -> CarryOut:
        return lambda core, command: do(core, command, usual(core, command))

    table = INSTRUCTIONS
    for ins in instructions or _READING:
        table = instead(ins, wrap, table)
    return table


def without_file(file_id: FileID, sw: int) -> Instructions:
    """Return the table of a chip that refuses to select and to read one file."""

    def refuse(core: Core, _: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        if is_current(core, file_id):
            core.session = replace(core.session, file=None)
            raise ChipRefusalError(sw, f"reading {file_id}")
        return response

    return each_reading(refuse)


# --- secure messaging ----------------------------------------------------------------------------


class BrokenSecureMessaging(SecureMessaging):
    """The chip's side of a session, which breaks the response to reading DG1."""

    def __init__(self, session: SecureMessaging, core: Core, break_it: "Break") -> None:
        self.__dict__.update(vars(session))
        self._core = core
        self._break = break_it
        self._reading = False

    def unprotect_command(self, command: CommandAPDU) -> CommandAPDU:
        """Note whether the command reads."""
        plain = super().unprotect_command(command)
        self._reading = plain.ins in {INS.READ_BINARY, INS.READ_BINARY_ODD}
        return plain

    def protect_response(self, response: ResponseAPDU) -> ResponseAPDU:
        """Protect a response, or break it."""
        if not (self._reading and is_current(self._core, FileID.DG1)):
            return super().protect_response(response)
        self.ssc += 1
        return self._break(self, response)

    def cryptogram(self, data: bytes) -> bytes:
        """Return the data object of encrypted data."""
        return self._cryptogram(data)

    def unpadded(self) -> bytes:
        """Return a cryptogram of zeros alone, which decrypts to data without padding."""
        encrypted = self.cipher.encrypt_cbc(self._ks_enc, self._iv, bytes(16))
        return tlv.encode(0x87, b"\x01" + encrypted)

    def sealed(self, objects: bytes, mac: bytes | None = None) -> ResponseAPDU:
        """Return a response with these data objects, and their right MAC unless one is given."""
        checksum = self._mac(b"", objects) if mac is None else mac
        return ResponseAPDU(objects + tlv.encode(0x8E, checksum))


Break = Callable[[BrokenSecureMessaging, ResponseAPDU], ResponseAPDU]


def breaking(break_it: Break) -> Instructions:
    """Return the table of a chip that breaks secure messaging whenever DG1 is read."""

    def wrap(usual: CarryOut) -> CarryOut:
        def authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = usual(core, command)
            following = core.session.next_secure_messaging
            if following is not None:
                broken = BrokenSecureMessaging(following, core, break_it)
                core.session = replace(core.session, next_secure_messaging=broken)
            return response

        return authenticate

    table = instead(INS.EXTERNAL_AUTHENTICATE, wrap)
    return instead(INS.GENERAL_AUTHENTICATE, wrap, table)


# --- PACE ----------------------------------------------------------------------------------------


def at_step(number: int, change: ChangeObjects) -> Layer:
    """Return a layer that changes the answer to GENERAL AUTHENTICATE number 1 to 4 of PACE."""

    def changing(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        if command.ins != INS.GENERAL_AUTHENTICATE or command.cla & 0x0C or not response.data:
            return response
        objects = [(each.tag, each.value) for each in messages.decode(response.data)]
        if objects[0][0] != STEPS[number - 1]:
            return response
        return ResponseAPDU(messages.encode(*change(objects, command)), response.sw)

    return lambda card: ChangingResponses(card, changing)


def refusing_step(step: int, sw: int) -> Layer:
    """Return a layer that refuses MSE:Set AT (step 0) or GENERAL AUTHENTICATE 1 to 4."""

    def changing(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        if command.ins == INS.MANAGE_SECURITY_ENVIRONMENT:
            return ResponseAPDU(sw=sw) if step == 0 else response
        if command.ins != INS.GENERAL_AUTHENTICATE or not response.data:
            return response
        tag = messages.decode(response.data)[0].tag
        return ResponseAPDU(sw=sw) if step and tag == STEPS[step - 1] else response

    return lambda card: ChangingResponses(card, changing)


def value(change: Octets) -> ChangeObjects:
    """Return a change of the value of the first data object."""
    return lambda objects, _: [(objects[0][0], change(objects[0][1])), *objects[1:]]


def flipped(at: int) -> ChangeObjects:
    """Return a change of one octet of the value of the first data object."""
    return value(
        lambda octets: bytes(
            octet ^ (index == at % len(octets)) for index, octet in enumerate(octets)
        )
    )


def tagged(tag: int) -> ChangeObjects:
    """Return a change of the tag of the first data object."""
    return lambda objects, _: [(tag, objects[0][1]), *objects[1:]]


def damaged(octets: bytes) -> bytes:
    """Return the octets with the last one changed."""
    return octets[:-1] + bytes((octets[-1] ^ 1,))
