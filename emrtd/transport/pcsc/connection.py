"""A connection to the card in one PC/SC reader."""

from collections.abc import Callable
from typing import NoReturn, Self

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.connection import Tray
from emrtd.transport.pcsc.faults import fault_of, transport_error
from emrtd.transport.pcsc.holding import HeldCard, hold
from emrtd.transport.pcsc.library import Code, Disposition, PcscError
from emrtd.transport.pcsc.readers import names, select

_NOTICING_MS = 600
"""How long the daemon may take to notice a removal: it polls some readers every 400 ms."""
_LEAST_RESPONSE = 2
_SHORTEST_EXTENDED = 6
"""A command of 7 octets or more has extended length fields if its fifth octet is zero."""
_UNCLEAR = {TransportFault.CARD_MUTE, TransportFault.CARD_RESET, TransportFault.NO_CARD}
"""Faults that a removed card can also cause."""
_NO_ANSWER = {TransportFault.CARD_MUTE, TransportFault.OTHER}
"""Faults that a reader without extended length reports for a command of that length."""


class PcscConnection:
    """Satisfies `Connection`.  After a failure, every method raises the same fault again."""

    def __init__(self, reader: str, held: HeldCard) -> None:
        self.reader = reader
        self.atr = held.card.atr
        self._card = held.card
        self._held: HeldCard | None = held
        self._failure: TransportError | None = None

    def transmit(self, command: bytes) -> bytes:
        """Send a command; raise `TransportError` if the card, its reader or the daemon has gone."""
        held = self._open()
        try:
            response = held.handle.transmit(command)
        except PcscError as error:
            self._fail(held, error.code, extended=_is_extended(command))
        if len(response) < _LEAST_RESPONSE:  # the card was removed during the command
            self._fail(held, Code.NOT_TRANSACTED, extended=_is_extended(command))
        return response

    def reset(self) -> None:
        """Reset the card; raise `TransportError` if another card is in its place afterwards."""
        held = self._open()
        try:
            held.handle.reset()
        except PcscError as error:
            self._fail(held, error.code)
        if self._has_left(held, 0):
            self._fail(held, Code.REMOVED_CARD)

    def eject(self, _tray: Tray) -> None:
        """Release the card without power, so that a person or a machine removes it.

        PC/SC has a disposition for readers that eject cards, but pcscd only sends it to the driver
        as a command that few drivers know.
        """
        self._release(Disposition.UNPOWER)

    def close(self) -> None:
        """Release the card and reset it."""
        self._release(Disposition.RESET)

    def _release(self, disposition: Disposition) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.release(disposition)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _open(self) -> HeldCard:
        if self._failure is not None:
            raise transport_error(self._failure.fault, self.reader)
        if self._held is None:
            raise TransportError(
                f"{self.reader}: the connection is closed",
                reader=self.reader,
                advice="connect again",
            )
        return self._held

    def _fail(self, held: HeldCard, code: int, *, extended: bool = False) -> NoReturn:
        """Raise the fault for a return code, now and in every later call.

        `extended` means that the code answered a command of extended length, for which PC/SC has
        no return code of its own: a reader without it reports that the card did not answer, or
        that a parameter is wrong.
        """
        fault = fault_of(code)
        try:
            if fault in _UNCLEAR and self._has_left(held, _NOTICING_MS):
                fault = TransportFault.CARD_REMOVED
        except PcscError as error:
            fault = fault_of(error.code)
        if extended and fault in _NO_ANSWER:
            fault = TransportFault.EXTENDED_LENGTH
        self._failure = transport_error(fault, self.reader, code)
        raise self._failure

    def _has_left(self, held: HeldCard, milliseconds: int) -> bool:
        """Whether the card was removed, or is within a time; another card may be in its place."""
        left = self._is_another(held)
        if not left and milliseconds:
            held.context.wait({self.reader: held.context.state(self.reader)}, milliseconds)
            left = self._is_another(held)
        return left

    def _is_another(self, held: HeldCard) -> bool:
        card = held.context.state(self.reader).card
        return card is None or card.identity != self._card.identity


def _is_extended(command: bytes) -> bool:
    """Whether an encoded command has extended length fields (ISO/IEC 7816-3, 12.1.3)."""
    return len(command) > _SHORTEST_EXTENDED and command[4] == 0


def connect(name: str, tell: Callable[[str], None], limit: float) -> PcscConnection:
    """Connect to the card in the reader that `name` means, and hold it."""
    reader = select(name, names())
    return PcscConnection(reader, hold(reader, tell, limit))
