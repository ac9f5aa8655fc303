"""A recording answers what it expects; anything else is an error that says where."""

import pytest

from emrtd.errors import TransportError
from emrtd.transport.recording import Recording, drive, recorded
from support.errors import MisuseError

EXCHANGES = [(b"\x00\x84\x00\x00\x08", b"12345678\x90\x00"), (b"\x00\xb0\x00\x00\x00", b"\x69\x82")]


def test_the_commands_of_a_recording_are_answered_in_their_order() -> None:
    with Recording(EXCHANGES, atr=b"\x3b\x00") as recording:
        assert (recording.atr, recording.remaining) == (b"\x3b\x00", 2)
        assert [recording.transmit(command) for command, _ in EXCHANGES] == [
            response for _, response in EXCHANGES
        ]
        assert recording.remaining == 0
        with pytest.raises(TransportError, match="the recording ends after 2 commands"):
            recording.transmit(EXCHANGES[0][0])


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (b"\x00\x84\x00\x00\x00", "is another one from octet 4 on"),
        (b"\x00\x84\x00\x00", "has 4 octets instead of 5"),
        (b"\x00\x84\x00\x00\x08\x00", "has 6 octets instead of 5"),
    ],
)
def test_another_command_is_named_and_not_shown(command: bytes, where: str) -> None:
    with pytest.raises(TransportError, match=f"command 1 of the recording {where}"):
        Recording(EXCHANGES).transmit(command)


def test_a_chip_that_answers_otherwise_is_named() -> None:
    answers = dict(EXCHANGES)
    drive(EXCHANGES, answers.__getitem__)
    answers[EXCHANGES[1][0]] = b"\x90\x00"
    with pytest.raises(TransportError, match="the response to command 2 of the recording"):
        drive(EXCHANGES, answers.__getitem__)


def test_recorded_values_come_in_turn() -> None:
    random = recorded(b"\x01\x02", b"\x03")
    assert (random(2), random(4)) == (b"\x01\x02", b"\x00\x00\x00\x03")
    with pytest.raises(MisuseError, match="more than the 2 recorded values"):
        random(1)
    with pytest.raises(MisuseError, match="2 octets where 1 are drawn"):
        recorded(b"\x01\x02")(1)
