"""The functions of pcsc-lite, through pyscard's `smartcard.scard`: the only module that imports it.

pyscard's higher classes are not used: they share one context in a process, which a restart of the
daemon invalidates, and they offer neither a transaction over several commands nor the return codes.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum, unique
from typing import Any, Final, Self

import msgspec
from smartcard import scard

from emrtd.transport.events import CardInReader

PLUG_AND_PLAY: Final = r"\\?PnP?\Notification"
"""The pseudo reader whose state changes when a reader is plugged in or unplugged."""

_COUNTER_SHIFT: Final = 16
_NO_PROTOCOL: Final = 0
_ANY_PROTOCOL: Final = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1


@unique
class Code(IntEnum):
    """The return codes that are distinguished (pcsclite.h)."""

    SUCCESS = 0
    CANCELLED = 0x80100002
    INVALID_HANDLE = 0x80100003
    UNKNOWN_READER = 0x80100009
    TIMEOUT = 0x8010000A
    SHARING_VIOLATION = 0x8010000B
    NO_SMARTCARD = 0x8010000C
    PROTO_MISMATCH = 0x8010000F
    COMM_ERROR = 0x80100013
    NOT_TRANSACTED = 0x80100016
    READER_UNAVAILABLE = 0x80100017
    NO_SERVICE = 0x8010001D
    SERVICE_STOPPED = 0x8010001E
    NO_READERS_AVAILABLE = 0x8010002E
    UNRESPONSIVE_CARD = 0x80100066
    UNPOWERED_CARD = 0x80100067
    RESET_CARD = 0x80100068
    REMOVED_CARD = 0x80100069


@unique
class Disposition(IntEnum):
    """What pcscd does with a card that a program releases."""

    LEAVE = scard.SCARD_LEAVE_CARD
    RESET = scard.SCARD_RESET_CARD
    UNPOWER = scard.SCARD_UNPOWER_CARD


class PcscError(Exception):
    """A return code other than success; it is never raised out of this package."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"PC/SC returned {code:08X}")


class ReaderState(msgspec.Struct, frozen=True):
    """A reader's state: flags, and in the upper 16 bits a count of insertions and removals."""

    flags: int
    atr: bytes

    @property
    def card(self) -> CardInReader | None:
        """The card in the reader; its identity is the count."""
        if not self.flags & scard.SCARD_STATE_PRESENT:
            return None
        return CardInReader(self.flags >> _COUNTER_SHIFT, self.atr)

    @property
    def in_use(self) -> bool:
        """Whether a program may be connected to the card.

        It is also true of a card that nobody is connected to, while any program still has a handle
        of the card before it.
        """
        return bool(self.flags & (scard.SCARD_STATE_INUSE | scard.SCARD_STATE_EXCLUSIVE))


class Context:
    """A program's context in the daemon; a restart of the daemon invalidates it."""

    def __init__(self) -> None:
        result, self._handle = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        _require(result)

    def readers(self) -> list[str]:
        """Return the names of the readers."""
        result, names = scard.SCardListReaders(self._handle, [])
        if _unsigned(result) == Code.NO_READERS_AVAILABLE:
            return []
        _require(result)
        return list(names)

    def states(self, names: Sequence[str]) -> dict[str, ReaderState]:
        """Return the present state of readers.  This never waits for another program."""
        asked = [(name, scard.SCARD_STATE_UNAWARE) for name in names]
        if not asked:
            return {}
        result, states = scard.SCardGetStatusChange(self._handle, 0, asked)
        _require(result)
        return {name: ReaderState(flags, bytes(atr)) for name, flags, atr in states}

    def state(self, name: str) -> ReaderState:
        """Return the present state of one reader."""
        return self.states([name])[name]

    def wait(
        self, known: Mapping[str, ReaderState], milliseconds: int, *, readers: int | None = None
    ) -> None:
        """Wait until a reader's state differs from `known`, or their number from `readers`.

        Returns also if the wait is cancelled or the time is over.
        """
        asked = [(name, state.flags) for name, state in known.items()]
        if readers is not None:
            asked.append((PLUG_AND_PLAY, readers << _COUNTER_SHIFT))
        result, _ = scard.SCardGetStatusChange(self._handle, milliseconds, asked)
        if _unsigned(result) not in {Code.TIMEOUT, Code.CANCELLED}:
            _require(result)

    def cancel(self) -> None:
        """End a wait of another thread that is in progress."""
        scard.SCardCancel(self._handle)

    def connect(self, reader: str) -> "CardHandle":
        """Connect to a card, shared.

        While another program holds a transaction this waits without a limit, and `cancel` does not
        end it.  A card that a program has used with another protocol keeps that until it is reset,
        also after the program has ended: the card is then reset.
        """
        try:
            return self._connect(reader, scard.SCARD_SHARE_SHARED, _ANY_PROTOCOL)
        except PcscError as error:
            if error.code != Code.PROTO_MISMATCH:
                raise
        direct = self._connect(reader, scard.SCARD_SHARE_DIRECT, _NO_PROTOCOL)
        try:
            direct.reset()
        finally:
            direct.disconnect(Disposition.LEAVE)
        return self._connect(reader, scard.SCARD_SHARE_SHARED, _ANY_PROTOCOL)

    def _connect(self, reader: str, mode: int, protocols: int) -> "CardHandle":
        result, card, protocol = scard.SCardConnect(self._handle, reader, mode, protocols)
        _require(result)
        return CardHandle(card, protocol)

    def release(self) -> None:
        """Release the context; a daemon that has ended is ignored."""
        scard.SCardReleaseContext(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()


class CardHandle:
    """A connection to a card, as pcsc-lite knows it."""

    def __init__(self, handle: Any, protocol: int) -> None:
        self._handle = handle
        self._request = _request_of(protocol)

    def begin_transaction(self) -> None:
        """Exclude every other program from the card until `disconnect`; waits as `connect` does.

        Meanwhile every call of another program to the card waits, a reset included.
        """
        _require(scard.SCardBeginTransaction(self._handle))

    def reset(self) -> None:
        """Reset the card within the transaction; every other program gets RESET_CARD."""
        result, protocol = scard.SCardReconnect(
            self._handle, scard.SCARD_SHARE_SHARED, _ANY_PROTOCOL, scard.SCARD_RESET_CARD
        )
        _require(result)
        self._request = _request_of(protocol)

    def atr(self) -> bytes:
        """Return the answer to reset."""
        result, _reader, _state, _protocol, atr = scard.SCardStatus(self._handle)
        _require(result)
        return bytes(atr)

    def transmit(self, command: bytes) -> bytes:
        """Send a command.  If the card is removed meanwhile, returns no octets and no error."""
        result, response = scard.SCardTransmit(self._handle, self._request, list(command))
        _require(result)  # on an error the response is what was in the buffer before
        return bytes(response)

    def disconnect(self, disposition: Disposition) -> None:
        """End the transaction and the connection; errors are ignored."""
        scard.SCardDisconnect(self._handle, disposition)


def _request_of(protocol: int) -> Any:
    return scard.SCARD_PCI_T1 if protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0


def _unsigned(result: int) -> int:
    return result & 0xFFFFFFFF


def _require(result: int) -> None:
    if _unsigned(result) != Code.SUCCESS:
        raise PcscError(_unsigned(result))
