"""Command chaining and response chaining, as layers around a procedure (ISO/IEC 7816-4, 5.3)."""

from typing import Final

from msgspec.structs import replace

from emrtd.errors import ProtocolError
from emrtd.iso7816.apdu import (
    EXTENDED_MAX_DATA,
    INS,
    SHORT_MAX_DATA,
    SHORT_MAX_LE,
    CommandAPDU,
    ResponseAPDU,
)
from emrtd.iso7816.procedure import Procedure, T, exchange, through
from emrtd.iso7816.secure_messaging import BareResponseError
from emrtd.status_words import SW
from support.reasons import Reason

CHAINING_BIT: Final = 0x10

_PROTECTION: Final = 4 + 3 + 10
"""Octets of secure messaging besides the cryptogram: 87 81 xx 01, DO 97 and DO 8E."""

_MAX_CHAINED_RESPONSE: Final = 4 * (EXTENDED_MAX_DATA + 1)


class ResponseChainError(ProtocolError):
    """A chained response does not come to its end; no part of it is authenticated."""


def command_capacity(cipher_block: int | None) -> int:
    """Return how many octets of data a command of short length can carry.

    `cipher_block` is the block size of secure messaging in octets (8 or 16), None without it.
    """
    if cipher_block is None:
        return SHORT_MAX_DATA
    room = (SHORT_MAX_DATA - _PROTECTION) // cipher_block * cipher_block
    return room - 1  # padding takes at least one octet


_SHORTEST_CAPACITY: Final = command_capacity(16)
"""Octets of data that fit in a short command under secure messaging with either cipher."""


def with_command_chaining(procedure: Procedure[T], max_data: int = SHORT_MAX_DATA) -> Procedure[T]:
    """Send data longer than `max_data` octets as a chain of commands with CLA bit 5 set.

    This layer belongs inside secure messaging, which protects each command of the chain separately
    (TR-03110-3, B.13); `max_data` is then the `command_capacity`.  The first status word other than
    9000 ends the chain.
    """

    def layer(command: CommandAPDU) -> Procedure[ResponseAPDU]:
        data = command.data
        while len(data) > max_data:
            response = yield CommandAPDU(
                command.cla | CHAINING_BIT, command.ins, command.p1, command.p2, data[:max_data]
            )
            if response.sw != SW.OK:
                return response
            data = data[max_data:]
        return (yield replace(command, data=data))

    return through(procedure, layer)


def with_chaining_on_wrong_length(procedure: Procedure[T]) -> Procedure[T]:
    """Send a command as it is; if the chip refuses its length (6700), send it again as a chain.

    The standard uses extended length for long certificates (Doc 9303-10, 3.6.4), but some chips
    support only command chaining.  This layer belongs inside secure messaging.
    """

    def layer(command: CommandAPDU) -> Procedure[ResponseAPDU]:
        long = len(command.data) > _SHORTEST_CAPACITY
        try:
            response = yield command
        except BareResponseError as error:
            if not long or error.sw != SW.WRONG_LENGTH:
                raise
            response = ResponseAPDU(sw=error.sw)
        if not long or response.sw != SW.WRONG_LENGTH:
            return response
        return (yield from with_command_chaining(exchange(command), _SHORTEST_CAPACITY))

    return through(procedure, layer)


def with_response_chaining(procedure: Procedure[T]) -> Procedure[T]:
    """Fetch the octets that a chip announces by 61XX with GET RESPONSE, and join them.

    This layer belongs outside secure messaging: it splits one protected response for transport.
    """

    def layer(command: CommandAPDU) -> Procedure[ResponseAPDU]:
        response = yield command
        parts, size = [response.data], len(response.data)
        while response.sw >> 8 == 0x61:
            response = yield CommandAPDU(
                command.cla & 0x03, INS.GET_RESPONSE, ne=response.sw & 0xFF or SHORT_MAX_LE
            )
            parts.append(response.data)
            size += len(response.data)
            if not response.data and response.sw >> 8 == 0x61:
                raise ResponseChainError("the chip announces more octets by 61XX and returns none")
            if size > _MAX_CHAINED_RESPONSE:
                raise ResponseChainError(
                    Reason(
                        "the chip's chained response exceeds {max_chained_response} octets",
                        max_chained_response=_MAX_CHAINED_RESPONSE,
                    )
                )
        return ResponseAPDU(b"".join(parts), response.sw)

    return through(procedure, layer)
