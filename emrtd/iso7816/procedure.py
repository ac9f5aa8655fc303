"""A protocol is a generator that yields commands and receives responses; `run` drives it.

The terminal's side of every protocol is a `Procedure`.  It does no input or output of its own, so
the same procedure runs over PC/SC, in process, against a recording and in a pair test.  A layer
(secure messaging, chaining, counting) is a function from procedure to procedure.
"""

from collections.abc import Callable, Generator
from typing import TypeVar

from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU

T = TypeVar("T")

Procedure = Generator[CommandAPDU, ResponseAPDU, T]
"""Yields commands, receives their responses, returns what the protocol is for."""

Transmit = Callable[[bytes], bytes]
"""Sends an encoded command and returns the encoded response; raises `TransportError`."""

Random = Callable[[int], bytes]
"""Returns that many random octets; `secrets.token_bytes` outside tests."""


def run(procedure: Procedure[T], transmit: Transmit) -> T:
    """Run a procedure to its end over a wire: the only loop that touches one.

    An error of the wire is raised inside the procedure, which may clean up or give up.
    """
    try:
        command = next(procedure)
        while True:
            try:
                response = ResponseAPDU.decode(transmit(command.encode()))
            except Exception as error:  # noqa: BLE001 - handed to the procedure, not swallowed
                command = procedure.throw(error)
            else:
                command = procedure.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        procedure.close()


def exchange(command: CommandAPDU) -> Procedure[ResponseAPDU]:
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
                response = yield from layer(command)
            except Exception as error:  # noqa: BLE001 - handed to the procedure, not swallowed
                command = procedure.throw(error)
            else:
                command = procedure.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        procedure.close()
