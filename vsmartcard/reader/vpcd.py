"""The link between a virtual chip and vpcd, the driver that makes pcscd believe in a reader.

vpcd listens; the chip connects, and a closed connection is a card taken out.  A frame is a 16-bit
big-endian length and as many octets: a single octet is a control (power off, power on, reset,
give the ATR), more are a command APDU.  Only the ATR and commands are answered.

vpcd sends length and payload in two writes.  Each waits for the acknowledgement of the other, which
the kernel delays by 40 ms unless TCP_QUICKACK asks it not to; the kernel forgets that wish, so
it is repeated after every `recv`.
"""

import socket
import time
from enum import IntEnum, unique
from typing import Final, Self

from emrtd.errors import TransportError
from vsmartcard.card.interface import Card

BASE_PORT: Final = 35963
"""The port of vpcd's first slot; the others follow it."""

_HOST: Final = "127.0.0.1"
_MAX_FRAME: Final = 0xFFFF
_CONNECT_SECONDS: Final = 2.0
_SEEN_SECONDS: Final = 2.0
_NOTICING_SECONDS: Final = 0.5
"""More than the time between two looks of pcscd at the reader."""
_ASKS: Final = 3
"""How often a reader asks for the ATR, and does not power up, before that counts as a mistake."""
_TRIES: Final = 5


@unique
class Control(IntEnum):
    """The frames of one octet."""

    POWER_OFF = 0
    POWER_ON = 1
    RESET = 2
    GIVE_ATR = 4


_CONTROLS: Final = {bytes((control,)) for control in Control}


class ReaderOccupiedError(TransportError):
    """The virtual reader on a port has a card in it already."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"the virtual reader on port {port} has a card in it: take it out, or use another"
        )


def _control_of(frame: bytes) -> Control | None:
    """The control that a frame is, None for a command; what is not known counts as a reset."""
    if len(frame) > 1:
        return None
    return Control(frame[0]) if frame in _CONTROLS else Control.RESET


class Slot:
    """A connection to one slot of vpcd; the card is in the reader while it is open."""

    def __init__(self, port: int = BASE_PORT) -> None:
        self.port = port
        try:
            self._socket = socket.create_connection((_HOST, port), _CONNECT_SECONDS)
        except TimeoutError as error:
            raise ReaderOccupiedError(port) from error
        except OSError as error:
            raise TransportError(
                f"no virtual reader listens on port {port}: start some with `vsmartcard readers "
                "up`, and see their ports with `vsmartcard readers list`"
            ) from error

    @classmethod
    def insert(cls, port: int, card: Card) -> Self:
        """Put a card into the reader on this port, and wait until it can be used there.

        A reader without a card looks for one every 0.4 s; one that has another card in it never
        asks this one for anything, which raises `ReaderOccupiedError`.  A reader that has not yet
        noticed that its last card was taken out takes this one for that: it is taken out again
        until the reader has noticed.
        """
        for _ in range(_TRIES):
            slot = cls(port)
            slot._socket.settimeout(_SEEN_SECONDS)
            try:
                if slot._is_powered_up(card):
                    return slot
            except TimeoutError as error:
                slot.close()
                raise ReaderOccupiedError(port) from error
            except BaseException:
                slot.close()
                raise
            slot.close()
            time.sleep(_NOTICING_SECONDS)
        raise ReaderOccupiedError(port)

    def _is_powered_up(self, card: Card) -> bool:
        """Wait until the reader powers the card up; not where it takes it for another card.

        Then it asks again and again for the ATR, as it does to see whether its card is there yet,
        or sends a command or a reset.  A card without power answers neither.
        """
        for _ in range(_ASKS):
            frame = self._receive()
            control = _control_of(frame)
            if control is Control.POWER_ON:
                break
            if control is not Control.GIVE_ATR:
                return False
            self._send(card.atr)
        else:
            return False
        card.reset()
        while self._serve_next(card) is not Control.GIVE_ATR:
            pass
        return True

    def serve(self, card: Card) -> None:
        """Answer the reader until it goes away, which raises `TransportError`."""
        self._socket.settimeout(None)
        while True:
            self._serve_next(card)

    def _serve_next(self, card: Card) -> Control | None:
        """Answer one frame; which control it was, None for a command."""
        frame = self._receive()
        control = _control_of(frame)
        if control is None:
            self._send(card.process(frame))
            return None
        if control is Control.GIVE_ATR:
            self._send(card.atr)
        else:  # the card forgets its session
            card.reset()
        return control

    def close(self) -> None:
        """Take the card out."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _receive(self) -> bytes:
        return self._receive_exactly(int.from_bytes(self._receive_exactly(2), "big"))

    def _receive_exactly(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            try:
                part = self._socket.recv(size - len(received))
            except ConnectionError:
                part = b""
            if not part:
                raise TransportError(
                    f"the virtual reader on port {self.port} has gone: pcscd was stopped"
                )
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            received += part
        return bytes(received)

    def _send(self, octets: bytes) -> None:
        if len(octets) > _MAX_FRAME:
            raise TransportError(f"an answer of {len(octets)} octets does not fit in a vpcd frame")
        try:
            self._socket.sendall(len(octets).to_bytes(2, "big") + octets)
        except ConnectionError as error:
            raise TransportError(
                f"the virtual reader on port {self.port} has gone: pcscd was stopped"
            ) from error
