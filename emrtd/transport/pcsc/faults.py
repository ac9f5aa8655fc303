"""The meaning of PC/SC return codes for the person at the reader."""

from typing import Final

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.pcsc.library import Code

_FAULTS: Final[dict[int, TransportFault]] = {
    Code.INVALID_HANDLE: TransportFault.SERVICE_GONE,
    Code.UNKNOWN_READER: TransportFault.READER_GONE,
    Code.SHARING_VIOLATION: TransportFault.CARD_HELD,
    Code.NO_SMARTCARD: TransportFault.NO_CARD,
    Code.COMM_ERROR: TransportFault.CARD_MUTE,
    Code.NOT_TRANSACTED: TransportFault.CARD_MUTE,
    Code.READER_UNAVAILABLE: TransportFault.READER_GONE,
    Code.NO_SERVICE: TransportFault.SERVICE_GONE,
    Code.SERVICE_STOPPED: TransportFault.SERVICE_GONE,
    Code.UNRESPONSIVE_CARD: TransportFault.CARD_MUTE,
    Code.UNPOWERED_CARD: TransportFault.CARD_MUTE,
    Code.RESET_CARD: TransportFault.CARD_RESET,
    Code.REMOVED_CARD: TransportFault.CARD_REMOVED,
}

_WORDS: Final = {
    TransportFault.NO_SERVICE: (
        "PC/SC does not answer",
        "start pcscd, or `vsmartcard readers up` for virtual readers",
    ),
    TransportFault.SERVICE_GONE: (
        "the PC/SC service stopped or was restarted",
        "make sure that pcscd is running, and begin again",
    ),
    TransportFault.READER_GONE: ("the reader was unplugged", "plug it in again, and begin again"),
    TransportFault.NO_CARD: ("there is no card in the reader", "insert it"),
    TransportFault.CARD_REMOVED: ("the card was removed", "insert it, and begin again"),
    TransportFault.CARD_RESET: (
        "another program reset the card",
        "close other programs that use this reader, and begin again",
    ),
    TransportFault.CARD_HELD: (
        "another program may hold the card",
        "close other programs that use this reader, or use another reader",
    ),
    TransportFault.CARD_MUTE: ("the card does not answer", "take it out and insert it again"),
    TransportFault.EXTENDED_LENGTH: (
        "the reader has no extended length, or the card does not answer to it",
        "use a reader that supports APDUs of extended length",
    ),
}


def fault_of(code: int) -> TransportFault:
    """Return the fault for a return code."""
    return _FAULTS.get(code, TransportFault.OTHER)


def transport_error(fault: TransportFault, reader: str = "", code: int = 0) -> TransportError:
    """Return the error for a fault at a reader; a code without a fault is shown in hexadecimal."""
    words, advice = _WORDS.get(
        fault, (f"PC/SC reports {code:08X}", "take the card out, insert it, and begin again")
    )
    where = f"{reader}: " if reader else ""
    return TransportError(f"{where}{words}", fault, reader=reader, advice=advice)
