"""A protocol is a generator that yields commands and receives responses; `run` drives it.

The terminal's side of every protocol is a `Procedure`.  It does no input or output of its own, so
the same procedure runs over PC/SC, in process, against a recording and in a pair test.  A layer
(secure messaging, chaining, counting) is a function from procedure to procedure.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reset:
    """What a procedure yields to power the chip up anew; the response is empty.

    The chip forgets every session and selection.  No layer carries it: it goes to the wire as it
    is, and whoever yields it takes care that nothing of the old session is used again.
    """


Procedure = Generator[CommandAPDU | Reset, ResponseAPDU, T]
"""Yields commands, receives their responses, returns what the protocol is for."""

Transmit = Callable[[bytes], bytes]
"""Sends an encoded command and returns the encoded response; raises `TransportError`."""

Random = Callable[[int], bytes]
"""Returns that many random octets; `secrets.token_bytes` outside tests."""


def run(procedure: Procedure[T], transmit: Transmit, reset: Callable[[], None] | None = None) -> T:
    """Run a procedure to its end over a wire: the only loop that touches one.

    An error of the wire is raised inside the procedure, which may clean up or give up.  `reset`
    powers the chip up anew; a wire without it leaves the chip as it is.
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
    """One command and its response, as a procedure."""
    return (yield command)


def through(
    procedure: Procedure[T], layer: Callable[[CommandAPDU], Procedure[ResponseAPDU]]
) -> Procedure[T]:
    """Run a procedure with each of its commands carried by `layer`, itself a procedure.

    An error raised by the layer appears inside the procedure at the command that caused it.
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
