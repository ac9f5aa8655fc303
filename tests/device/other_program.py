"""Another program that uses a card in a PC/SC reader: run as `other_program.py WHAT READER`.

It prints `ready` once it has begun, and runs until it is killed.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from smartcard import scard

MASTER_FILE = [0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00]
PROTOCOLS = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
CONTEXT = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)[1]


def connected(reader: str, mode: int = scard.SCARD_SHARE_SHARED) -> Any:
    while True:
        result, handle, _ = scard.SCardConnect(CONTEXT, reader, mode, PROTOCOLS)
        if result == scard.SCARD_S_SUCCESS:
            return handle
        time.sleep(0.001)


def select(reader: str) -> None:
    """Select the master file every few milliseconds, on one connection."""
    handle = connected(reader)
    while True:
        result, _ = scard.SCardTransmit(handle, scard.SCARD_PCI_T1, MASTER_FILE)
        if result != scard.SCARD_S_SUCCESS:
            scard.SCardReconnect(
                handle, scard.SCARD_SHARE_SHARED, PROTOCOLS, scard.SCARD_LEAVE_CARD
            )
        ready()
        time.sleep(0.003)


def connect(reader: str) -> None:
    """Connect, select and disconnect repeatedly, without resetting the card."""
    while True:
        handle = connected(reader)
        scard.SCardTransmit(handle, scard.SCARD_PCI_T1, MASTER_FILE)
        scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
        ready()
        time.sleep(0.003)


def reset(reader: str) -> None:
    """Reset the card repeatedly: on one connection, and when it ends another."""
    handle = connected(reader)
    while True:
        scard.SCardReconnect(handle, scard.SCARD_SHARE_SHARED, PROTOCOLS, scard.SCARD_RESET_CARD)
        scard.SCardDisconnect(connected(reader), scard.SCARD_RESET_CARD)
        ready()
        time.sleep(0.003)


def raw(reader: str) -> None:
    """Connect with the raw protocol, disconnect without a reset, and see that T=1 is refused."""
    _, handle, _ = scard.SCardConnect(
        CONTEXT, reader, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_RAW
    )
    scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
    result, _, _ = scard.SCardConnect(CONTEXT, reader, scard.SCARD_SHARE_SHARED, PROTOCOLS)
    if result & 0xFFFFFFFF == 0x8010000F:
        ready()
    time.sleep(3600)


def hold(reader: str) -> None:
    """Hold a transaction without end."""
    scard.SCardBeginTransaction(connected(reader))
    ready()
    time.sleep(3600)


def hold_a_while(reader: str) -> None:
    """Hold a transaction for 3 s, and stay connected."""
    handle = connected(reader)
    scard.SCardBeginTransaction(handle)
    ready()
    time.sleep(3)
    scard.SCardEndTransaction(handle, scard.SCARD_LEAVE_CARD)
    time.sleep(3600)


def exclude(reader: str) -> None:
    """Connect in exclusive mode for 3 s."""
    handle = connected(reader, scard.SCARD_SHARE_EXCLUSIVE)
    ready()
    time.sleep(3)
    scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
    time.sleep(3600)


said: list[str] = []


def ready() -> None:
    if not said:
        said.append("ready")
        print("ready", flush=True)


WHAT: dict[str, Callable[[str], None]] = {
    each.__name__: each for each in (select, connect, reset, raw, hold, hold_a_while, exclude)
}

if __name__ == "__main__":
    WHAT[sys.argv[1]](sys.argv[2])
