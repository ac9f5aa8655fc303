"""Contactless links against computations by hand from the numbers of ISO/IEC 14443."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.errors import MisuseError
from vsmartcard.timing.contactless import BIT_RATES, CARRIER, FRAME_SIZES, Contactless, Signal

SELECT = bytes.fromhex("00A4040C07A0000002471001")  # 12 octets; its response has 2
OK = b"\x90\x00"

RATES = sorted(BIT_RATES)
SIZES = st.integers(min_value=2, max_value=3000)
LINKS = st.builds(
    Contactless,
    rate=st.sampled_from(RATES),
    signal=st.sampled_from(Signal),
    fsc=st.sampled_from(FRAME_SIZES),
    fsd=st.sampled_from(FRAME_SIZES),
    fwi=st.integers(min_value=0, max_value=14),
    wtxm=st.integers(min_value=1, max_value=59),
    cid=st.booleans(),
)


def cycles(seconds: float) -> float:
    return pytest.approx(seconds * CARRIER)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("link", "expected"),
    {
        # I-blocks of 15 and 5 octets with PCB and CRC (14443-4, 7.1).  Type A at fc/128: S, nine
        # bits an octet, and E of two bits to the chip, of one from it (14443-3, 6.2.3); 1172/fc
        # before each frame (6.2.1).
        "106 kbit/s": (
            Contactless(106),
            (1 + 9 * 15 + 2) * 128 + (1 + 9 * 5 + 1) * 128 + 2 * 1172,
        ),
        # From the chip the frame begins with 32 periods of fc/16 and a bit (14443-2, 8.2).
        "424 kbit/s": (
            Contactless(424),
            (1 + 9 * 15 + 2) * 32 + (32 * 16 + (1 + 9 * 5) * 32) + 2 * 1172,
        ),
        "848 kbit/s with CID": (
            Contactless(848, cid=True),
            (1 + 9 * 16 + 2) * 16 + (32 * 16 + (1 + 9 * 6) * 16) + 2 * 1172,
        ),
        # Type B: ten bits an octet, SOF of 12 and EOF of 10 bits; TR2 of 10 bits and 32/fs, TR0 and
        # TR1 of 64/fs and 80/fs (14443-3, 7.1).
        "106 kbit/s, type B": (
            Contactless(106, Signal.B),
            (12 + 10 * 15 + 10) * 128 + (12 + 10 * 5 + 10) * 128 + 10 * 128 + 32 * 16 + 144 * 16,
        ),
        "6.78 Mbit/s": (
            Contactless(6780),
            (1 + 9 * 15 + 2) * 2 + (32 * 16 + (1 + 9 * 5) * 2) + 2 * 1172,
        ),
    }.values(),
)
def test_a_command_and_its_response_in_one_block_each(link: Contactless, expected: int) -> None:
    exchange = link.exchange(SELECT, OK)
    assert cycles(exchange.seconds) == expected
    assert (exchange.blocks, exchange.extensions) == (2, 0)


def test_a_long_command_is_chained_and_each_block_but_the_last_acknowledged() -> None:
    """300 octets at FSC 256: 253 in a frame of 256 octets, R(ACK) of 3, 47 in one of 50 (7.5)."""
    link = Contactless(106, fsc=256)
    exchange = link.exchange(bytes(300), OK)
    to_chip = (1 + 9 * 256 + 2) + (1 + 9 * 50 + 2)
    from_chip = (1 + 9 * 3 + 1) + (1 + 9 * 5 + 1)
    assert cycles(exchange.seconds) == (to_chip + from_chip) * 128 + 4 * 1172
    assert exchange.blocks == 4


def test_a_long_response_is_chained_by_the_frame_size_of_the_reader() -> None:
    exchange = Contactless(106, fsc=16, fsd=256).exchange(bytes(5), bytes(300))
    to_chip = (1 + 9 * 8 + 2) + (1 + 9 * 3 + 2)
    from_chip = (1 + 9 * 256 + 1) + (1 + 9 * 50 + 1)
    assert cycles(exchange.seconds) == (to_chip + from_chip) * 128 + 4 * 1172


@pytest.mark.parametrize(("size", "blocks"), [(253, 2), (254, 4), (506, 4), (507, 6)])
def test_a_block_is_filled_before_the_next_begins(size: int, blocks: int) -> None:
    assert Contactless().exchange(bytes(5), bytes(size)).blocks == blocks


@pytest.mark.parametrize(("fwi", "milliseconds"), [(0, 0.302), (8, 77.3), (14, 4949)])
def test_the_frame_waiting_time_is_that_of_the_standard(fwi: int, milliseconds: float) -> None:
    """302 us at FWI 0 and 4949 ms at FWI 14 (ISO/IEC 14443-4, 7.2)."""
    waiting = Contactless(fwi=fwi).waiting * 1000
    assert waiting == pytest.approx(milliseconds, rel=1e-3)


@pytest.mark.parametrize(
    ("working", "wtxm", "extensions"),
    [(0.077, 1, 0), (0.078, 1, 1), (0.154, 1, 1), (0.155, 1, 2), (1.0, 1, 12), (1.0, 10, 2)],
)
def test_a_chip_that_works_longer_than_fwt_asks_for_time(
    working: float, wtxm: int, extensions: int
) -> None:
    """FWI 8 is 77.3 ms; S(WTX) of 4 octets and its answer of 4 extend it (14443-4, 7.3)."""
    link = Contactless(106, fwi=8, wtxm=wtxm)
    alone, exchange = link.exchange(SELECT, OK), link.exchange(SELECT, OK, working)
    assert exchange.extensions == extensions
    assert exchange.blocks == 2 + 2 * extensions
    both = (1 + 9 * 4 + 2 + 1 + 9 * 4 + 1) * 128 + 2 * 1172
    assert cycles(exchange.seconds - alone.seconds) == extensions * both


def test_activation_has_the_frames_of_one_chip() -> None:
    """5 ms in the field, then REQA, anticollision, SELECT, RATS and PPS at 106 kbit/s."""
    sizes = [(1, 2), (2, 5), (9, 3), (4, 16), (5, 3)]
    frames = sum((1 + 9 * sent + 2) + (1 + 9 * received + 1) for sent, received in sizes)
    expected = 0.005 * CARRIER + frames * 128 + 10 * 1172
    assert all(cycles(Contactless(rate).activation()) == expected for rate in RATES)


@given(link=LINKS, command=SIZES, response=SIZES)
def test_a_faster_link_is_never_slower(link: Contactless, command: int, response: int) -> None:
    faster = RATES[RATES.index(link.rate) + 1 :]
    taken = link.exchange(bytes(command), bytes(response)).seconds
    for rate in faster:
        other = Contactless(rate, link.signal, link.fsc, link.fsd, link.fwi, link.wtxm, link.cid)
        assert other.exchange(bytes(command), bytes(response)).seconds < taken


@given(link=LINKS, command=SIZES, response=SIZES, more=SIZES)
def test_more_octets_are_never_quicker(
    link: Contactless, command: int, response: int, more: int
) -> None:
    taken = link.exchange(bytes(command), bytes(response)).seconds
    assert link.exchange(bytes(command + more), bytes(response)).seconds > taken
    assert link.exchange(bytes(command), bytes(response + more)).seconds > taken


@given(link=LINKS, working=st.floats(0, 5), more=st.floats(0, 5))
def test_a_chip_that_works_longer_never_takes_less_of_the_link(
    link: Contactless, working: float, more: float
) -> None:
    taken = link.exchange(SELECT, OK, working)
    longer = link.exchange(SELECT, OK, working + more)
    assert longer.seconds >= taken.seconds
    assert longer.extensions >= taken.extensions


@pytest.mark.parametrize(
    "wrong", [{"rate": 100}, {"fsc": 100}, {"fsd": 8192}, {"fwi": 15}, {"wtxm": 0}, {"wtxm": 60}]
)
def test_a_link_that_the_standard_does_not_have_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(MisuseError):
        Contactless(**wrong)  # type: ignore[arg-type]
