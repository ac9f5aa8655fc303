"""A card under the times of a chip and a link, by a virtual clock and by the real one."""

import pytest

from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.transport.timing import CardTime
from tests.vsmartcard.cards import BAC_KEYS, FILE_CONTENTS, personalised
from vsmartcard.card.faults.spec import read_faults
from vsmartcard.card.timed.layer import Timing
from vsmartcard.card.timed.memory import pages_written
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.security_domain import TransportKeys
from vsmartcard.chip.state import ChipState
from vsmartcard.timing.clock import Clock, RealClock, VirtualClock
from vsmartcard.timing.contactless import CARRIER
from vsmartcard.timing.operations import Operation, Work
from vsmartcard.timing.profile import read_timing

SELECT = bytes.fromhex("00A4040C07A0000002471001")
CREATE = bytes.fromhex("00E000000A62088002012C83020102")  # 300 octets
UPDATE = bytes.fromhex("00D60000") + b"\x00\x00\xc8" + b"\x11" * 200
CHALLENGE = CommandAPDU(0x00, INS.GET_CHALLENGE, ne=8).encode()


def timing(text: str = "2018,106", clock: Clock | None = None) -> Timing:
    return Timing(*read_timing(text), clock)


def test_a_command_takes_the_link_and_the_overhead_of_the_chip() -> None:
    """I-blocks of 15 and 5 octets at 106 kbit/s (ISO/IEC 14443-3, 6.2.3), and 2 ms of the chip."""
    times = timing()
    card = times.card(ChipState())
    assert card.process(SELECT) == b"\x90\x00"
    link = ((1 + 9 * 15 + 2) * 128 + (1 + 9 * 5 + 1) * 128 + 2 * 1172) / CARRIER
    assert times.time.link == pytest.approx(link)
    assert times.time.chip == pytest.approx(0.002)
    assert times.clock.now() == pytest.approx(times.time.total)
    assert not times.operations


def test_what_is_interrupted_was_not_taken() -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    times = timing(clock=RealClock(sleep=interrupted))
    with pytest.raises(KeyboardInterrupt):
        times.card(ChipState()).process(SELECT)
    assert times.time == CardTime()


def test_a_write_takes_the_pages_that_change() -> None:
    times = timing()
    card = times.card(ChipState())
    for command, pages in ((CREATE, 1 + 1), (UPDATE, 2), (UPDATE, 0), (SELECT, 0)):
        before, chip = times.pages, times.time.chip
        assert card.process(command) == b"\x90\x00"
        assert times.pages - before == pages  # the first command also begins the life cycle
        assert times.time.chip - chip == pytest.approx(0.002 + pages * 0.00152)


def test_a_challenge_takes_random_numbers() -> None:
    times = timing()
    card = times.card(personalised(FILE_CONTENTS, BAC_KEYS).state)
    card.process(SELECT)
    assert len(card.process(CHALLENGE)) == 10
    assert dict(times.operations) == {Operation(Work.RANDOM, 8): 1}
    assert times.time.chip == pytest.approx(0.002 * 2 + (0.69 + 8 * 0.0029) / 1000)


def test_a_reset_takes_activation_and_the_start_of_the_chip() -> None:
    times = timing("2018,106")
    times.card(ChipState()).reset()
    assert times.time == CardTime(times.link.activation(), 0.015)


@pytest.mark.parametrize("text", ["2010,848", "2018,t0", "2018,t1", "2026,6780"])
def test_the_responses_are_those_of_the_card_beneath(text: str) -> None:
    state = personalised(FILE_CONTENTS, BAC_KEYS).state
    card, beneath = timing(text).card(state), Chip(state)
    commands = [SELECT, bytes.fromhex("00B0810000"), b"", b"\x80", b"\x84\x50", bytes(20)]
    assert [card.process(each) for each in commands] == [beneath.process(each) for each in commands]
    assert card.atr == beneath.atr


def test_virtual_time_is_the_same_each_time() -> None:
    def total() -> CardTime:
        times = timing()
        card = times.card(ChipState())
        for command in (CREATE, UPDATE, SELECT):
            card.process(command)
        card.reset()
        return times.time

    assert total() == total()


def test_the_real_clock_sleeps_what_the_chip_has_not_used() -> None:
    """The chip in software has used 1 ms when the rest of the command is slept."""
    instants = iter([10.0, 10.001])
    slept: list[float] = []
    clock = RealClock(lambda: next(instants), slept.append)
    times = timing(clock=clock)
    times.card(ChipState()).process(SELECT)
    assert slept == [pytest.approx(times.time.total - 0.001)]


def test_a_clock_does_not_wait_for_the_past() -> None:
    slept: list[float] = []
    RealClock(lambda: 5.0, slept.append).wait_until(4.0)
    clock = VirtualClock()
    clock.wait_until(2.0)
    clock.wait_until(1.0)
    assert (slept, clock.now()) == ([], 2.0)


def test_faults_are_over_the_times_and_memory_faults_within() -> None:
    times = timing()
    card = times.card(ChipState(), read_faults(["refuse:1,6A82", "forget:2"]))
    assert card.process(SELECT) == b"\x6a\x82"
    assert times.time == CardTime()
    assert card.process(CREATE) == b"\x90\x00"
    assert card.process(UPDATE) == b"\x90\x00"
    assert times.pages == 4
    assert card.process(bytes.fromhex("00B0000003")) == bytes(3) + b"\x90\x00"


def test_station_commands_take_the_cryptography_of_scp03() -> None:
    """INITIALIZE UPDATE derives three keys and a cryptogram, each of one CMAC (GPCS D, 6.2)."""
    times = timing()
    state = ChipState.blank(random=bytes, transport=TransportKeys())
    card = times.card(state)
    response = card.process(bytes.fromhex("8050300008") + bytes(8) + b"\x00")
    assert response.endswith(b"\x90\x00")
    assert dict(times.operations) == {
        Operation(Work.RANDOM, 8): 1,
        Operation(Work.AES128, 32): 4,
    }
    assert times.pages == 1  # the sequence counter and the failures


def test_pages_are_those_that_differ() -> None:
    chip = Chip(ChipState())
    before = chip.state
    chip.process(CREATE)
    created = chip.state
    chip.process(bytes.fromhex("00D6007F02FFFF"))  # octets 127 and 128
    written = chip.state
    assert pages_written(before, created, 128) == 2
    assert pages_written(created, written, 128) == 2
    assert pages_written(created, written, 256) == 1
    assert pages_written(written, written, 128) == 0
    locked = written.with_life_cycle(LifeCycle.OPERATIONAL)
    assert pages_written(written, locked, 128) == 1
    octets = len(BAC_KEYS.encode()) - len(before.keys.encode())
    assert pages_written(before, before.with_keys(BAC_KEYS), 8) == -(-octets // 8)
