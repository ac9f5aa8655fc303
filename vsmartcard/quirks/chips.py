"""The quirks of chips: what they answer otherwise than Doc 9303 and ISO/IEC 7816-4 say.

Each was seen in a State's documents, in an applet or in an issue of another reader.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from emrtd import tlv
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU, ResponseAPDU
from emrtd.lds.files import FILES, FileID
from emrtd.status_words import SW
from vsmartcard.card.conditions import every, extended, instruction, protected
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Dropping, Layer, Refusing
from vsmartcard.chip.commands import CarryOut, Instructions, instead
from vsmartcard.chip.session import Core


@dataclass(frozen=True, slots=True)
class ChipQuirk:
    """What makes a chip quirky: another table of commands, or a layer over it."""

    change: Callable[[Instructions], Instructions] = lambda table: table
    layer: Callable[[Card], Card] = lambda card: card


_SMALLEST_BUFFER: Final = 118
_SHORT_ANSWER: Final = 100
_GET_RESPONSE: Final = 60
_CVCA: Final = (FILES[FileID.CVCA].directory, FILES[FileID.CVCA].identifier)
_SHORT_IDENTIFIER: Final = 0x80
_SET_AT_PACE, _DOMAIN_PARAMETERS = 0xC1, 0x84

_QUIRKS: dict[str, ChipQuirk] = {}


def _layer(name: str) -> Callable[[Callable[[Card], Card]], Callable[[Card], Card]]:
    def register(layer: Callable[[Card], Card]) -> Callable[[Card], Card]:
        _QUIRKS[name] = ChipQuirk(layer=layer)
        return layer

    return register


def _instead(name: str, *codes: INS) -> Callable[[Callable[[CarryOut], CarryOut]], None]:
    def register(change: Callable[[CarryOut], CarryOut]) -> None:
        def changed(table: Instructions) -> Instructions:
            for ins in codes:
                table = instead(ins, change, table)
            return table

        _QUIRKS[name] = ChipQuirk(change=changed)

    return register


@_layer("chip.no-extended-length")
def _no_extended_length(card: Card) -> Card:
    """Refuses extended length in plain, and keeps the session."""
    return Refusing(card, every(instruction(INS.READ_BINARY), extended), SW.WRONG_LENGTH)


@_layer("chip.extended-length-ends-session")
def _extended_length_ends(card: Card) -> Card:
    return Dropping(card, every(protected, instruction(INS.READ_BINARY), extended))


@_layer("chip.get-response")
def _by_get_response(card: Card) -> Card:
    return _ByGetResponse(card)


class _ByGetResponse(Layer):
    """Announces all data with 61XX, and returns 60 octets for each GET RESPONSE."""

    _unsent = b""

    def process(self, octets: bytes) -> bytes:
        if octets[1:2] == bytes((INS.GET_RESPONSE,)):
            now, self._unsent = self._unsent[:_GET_RESPONSE], self._unsent[_GET_RESPONSE:]
            return now + (self._announced() if self._unsent else b"\x90\x00")
        response = super().process(octets)
        if len(response) == 2 or response[-2:] != b"\x90\x00":
            return response
        self._unsent = response[:-2]
        return self._announced()

    def _announced(self) -> bytes:
        return bytes((0x61, min(len(self._unsent), 255)))


@_instead("chip.small-buffer", INS.READ_BINARY)
def _small_buffer(carry_out: CarryOut) -> CarryOut:
    """Refuses to read more than its buffer holds, with 6700."""

    def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
        if command.ne is not None and command.ne > _SMALLEST_BUFFER:
            raise ChipRefusalError(SW.WRONG_LENGTH, "reading")
        return carry_out(core, command)

    return read


@_instead("chip.short-answers", INS.READ_BINARY)
def _short_answers(carry_out: CarryOut) -> CarryOut:
    """Returns fewer octets than Le, with 9000."""
    return lambda core, command: carry_out(
        core, command if command.ne is None else replace(command, ne=min(command.ne, _SHORT_ANSWER))
    )


@_instead("chip.6cxx-at-the-end", INS.READ_BINARY)
def _exact_le(carry_out: CarryOut) -> CarryOut:
    """Answers 6CXX where the file ends before Le."""

    def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
        response = carry_out(core, command)
        available = len(response.data)
        if command.ne is not None and available < min(command.ne, SHORT_MAX_LE):
            raise ChipRefusalError(0x6C00 | available, "reading")
        return response

    return read


@_instead("chip.padded-files", INS.READ_BINARY)
def _padded_files(carry_out: CarryOut) -> CarryOut:
    """Has zeros after the data object of each file of the application.

    EF.CVCA is no data object: its size is fixed, and includes zeros (TR-03110-3, A.4.1).
    """

    def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
        response = carry_out(core, command)
        if core.session.in_master_file or core.session.file == _CVCA:
            return response
        missing = min(command.ne or 0, core.response_room(command)) - len(response.data)
        return response if missing <= 0 else ResponseAPDU(response.data + bytes(missing))

    return read


@_instead("chip.no-short-identifiers", INS.READ_BINARY)
def _no_short_identifiers(carry_out: CarryOut) -> CarryOut:
    def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
        if command.p1 & _SHORT_IDENTIFIER:
            raise ChipRefusalError(SW.INCORRECT_P1_P2, "reading")
        return carry_out(core, command)

    return read


@_instead("chip.card-access-deactivated", INS.SELECT, INS.READ_BINARY)
def _card_access_deactivated(carry_out: CarryOut) -> CarryOut:
    """Warns with 6283 that EF.CardAccess is deactivated, and returns it."""
    identifier = FILES[FileID.CARD_ACCESS].identifier

    def warn(core: Core, command: CommandAPDU) -> ResponseAPDU:
        response = carry_out(core, command)
        file = core.session.file
        warned = response.sw == SW.OK and file is not None and file[1] == identifier
        return replace(response, sw=SW.FILE_DEACTIVATED) if warned else response

    return warn


@_instead("chip.domain-parameters-required", INS.MANAGE_SECURITY_ENVIRONMENT)
def _domain_parameters_required(carry_out: CarryOut) -> CarryOut:
    """Requires the domain parameters in MSE:Set AT, although they are unambiguous."""

    def set_at(core: Core, command: CommandAPDU) -> ResponseAPDU:
        objects = tlv.read_all(command.data, "data field")
        named = any(each.tag == _DOMAIN_PARAMETERS for each in objects)
        if command.p1 == _SET_AT_PACE and not named:
            raise ChipRefusalError(SW.INCORRECT_DATA, "MSE:Set AT")
        return carry_out(core, command)

    return set_at


CHIP_QUIRKS: Final[Mapping[str, ChipQuirk]] = MappingProxyType(_QUIRKS)
"""The quirks that a chip can have, by name."""
