"""Contact links against computations by hand from the numbers of ISO/IEC 7816-3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.errors import MalformedError, MisuseError
from vsmartcard.timing.contact import Contact, Transmission

SELECT = bytes.fromhex("00A4040C07A0000002471001")
READ = bytes.fromhex("00B0000000")
CHALLENGE = bytes.fromhex("00880000080102030405060708") + b"\x00"
OK = b"\x90\x00"

T0, T1 = Transmission.T0, Transmission.T1

SIZES = st.integers(min_value=2, max_value=2000)
LINKS = st.builds(
    Contact,
    protocol=st.sampled_from(Transmission),
    ta1=st.sampled_from([0x11, 0x18, 0x95, 0x96]),
    guard=st.integers(min_value=0, max_value=255),
    ifsc=st.integers(min_value=1, max_value=254),
    crc=st.booleans(),
)


def etu(link: Contact, seconds: float) -> float:
    return pytest.approx(seconds / link.etu)  # type: ignore[no-any-return]


def test_an_etu_is_f_over_d_clock_cycles() -> None:
    """372 cycles at 3.5712 MHz are 1/9600 s; TA1 96 is F = 512 and D = 32 (tables 7 and 8)."""
    assert Contact().etu == pytest.approx(1 / 9600)
    assert Contact(ta1=0x96, clock=4e6).etu == pytest.approx(512 / 32 / 4e6)
    assert Contact(ta1=0x18, clock=4e6).etu == pytest.approx(372 / 12 / 4e6)


@pytest.mark.parametrize(
    ("command", "response", "expected"),
    {
        # Case 3: header, procedure byte, 7 octets, status: 15 characters, 4 changes of direction.
        "case 3": (SELECT, OK, (15 - 4) * 12 + 4 * 16),
        # Case 2: header, procedure byte, 256 octets, status; 2 changes of direction.
        "case 2": (READ, bytes(256) + OK, (264 - 2) * 12 + 2 * 16),
        # Case 4: 61XX instead of the response, then GET RESPONSE (12.2.4).
        "case 4": (CHALLENGE, bytes(100) + OK, (16 + 108 - 6) * 12 + 6 * 16),
        # Case 1: header with P3 = 00, status.
        "case 1": (bytes.fromhex("00440000"), OK, (7 - 2) * 12 + 2 * 16),
    }.values(),
)
def test_t0_has_procedure_bytes_and_get_response(
    command: bytes, response: bytes, expected: int
) -> None:
    link = Contact(T0)
    assert etu(link, link.exchange(command, response).seconds) == expected


def test_t0_carries_extended_commands_in_envelope() -> None:
    """7 octets of header and Lc, 300 of data: 255 and 52 in ENVELOPE (12.2.3)."""
    command = bytes.fromhex("00D60000 00012C") + bytes(300)
    exchange = Contact(T0).exchange(command, OK)
    assert exchange.blocks == 2
    assert etu(Contact(T0), exchange.seconds) == (5 + 255 + 3 + 5 + 52 + 3 - 8) * 12 + 8 * 16


def test_t1_has_blocks_with_prologue_and_lrc() -> None:
    """16 and 6 characters of 12 etu; 22 etu before the other side's first one (11.2, 11.3)."""
    link = Contact(T1)
    exchange = link.exchange(SELECT, OK)
    assert etu(link, exchange.seconds) == (15 * 12 + 22) + (5 * 12 + 22)
    assert exchange.blocks == 2


def test_t1_chains_by_ifsc_and_acknowledges_with_r_blocks() -> None:
    """12 octets at IFSC 10: blocks of 14 and 6 characters, an R-block of 4 between (11.6.2)."""
    link = Contact(T1, ifsc=10, guard=255)
    exchange = link.exchange(SELECT, OK)
    characters = (14 - 1) + (4 - 1) + (6 - 1) + (6 - 1)
    assert etu(link, exchange.seconds) == characters * 11 + 4 * 22
    assert exchange.blocks == 4


def test_the_waiting_times_are_those_of_the_standard() -> None:
    """WWT = WI * 960 * F/f (10.2); BWT = 11 etu + 2^BWI * 960 * 372/f (11.4.3)."""
    assert Contact(T0).waiting == pytest.approx(1.0)
    assert Contact(T1).waiting == pytest.approx(11 / 9600 + 16 * 0.1)


@pytest.mark.parametrize("protocol", [T0, T1])
def test_a_chip_that_works_longer_asks_for_time(protocol: Transmission) -> None:
    """NULL is one character (10.3.3); S(WTX) and its answer have 5 each (11.3.2)."""
    link = Contact(protocol)
    alone, exchange = link.exchange(SELECT, OK), link.exchange(SELECT, OK, 2.5 * link.waiting)
    assert exchange.extensions == 2
    extra = 12 if protocol is T0 else 2 * (4 * 12 + 22)
    assert etu(link, exchange.seconds - alone.seconds) == 2 * extra


@pytest.mark.parametrize(
    ("atr", "expected"),
    [
        # of a J3A081: TA1 18, TC1 FF; TA3 FE and TB3 45 are for T=1
        (
            "3BF81800FF8131FE454A434F507632343143",
            {"ta1": 0x18, "guard": 255, "ifsc": 254, "bwi": 4},
        ),
        # of a J3R180: TA3 FE is for T=1, TA4 C3 for T=15
        ("3BD518FF8191FE1FC38073C821100A", {"ta1": 0x18, "guard": 255, "ifsc": 254}),
        ("3B9495810146545601C4", {"ta1": 0x95}),
        ("3B00", {}),
        ("3B6500000063CB680026", {}),
        # TC2: WI of 20; TB3 and TC3: BWI and CRC
        ("3BD015004014", {"ta1": 0x15, "wi": 20}),
        ("3B8080C14301", {"bwi": 4, "crc": True}),
    ],
)
def test_the_link_of_an_answer_to_reset(atr: str, expected: dict[str, int]) -> None:
    found = Contact.of_atr(bytes.fromhex(atr), T1)
    default = Contact(T1)
    for name in ("ta1", "guard", "wi", "ifsc", "bwi", "crc"):
        assert getattr(found, name) == expected.get(name, getattr(default, name)), name


@pytest.mark.parametrize("atr", ["", "3B", "3BF818", "3B1077", "3B80"])
def test_an_answer_to_reset_that_is_cut_short_or_wrong(atr: str) -> None:
    with pytest.raises(MalformedError):
        Contact.of_atr(bytes.fromhex(atr), T1)


@given(atr=st.binary(max_size=40))
def test_any_octets_are_an_answer_to_reset_or_malformed(atr: bytes) -> None:
    try:
        link = Contact.of_atr(atr, T1)
    except MalformedError:
        return
    assert link.exchange(SELECT, OK).seconds > 0


@given(link=LINKS, command=SIZES, response=SIZES, more=SIZES)
def test_more_octets_are_never_quicker(
    link: Contact, command: int, response: int, more: int
) -> None:
    """Commands are UPDATE BINARY of the extended form, and READ BINARY."""

    def update(size: int) -> bytes:
        return bytes.fromhex("00D60000 00") + size.to_bytes(2, "big") + bytes(size)

    taken = link.exchange(update(command), OK).seconds
    assert link.exchange(update(command + more), OK).seconds > taken
    taken = link.exchange(READ, bytes(response)).seconds
    assert link.exchange(READ, bytes(response + more)).seconds > taken


@pytest.mark.parametrize("clock", [0.0, -4e6, 0.9e6, 20.1e6, float("nan"), float("inf")])
def test_a_clock_that_no_reader_has_is_refused(clock: float) -> None:
    with pytest.raises(MisuseError):
        Contact(clock=clock)


@given(link=LINKS, response=SIZES)
def test_a_faster_clock_is_never_slower(link: Contact, response: int) -> None:
    faster = Contact(link.protocol, link.ta1, 2 * link.clock, link.guard, ifsc=link.ifsc)
    slower = Contact(link.protocol, link.ta1, link.clock, link.guard, ifsc=link.ifsc)
    taken = slower.exchange(READ, bytes(response)).seconds
    assert faster.exchange(READ, bytes(response)).seconds == pytest.approx(taken / 2)


@pytest.mark.parametrize(
    "wrong", [{"ta1": 0x17 | 0x70}, {"ta1": 0x10}, {"ifsc": 0}, {"ifsd": 255}, {"wi": 0}]
)
def test_a_link_that_the_standard_does_not_have_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(MisuseError):
        Contact(**wrong)  # type: ignore[arg-type]
