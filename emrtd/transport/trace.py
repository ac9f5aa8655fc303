"""A connection that counts, and can say what went over the wire without saying any of it.

A trace shows headers, names, lengths, status words and times.  Data is never shown, in either
direction: before secure messaging it may be a key or a nonce, and inside it is ciphertext that
helps nobody.
"""

import time
from collections.abc import Callable

from emrtd.iso7816.apdu import CommandAPDU
from emrtd.status_words import meaning
from emrtd.transport.apdu_names import Namer
from emrtd.transport.connection import Connection, WrappedConnection
from support.errors import MalformedError


class MeteredConnection(WrappedConnection):
    """Wraps a connection; counts commands and octets, and passes a line on each to `trace`."""

    def __init__(
        self,
        connection: Connection,
        trace: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(connection)
        self._trace = trace
        self._clock = clock
        self._namer = Namer()
        self.apdus = 0
        self.octets = 0
        self.seconds = 0.0

    def transmit(self, command: bytes) -> bytes:
        """Transmit a command, and count it."""
        began = self._clock()
        response = self._connection.transmit(command)
        took = self._clock() - began
        self.apdus += 1
        self.octets += len(command) + len(response)
        self.seconds += took
        if self._trace is not None:
            self._trace(describe(command, response, took, self._namer))
        return response

    def reset(self) -> None:
        """Reset the card."""
        super().reset()
        self._namer.reset()
        if self._trace is not None:
            self._trace("reset")


def describe(command: bytes, response: bytes, seconds: float, namer: Namer) -> str:
    """Describe an exchange in one line: header, lengths, status word, time and name, but no data.

    `namer` has named the commands before it.
    """
    header = command[:4].hex(" ").upper()
    sw = int.from_bytes(response[-2:], "big")
    return (
        f"{header:11}  {len(command):5d} octets -> {sw:04X}  {len(response):5d} octets"
        f"  {seconds * 1000:7.1f} ms  {name_of(command, namer)}"
        f"{'' if sw == 0x9000 else f': {meaning(sw)}'}"
    )


def name_of(command: bytes, namer: Namer) -> str:
    """Name an encoded command, which may be malformed."""
    try:
        return namer.name(CommandAPDU.decode(command))
    except MalformedError:
        return "malformed command"
