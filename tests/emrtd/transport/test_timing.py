"""Where the time of a session goes: phases, a card that tells its own time, and the table."""

from typing import Self

import pytest

from emrtd.errors import TransportError
from emrtd.transport.connection import Tray
from emrtd.transport.timing import (
    CardTime,
    Phase,
    SessionTiming,
    TimedConnection,
    card_time_of,
    table,
)


class Ticking:
    """A clock that everybody moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class SlowCard:
    """A card that takes 0.2 s for a command and 0.5 s for a reset, by a clock."""

    reader = "slow"
    atr = b"\x3b\x00"

    def __init__(self, clock: Ticking) -> None:
        self.clock = clock
        self.trays: list[Tray] = []
        self.closed = False

    def transmit(self, command: bytes) -> bytes:
        self.clock.now += 0.2
        if command == b"\xff":
            raise TransportError("gone")
        return b"\x90\x00"

    def reset(self) -> None:
        self.clock.now += 0.5

    def eject(self, tray: Tray) -> None:
        self.trays.append(tray)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class VirtualCard(SlowCard):
    """A card in virtual time: 2 s on the link and 1 s in the chip for each command."""

    sent = 0

    @property
    def card_time(self) -> CardTime:
        return CardTime(2.0 * self.sent, 1.0 * self.sent)

    def transmit(self, command: bytes) -> bytes:
        self.sent += 1
        return super().transmit(command)


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


def test_time_is_ours_unless_the_card_is_waited_for(clock: Ticking) -> None:
    timing = SessionTiming(clock)
    card = TimedConnection(SlowCard(clock), timing)
    timing.begin("opening")
    clock.now += 0.1
    card.transmit(bytes(5))
    card.reset()
    clock.now += 0.3
    timing.begin("reading")
    card.transmit(bytes(10))
    timing.begin("opening")
    clock.now += 0.4
    opening, reading = timing.finish()
    assert (opening.name, opening.commands, opening.octets) == ("opening", 1, 7)
    assert opening.waiting == pytest.approx(0.2 + 0.5)
    assert opening.ours == pytest.approx(0.1 + 0.3 + 0.4)
    assert opening.total == pytest.approx(1.5)
    assert (reading.commands, reading.octets, reading.card) == (1, 12, None)
    assert (reading.waiting, reading.ours) == (pytest.approx(0.2), pytest.approx(0))


def test_a_card_in_virtual_time_is_waited_for_in_its_time(clock: Ticking) -> None:
    timing = SessionTiming(clock)
    card = TimedConnection(VirtualCard(clock), timing)
    timing.begin("reading")
    card.transmit(bytes(5))
    card.transmit(bytes(5))
    clock.now += 0.1
    (reading,) = timing.finish()
    assert reading.card == CardTime(4.0, 2.0)
    assert reading.waiting == 6.0
    assert reading.ours == pytest.approx(0.1)  # not what the simulation took


def test_a_command_can_begin_a_phase(clock: Ticking) -> None:
    timing = SessionTiming(clock, lambda command: {0xB0: "reading"}.get(command[1]))
    card = TimedConnection(SlowCard(clock), timing)
    timing.begin("writing")
    card.transmit(b"\x00\xd6\x00\x00")
    clock.now += 0.1
    card.transmit(b"\x00\xb0\x00\x00")
    card.reset()
    writing, reading = timing.finish()
    assert (writing.commands, writing.waiting) == (1, pytest.approx(0.2))
    assert writing.ours == pytest.approx(0.1)
    assert (reading.commands, reading.waiting) == (1, pytest.approx(0.7))


def test_a_command_that_fails_is_not_ours(clock: Ticking) -> None:
    timing = SessionTiming(clock)
    timing.begin("reading")
    with pytest.raises(TransportError):
        TimedConnection(SlowCard(clock), timing).transmit(b"\xff")
    (reading,) = timing.finish()
    assert (reading.commands, reading.ours) == (0, pytest.approx(0))


def test_a_session_that_begins_anew_forgets(clock: Ticking) -> None:
    timing = SessionTiming(clock)
    timing.begin("opening")
    clock.now += 1.0
    timing.restart()
    timing.begin("opening")
    clock.now += 0.5
    (opening,) = timing.finish()
    assert opening.ours == pytest.approx(0.5)


def test_everything_else_is_passed_on(clock: Ticking) -> None:
    beneath = SlowCard(clock)
    with TimedConnection(beneath, SessionTiming(clock)) as card:
        assert (card.reader, card.atr) == ("slow", b"\x3b\x00")
        card.transmit(b"\x00")  # outside any phase
        card.eject(Tray.DONE)
    assert (beneath.trays, beneath.closed) == ([Tray.DONE], True)


def test_only_a_timed_card_tells_its_time(clock: Ticking) -> None:
    assert card_time_of(SlowCard(clock)) is None
    assert card_time_of(VirtualCard(clock)) == CardTime()


def test_the_table_has_milliseconds_shares_and_a_sum() -> None:
    phases = [Phase("opening", 3, 100, 0.25, 0.05), Phase("reading back", 7, 2000, 0.7, 0.0)]
    lines = table(phases)
    assert [line.split() for line in lines] == [
        ["commands", "octets", "card", "ms", "ours", "ms", "total", "ms", "share"],
        ["opening", "3", "100", "250.0", "50.0", "300.0", "30.0%"],
        ["reading", "back", "7", "2000", "700.0", "0.0", "700.0", "70.0%"],
        ["total", "10", "2100", "950.0", "50.0", "1000.0", "100.0%"],
    ]
    assert len({len(line) for line in lines}) == 1


def test_the_table_has_link_and_chip_if_the_card_tells_them() -> None:
    told = Phase("reading", 1, 10, 0.3, 0.1, CardTime(0.1, 0.2))
    lines = table([Phase("judging", ours=0.1), told])
    assert lines[0].split()[4:8] == ["link", "ms", "chip", "ms"]
    assert lines[1].split() == ["judging", "0", "0", "0.0", "0.0", "0.0", "100.0", "100.0", "20.0%"]
    assert lines[3].split()[3:6] == ["300.0", "100.0", "200.0"]


def test_a_table_of_nothing_has_no_shares() -> None:
    assert table([])[1].split() == ["total", "0", "0", "0.0", "0.0", "0.0", "0.0%"]
