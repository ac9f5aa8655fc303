"""A recorded session in place of the other side, octet for octet, in either role.

What was drawn at random goes in as an argument of the protocol, by `recorded`; what was said is
expected, and answered, by `Recording` or `drive`.
"""

from collections.abc import Iterable
from typing import Self

from emrtd.errors import TransportError
from emrtd.iso7816.procedure import Random, Transmit
from emrtd.transport.connection import Tray
from support.errors import MisuseError

Exchange = tuple[bytes, bytes]
"""An encoded command, and the encoded response to it."""


class Recording:
    """The chip of a recorded session: a `Connection` that knows these commands, in this order.

    `remaining` is how many of them have not come yet.
    """

    def __init__(self, exchanges: Iterable[Exchange], *, atr: bytes = b"") -> None:
        self.reader = "recording"
        self.atr = atr
        self._exchanges = tuple(exchanges)
        self._next = 0

    @property
    def remaining(self) -> int:
        """The number of recorded commands that have not been received yet."""
        return len(self._exchanges) - self._next

    def transmit(self, command: bytes) -> bytes:
        """Return the recorded response; `TransportError` if the command is not the recorded one."""
        if not self.remaining:
            raise TransportError(f"the recording ends after {len(self._exchanges)} commands")
        expected, response = self._exchanges[self._next]
        self._next += 1
        _require_same(f"command {self._next} of the recording", command, expected)
        return response

    def reset(self) -> None:
        """Do nothing: the recording also contains the commands after a reset."""

    def eject(self, _tray: Tray) -> None:
        """Do nothing: a recording has no feeder."""

    def close(self) -> None:
        """Do nothing: a recording holds no resources."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def drive(exchanges: Iterable[Exchange], transmit: Transmit) -> None:
    """The terminal of a recorded session: send its commands to a chip.

    Raises `TransportError` at the first response that is not the recorded one.
    """
    for number, (command, expected) in enumerate(exchanges, start=1):
        response = transmit(command)
        _require_same(f"the response to command {number} of the recording", response, expected)


def recorded(*values: bytes) -> Random:
    """Randomness that gives these values, in turn: nonces, keying material, private keys.

    A value that is shorter than what is asked for is a number, and has zeros put before it; one
    that is longer is a mistake, and so is a value too few (`MisuseError`).
    """
    rest = iter(values)

    def random(size: int) -> bytes:
        value = next(rest, None)
        if value is None:
            raise MisuseError(f"the session draws more than the {len(values)} recorded values")
        if len(value) > size:
            raise MisuseError(f"a recorded value has {len(value)} octets where {size} are drawn")
        return value.rjust(size, b"\x00")

    return random


def _require_same(what: str, octets: bytes, expected: bytes) -> None:
    """Raise `TransportError` with the place of a difference; its octets may be personal data."""
    if octets == expected:
        return
    pairs = enumerate(zip(octets, expected, strict=False))
    first = next((at for at, (one, other) in pairs if one != other), None)
    if first is not None:
        raise TransportError(f"{what} is another one from octet {first} on")
    raise TransportError(f"{what} has {len(octets)} octets instead of {len(expected)}")
