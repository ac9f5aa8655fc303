"""The link between a virtual chip and vpcd, the driver of virtual readers in pcscd.

vpcd listens and the chip connects; closing the connection takes the card out.  A frame is a 16-bit
big-endian length and that many octets: a single octet is a control (power off, power on, reset,
send the ATR), more are a command APDU.  Only the request for the ATR and commands are answered.

vpcd sends length and payload in two writes.  The second write waits for the acknowledgement of the
first, which the kernel delays by 40 ms unless TCP_QUICKACK is set.  The kernel clears this option,
so it is set again after every `recv`.
"""

import socket
import time
from contextlib import suppress
from enum import IntEnum, unique
from typing import Final, Self

from emrtd.errors import TransportError, TransportFault
from vsmartcard.card.interface import Card

BASE_PORT: Final = 35963
"""The port of vpcd's first slot; the next slots have the next ports."""

_HOST: Final = "127.0.0.1"
_MAX_FRAME: Final = 0xFFFF
_CONNECT_SECONDS: Final = 2.0
_POWER_UP_SECONDS: Final = 2.0
_NOTICING_SECONDS: Final = 0.5
"""More than the interval at which pcscd polls the reader."""
_ATR_REQUESTS: Final = 3
"""How often a reader may request the ATR without powering up; then the card is reinserted."""
_TRIES: Final = 5


@unique
class Control(IntEnum):
    """The frames of one octet: controls."""

    POWER_OFF = 0
    POWER_ON = 1
    RESET = 2
    SEND_ATR = 4


_CONTROLS: Final = {bytes((control,)) for control in Control}


class ReaderOccupiedError(TransportError):
    """The virtual reader on a port already holds a card."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"the virtual reader on port {port} already holds a card",
            advice="take it out, or use another reader",
        )


def _control_of(frame: bytes) -> Control | None:
    """Return the control of a frame, None for a command; an unknown control counts as RESET."""
    if len(frame) > 1:
        return None
    return Control(frame[0]) if frame in _CONTROLS else Control.RESET


class Slot:
    """A connection to one slot of vpcd; the card is in the reader while it is open."""

    def __init__(self, port: int = BASE_PORT) -> None:
        self.port = port
        self._socket = self._connected()

    def _connected(self) -> socket.socket:
        try:
            return socket.create_connection((_HOST, self.port), _CONNECT_SECONDS)
        except TimeoutError as error:
            raise ReaderOccupiedError(self.port) from error
        except OSError as error:
            raise TransportError(
                f"no virtual reader listens on port {self.port}",
                advice="start some with `vsmartcard readers up`, and see their ports with"
                " `vsmartcard readers list`",
            ) from error

    @classmethod
    def insert(cls, port: int, card: Card) -> Self:
        """Insert a card into the reader on this port, and wait until it can be used.

        An empty reader looks for a card every 0.4 s.  A reader that holds another card sends
        nothing to this one, which raises `ReaderOccupiedError`.  A reader that has not yet noticed
        the removal of its last card mistakes this one for it; the card is then taken out and
        inserted again until the reader has noticed.
        """
        for _ in range(_TRIES):
            slot = cls(port)
            slot._socket.settimeout(_POWER_UP_SECONDS)
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
        """Wait until the reader powers the card up; False if it mistakes it for its last card.

        In that case it requests the ATR repeatedly, to see whether its card is still present, or
        sends a command or a reset, which a card without power cannot answer.
        """
        for _ in range(_ATR_REQUESTS):
            frame = self._receive()
            control = _control_of(frame)
            if control is Control.POWER_ON:
                break
            if control is not Control.SEND_ATR:
                return False
            self._send(card.atr)
        else:
            return False
        card.reset()
        while self._serve_next(card) is not Control.SEND_ATR:
            pass
        return True

    def serve(self, card: Card, *, until_ejected: bool = False) -> None:
        """Answer the reader until it closes the connection, which raises `TransportError`.

        With `until_ejected`, returns when a program that has sent commands releases the card and
        takes its power.  A program that resets it, or is killed, leaves it in the reader.

        A card that raises `CARD_MUTE` stays in the reader, which tells its program that it has no
        answer.  Any other `TransportError` of the card is raised.
        """
        self._socket.settimeout(None)
        used = False
        while True:
            try:
                control = self._serve_next(card)
                if control is Control.POWER_OFF and used and until_ejected:
                    return
                used = control is None or (used and control is Control.SEND_ATR)
            except TransportError as error:
                if error.fault is not TransportFault.CARD_MUTE:
                    raise
                self._leave_unanswered()

    def _leave_unanswered(self) -> None:
        """Connect again: vpcd waits for an answer, without limit, until the connection ends.

        pcscd polls the reader later, and then finds a card in it.
        """
        self._socket.close()
        self._socket = self._connected()
        self._socket.settimeout(None)

    def _serve_next(self, card: Card) -> Control | None:
        """Answer one frame; return which control it was, None for a command."""
        frame = self._receive()
        control = _control_of(frame)
        if control is None:
            self._send(card.process(frame))
            return None
        if control is Control.SEND_ATR:
            self._send(card.atr)
        else:  # power off, power on or reset: the session ends
            card.reset()
        return control

    def close(self) -> None:
        """Take the card out; a thread that is in `serve` then raises `TransportError`."""
        with suppress(OSError):  # the reader has closed the connection
            self._socket.shutdown(socket.SHUT_RDWR)
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
                    f"the virtual reader on port {self.port} is gone: pcscd was stopped"
                )
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            received += part
        return bytes(received)

    def _send(self, octets: bytes) -> None:
        if len(octets) > _MAX_FRAME:
            raise TransportError(f"a response of {len(octets)} octets does not fit in a vpcd frame")
        try:
            self._socket.sendall(len(octets).to_bytes(2, "big") + octets)
        except ConnectionError as error:
            raise TransportError(
                f"the virtual reader on port {self.port} is gone: pcscd was stopped"
            ) from error
