"""Running procedures through layers and transports."""

from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import Procedure, Reset, run, through

SELECT = CommandAPDU(0x00, 0xA4)


def resetting() -> Procedure[list[int]]:
    first = yield SELECT
    done = yield Reset()
    second = yield SELECT
    return [first.sw, done.sw, second.sw]


def test_layers_pass_a_reset_to_the_transport() -> None:
    log: list[str] = []

    def layer(command: CommandAPDU) -> Procedure[ResponseAPDU]:
        log.append("layer")
        return (yield command)

    def transmit(_: bytes) -> bytes:
        log.append("command")
        return b"\x6a\x82"

    procedure = through(through(resetting(), layer), layer)
    assert run(procedure, transmit, lambda: log.append("reset")) == [0x6A82, 0x9000, 0x6A82]
    assert log == ["layer", "layer", "command", "reset", "layer", "layer", "command"]


def test_a_transport_without_reset_ignores_it() -> None:
    assert run(resetting(), lambda _: b"\x6a\x82") == [0x6A82, 0x9000, 0x6A82]
