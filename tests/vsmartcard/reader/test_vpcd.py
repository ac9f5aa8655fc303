"""The link to vpcd, against a simulated vpcd."""

import socket
import threading
from collections.abc import Iterator

import pytest

from emrtd.errors import TransportError
from vsmartcard.reader import vpcd
from vsmartcard.reader.vpcd import Slot


class EchoCard:
    def __init__(self) -> None:
        self.resets = 0
        self.atr = b"\x3b\x80"

    def reset(self) -> None:
        self.resets += 1

    def process(self, octets: bytes) -> bytes:
        return octets[::-1]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


def frame(octets: bytes) -> bytes:
    return len(octets).to_bytes(2, "big") + octets


def receive(reader: socket.socket) -> bytes:
    size = int.from_bytes(reader.recv(2, socket.MSG_WAITALL), "big")
    return reader.recv(size, socket.MSG_WAITALL)


def serve(slot: Slot, card: EchoCard) -> tuple[threading.Thread, list[Exception]]:
    raised: list[Exception] = []

    def work() -> None:
        try:
            slot.serve(card)
        except TransportError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, raised


def test_frames_are_answered_until_the_reader_closes_the_connection(
    listener: socket.socket,
) -> None:
    card = EchoCard()
    with Slot(listener.getsockname()[1]) as slot:
        reader, _ = listener.accept()
        reader.settimeout(5)
        thread, raised = serve(slot, card)
        for control in (b"\x01", b"\x02", b"\x00", b"\x07", b""):
            reader.sendall(frame(control))
        reader.sendall(frame(b"\x04"))
        assert receive(reader) == card.atr
        for octets in (b"\x00\xa4\x00\x0c", bytes(range(256)) * 200):
            reader.sendall(frame(octets))
            assert receive(reader) == octets[::-1]
        for octet in frame(b"\x00\xb0\x00\x00\x05"):  # each in its own segment
            reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader.sendall(bytes((octet,)))
        assert receive(reader) == b"\x05\x00\x00\xb0\x00"
        reader.close()
        thread.join(5)
    assert card.resets == 5
    assert "is gone" in str(raised[0])


def test_a_card_is_inserted_once_the_reader_has_powered_it_up(listener: socket.socket) -> None:
    inserted: list[Slot] = []
    port = listener.getsockname()[1]
    thread = threading.Thread(target=lambda: inserted.append(Slot.insert(port, EchoCard())))
    thread.start()
    reader, _ = listener.accept()
    reader.settimeout(5)
    reader.sendall(frame(b"\x04"))
    receive(reader)
    thread.join(0.1)
    assert not inserted
    reader.sendall(frame(b"\x01") + frame(b"\x04"))
    receive(reader)
    thread.join(5)
    reader.close()
    inserted[0].close()


@pytest.mark.parametrize(
    ("mistaken", "asked"),
    [(frame(b"\x04") * 3, 3), (frame(b"\x00\xa4\x00\x0c"), 0), (frame(b"\x02"), 0)],
    ids=["asks on", "command", "reset"],
)
def test_a_card_mistaken_for_the_last_one_is_inserted_again(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, mistaken: bytes, asked: int
) -> None:
    monkeypatch.setattr(vpcd, "_NOTICING_SECONDS", 0.01)
    inserted: list[Slot] = []
    port, card = listener.getsockname()[1], EchoCard()
    thread = threading.Thread(target=lambda: inserted.append(Slot.insert(port, card)))
    thread.start()
    with listener.accept()[0] as reader:
        reader.settimeout(5)
        reader.sendall(mistaken)
        answered = b""
        while part := reader.recv(100):  # until the card is taken out
            answered += part
        assert answered == frame(card.atr) * asked
    assert card.resets == 0
    with listener.accept()[0] as reader:
        reader.settimeout(5)
        reader.sendall(frame(b"\x04") + frame(b"\x01") + frame(b"\x04"))
        thread.join(5)
        assert card.resets == 1
        inserted[0].close()


def test_a_connection_closed_in_the_middle_of_a_frame_is_an_error(listener: socket.socket) -> None:
    with Slot(listener.getsockname()[1]) as slot:
        reader, _ = listener.accept()
        thread, raised = serve(slot, EchoCard())
        reader.sendall(b"\x00\x05\x00\xa4")
        reader.close()
        thread.join(5)
    assert "is gone" in str(raised[0])


def test_a_reader_that_sends_nothing_holds_another_card(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vpcd, "_POWER_UP_SECONDS", 0.05)
    with pytest.raises(vpcd.ReaderOccupiedError, match="already holds a card"):
        Slot.insert(listener.getsockname()[1], EchoCard())


def test_a_port_without_reader_is_an_error_with_advice(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(TransportError, match=f"port {port}; start some with `vsmartcard readers"):
        Slot(port)
