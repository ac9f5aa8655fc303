"""A reader without extended length, for which PC/SC has no return code of its own."""

from types import SimpleNamespace
from typing import Any

import pytest

from emrtd.errors import TransportError, TransportFault
from emrtd.iso7816.apdu import CommandAPDU
from emrtd.transport.events import CardInReader

pytest.importorskip("smartcard.scard")

from emrtd.transport.pcsc.connection import PcscConnection
from emrtd.transport.pcsc.library import Code, PcscError

INVALID_PARAMETER = 0x80100004
SHORT = CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=256).encode()
SHORT_WITH_ZERO_DATA = CommandAPDU(0x00, 0xA4, 0x04, 0x0C, bytes(16)).encode()
EXTENDED_LE = CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=1000).encode()
EXTENDED_LC = CommandAPDU(0x00, 0x86, 0x00, 0x00, bytes(260), 256).encode()


def connection(code: int, *, present: bool = True) -> PcscConnection:
    """Return a connection whose reader answers every command with this return code."""
    card = CardInReader(1, b"\x3b")

    def transmit(_command: bytes) -> bytes:
        if code == Code.SUCCESS:
            return b""
        raise PcscError(code)

    state = SimpleNamespace(card=card if present else None)
    held: Any = SimpleNamespace(
        card=card,
        handle=SimpleNamespace(transmit=transmit),
        context=SimpleNamespace(state=lambda _reader: state, wait=lambda *_: None),
    )
    return PcscConnection("Reader 1", held)


def fault(code: int, command: bytes, *, present: bool = True) -> TransportFault:
    with pytest.raises(TransportError) as raised:
        connection(code, present=present).transmit(command)
    return raised.value.fault


@pytest.mark.parametrize("code", [Code.SUCCESS, Code.NOT_TRANSACTED, INVALID_PARAMETER])
@pytest.mark.parametrize("command", [EXTENDED_LE, EXTENDED_LC])
def test_an_unanswered_extended_command_names_extended_length(code: int, command: bytes) -> None:
    assert fault(code, command) is TransportFault.EXTENDED_LENGTH


@pytest.mark.parametrize("command", [SHORT, SHORT_WITH_ZERO_DATA])
def test_an_unanswered_short_command_does_not(command: bytes) -> None:
    assert fault(Code.NOT_TRANSACTED, command) is TransportFault.CARD_MUTE
    assert fault(INVALID_PARAMETER, command) is TransportFault.OTHER


def test_a_card_that_was_removed_is_named_first() -> None:
    removed = fault(Code.NOT_TRANSACTED, EXTENDED_LC, present=False)
    assert removed is TransportFault.CARD_REMOVED


def test_the_error_says_what_to_do() -> None:
    with pytest.raises(TransportError, match="the reader has no extended length") as raised:
        connection(Code.NOT_TRANSACTED).transmit(EXTENDED_LC)
    assert "use a reader" in raised.value.advice
