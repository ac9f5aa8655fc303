from typing import Self

from emrtd.transport.trace import MeteredConnection


class Echo:
    reader = "Echo 00"
    atr = b"\x3b\x00"
    resets = 0

    def transmit(self, command: bytes) -> bytes:
        return command[5:] + b"\x90\x00"

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None: ...


def test_a_trace_counts_and_never_shows_data() -> None:
    lines: list[str] = []
    ticks = iter([1.0, 1.5])
    card = MeteredConnection(Echo(), lines.append, lambda: next(ticks))
    secret = b"DOCUMENT NUMBER"
    assert card.transmit(b"\x00\xda\x00\x62\x0f" + secret) == secret + b"\x90\x00"
    assert (card.apdus, card.octets, card.seconds) == (1, 20 + 17, 0.5)
    assert "00 DA 00 62" in lines[0]
    assert "9000" in lines[0]
    assert secret.hex().upper() not in lines[0].replace(" ", "")
    assert "DOCUMENT" not in lines[0]


def test_a_reset_is_passed_on_and_is_no_command() -> None:
    lines: list[str] = []
    echo = Echo()
    card = MeteredConnection(echo, lines.append)
    card.reset()
    assert (echo.resets, card.apdus, lines) == (1, 0, ["reset"])
