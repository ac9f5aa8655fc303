"""The chip profiles: those that ship, their sources, and how mistakes in others are named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.errors import MalformedError, MisuseError
from tests.helpers import REPOSITORY
from vsmartcard.timing import profile
from vsmartcard.timing.contact import Contact, Transmission
from vsmartcard.timing.contactless import Contactless, Signal
from vsmartcard.timing.operations import BY_BITS, BY_OCTETS, Operation, Work
from vsmartcard.timing.profile import LINKS, PROFILES, load_profile, read_timing

SHIPPED = REPOSITORY / "vsmartcard" / "timing" / "profiles"
OPERATIONS = st.builds(
    Operation, work=st.sampled_from(Work), size=st.integers(min_value=1, max_value=4096)
)


def test_all_profiles_that_ship_are_named() -> None:
    assert tuple(sorted(each.stem for each in SHIPPED.iterdir())) == PROFILES


@pytest.mark.parametrize("name", PROFILES)
def test_every_figure_has_a_source_or_says_that_it_is_assumed(name: str) -> None:
    chip = load_profile(name)
    assert chip.name == name
    used = set()
    tables = (chip.overhead, chip.memory, chip.contactless, chip.contact)
    for each in (*tables, *chip.by_octets.values(), *chip.by_bits.values()):
        source = each.source.partition(":")[0]
        assert source == "estimate" or source in chip.sources, each
        used.add(source)
    assert used - {"estimate"} == set(chip.sources)


def test_an_operation_takes_its_start_and_its_octets() -> None:
    """AES-128 of the J3R180: 1.55 ms and 0.0013 ms an octet."""
    chip = load_profile("2026")
    taken = chip.seconds([Operation(Work.AES128, 224)])
    assert taken == pytest.approx((1.55 + 224 * 0.0013) / 1000)


@pytest.mark.parametrize(
    ("bits", "milliseconds"),
    [
        (256, 55.08),
        (384, 100.78),
        # between 256 and 320 bits: a power that meets both
        (288, 55.08 * (288 / 256) ** 1.443),
        # beyond the largest and the smallest: the cube
        (1042, 207.02 * 8),
        (112, 52.72 / 8),
    ],
)
def test_the_time_of_a_size_that_was_not_measured_follows_a_power(
    bits: int, milliseconds: float
) -> None:
    taken = load_profile("2018").seconds([Operation(Work.EC_MULTIPLY, bits)])
    assert taken * 1000 == pytest.approx(milliseconds, rel=1e-3)


def test_pages_and_commands_are_counted() -> None:
    chip = load_profile("2010")
    assert chip.seconds([], pages=3, commands=2) == pytest.approx((3 * 2.7 + 2 * 5.0) / 1000)


@given(operation=OPERATIONS, more=st.integers(min_value=0, max_value=4096))
def test_a_larger_operation_is_never_quicker(operation: Operation, more: int) -> None:
    larger = Operation(operation.work, operation.size + more)
    for name in PROFILES:
        chip = load_profile(name)
        assert 0 < chip.seconds([operation]) <= chip.seconds([larger])


SIZES = {
    Work.AES128: 256,
    Work.TDES: 256,
    Work.SHA256: 64,
    Work.RANDOM: 8,
    Work.EC_MULTIPLY: 256,
    Work.EC_SIGN: 256,
    Work.EC_VERIFY: 384,
    Work.DH: 2048,
    Work.RSA_PRIVATE: 2048,
    Work.RSA_PUBLIC: 2048,
}


@pytest.mark.parametrize("work", SIZES, ids=str)
def test_newer_chips_are_quicker(work: Work) -> None:
    taken = [load_profile(name).seconds([Operation(work, SIZES[work])]) for name in PROFILES]
    assert taken[0] > max(taken[1:])


def test_a_link_has_the_figures_of_its_chip() -> None:
    chip, link = read_timing("2026")
    assert link == Contactless(424, Signal.A, 1024, 1024, 8, 1)
    assert read_timing("2026,106b")[1] == Contactless(106, Signal.B, 1024, 1024, 8, 1)
    assert read_timing("2010,t1")[1] == Contact(Transmission.T1, 0x18, 3_571_200, ifsc=254)
    assert [chip.link(name).name for name in LINKS] == list(LINKS)


@pytest.mark.parametrize("text", ["2011", "", "2018,", "2018,9600", "2018,848c", "nowhere.toml"])
def test_an_unknown_profile_or_link_is_a_mistake(text: str) -> None:
    with pytest.raises(MisuseError):
        read_timing(text)


VALID = (SHIPPED / "2018.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("page_ms", "page_seconds", "page_seconds"),
        ("[by_octets.random]", "[by_octets.randomness]", "randomness"),
        ("octet_ms = 0.0029\n", "", "octet_ms"),
        ("[by_bits.rsa-private]", "[by_bits.random]", "random"),
        ('source = "estimate: between', 'reason = "estimate: between', "reason"),
        ("256 = 55.08", "256 = 5.508", "not quicker"),
        ("fsc = 256", "fsc = 250", "FSC"),
        ('ta1 = "95"', 'ta1 = "9?"', "TA1"),
        ("page_octets = 128", "page_octets = 0", "page_octets"),
        ("page_octets", "\N{NULL}", "TOML"),
        # a time that no clock can wait for
        ("command_ms = 2.0", "command_ms = -2.0", "command_ms"),
        ("start_ms = 15.0", "start_ms = nan", "start_ms"),
        ("page_ms = 1.52", "page_ms = inf", "page_ms"),
        ("octet_ms = 0.0029", "octet_ms = 1e9", "octet_ms"),
        # of which no power can be made
        ("1024 = 14.2", "1024 = 0", "by_bits"),
        ("1024 = 14.2", "1024 = nan", "by_bits"),
        ("1024 = 14.2", "0 = 14.2", "by_bits"),
        ("1024 = 14.2", '"-1024" = 14.2', "by_bits"),
        ("1024 = 14.2", "02048 = 14.2", "by_bits"),
        ("1024 = 14.2", "bits = 14.2", "by_bits"),
        ('ta1 = "95"', 'ta1 = "1_1"', "TA1"),
        ("clock_mhz = 4.8", "clock_mhz = 0", "0 MHz"),
        ("clock_mhz = 4.8", "clock_mhz = -4.8", "-4.8 MHz"),
        ("clock_mhz = 4.8", "clock_mhz = nan", "nan MHz"),
    ],
)
def test_a_mistake_in_a_profile_is_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert old in VALID
    file = tmp_path / "chip.toml"
    file.write_text(VALID.replace(old, new), encoding="utf-8")
    with pytest.raises(MalformedError) as error:
        load_profile(str(file))
    assert reason in str(error.value) or reason == "TOML"


def test_another_profile_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(VALID.replace("page_ms = 1.52", "page_ms = 7.0"), encoding="utf-8")
    chip, link = read_timing(f"{file},848")
    assert chip.memory.page_ms == 7.0
    assert link.name == "848"


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    file.write_bytes(b"#" * (profile._MAX_SIZE + 1))
    with pytest.raises(MalformedError):
        load_profile(str(file))


def test_each_kind_of_operation_is_in_one_table() -> None:
    assert set(BY_OCTETS) | set(BY_BITS) == set(Work)
    assert not set(BY_OCTETS) & set(BY_BITS)
