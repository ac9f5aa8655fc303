"""Running procedures, and the layers around them."""

from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import Procedure, Reset, run, through

SELECT = CommandAPDU(0x00, 0xA4)


def powering_up_anew() -> Procedure[list[int]]:
    first = yield SELECT
    done = yield Reset()
    second = yield SELECT
    return [first.sw, done.sw, second.sw]


def test_a_reset_goes_to_the_wire_past_every_layer() -> None:
    log: list[str] = []

    def layer(command: CommandAPDU) -> Procedure[ResponseAPDU]:
        log.append("layer")
        return (yield command)

    def transmit(_: bytes) -> bytes:
        log.append("command")
        return b"\x6a\x82"

    procedure = through(through(powering_up_anew(), layer), layer)
    assert run(procedure, transmit, lambda: log.append("reset")) == [0x6A82, 0x9000, 0x6A82]
    assert log == ["layer", "layer", "command", "reset", "layer", "layer", "command"]


def test_a_wire_that_cannot_reset_leaves_the_chip_as_it_is() -> None:
    assert run(powering_up_anew(), lambda _: b"\x6a\x82") == [0x6A82, 0x9000, 0x6A82]
