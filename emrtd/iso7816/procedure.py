"""A protocol is a generator that yields commands and receives responses; `run` drives it.

The terminal's side of every protocol is a `Procedure`.  It does no input or output, so the same
procedure runs over PC/SC, in process, against a recording and in a pair test.  A layer (secure
messaging, chaining, counting) is a function from procedure to procedure.
"""

from collections.abc import Callable, Generator
from typing import TypeVar

import msgspec

from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU

T = TypeVar("T")


class Reset(msgspec.Struct, frozen=True):
    """Yielded by a procedure to reset the chip; the response is empty.

    The chip loses every session and selection.  Layers pass it to the transport unchanged.  The
    procedure that yields it must not use the old session again.
    """


Procedure = Generator[CommandAPDU | Reset, ResponseAPDU, T]
"""Yields commands, receives their responses, returns the result of the protocol."""

Transmit = Callable[[bytes], bytes]
"""Sends an encoded command and returns the encoded response; raises `TransportError`."""

Random = Callable[[int], bytes]
"""Returns the requested number of random octets; `secrets.token_bytes` outside tests."""


def run(procedure: Procedure[T], transmit: Transmit, reset: Callable[[], None] | None = None) -> T:
    """Run a procedure to its end with a transport, and return its result.

    A transport error is raised inside the procedure, which may clean up.  `reset` resets the chip;
    without it, a `Reset` does nothing.
    """
    try:
        command = next(procedure)
        while True:
            try:
                response = _carry(command, transmit, reset)
            except Exception as error:  # noqa: BLE001 - handed to the procedure, not swallowed
                command = procedure.throw(error)
            else:
                command = procedure.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        procedure.close()


def _carry(
    command: CommandAPDU | Reset, transmit: Transmit, reset: Callable[[], None] | None
) -> ResponseAPDU:
    if isinstance(command, CommandAPDU):
        return ResponseAPDU.decode(transmit(command.encode()))
    if reset is not None:
        reset()
    return ResponseAPDU()


def exchange(command: CommandAPDU | Reset) -> Procedure[ResponseAPDU]:
    """Send one command and return its response."""
    return (yield command)


def through(
    procedure: Procedure[T], layer: Callable[[CommandAPDU], Procedure[ResponseAPDU]]
) -> Procedure[T]:
    """Run a procedure and send each of its commands through `layer`, itself a procedure.

    An error that the layer raises appears inside the procedure at the command that caused it.
    """
    try:
        command = next(procedure)
        while True:
            try:
                if isinstance(command, CommandAPDU):
                    response = yield from layer(command)
                else:
                    response = yield command
            except Exception as error:  # noqa: BLE001 - handed to the procedure, not swallowed
                command = procedure.throw(error)
            else:
                command = procedure.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        procedure.close()
