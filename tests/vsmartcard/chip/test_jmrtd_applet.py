"""A chip of the kind `jmrtd-applet`: each command and its refusals, and any octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.iso7816.apdu import ResponseAPDU
from tests.pair.station_cards import sample_blank
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.jmrtd_applet.commands import JMRTD_INSTRUCTIONS
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.security_domain import BlankKind
from vsmartcard.chip.state import ChipState

APPLET = "00A4040C07A0000002471001"
MRZ = "00DA00621D621B04094C38393839303243 3C04063639303830360406393430363233".replace(" ", "")
LOCK = "00DADEAD"


def answers(*commands: str, chip: Chip | None = None) -> list[str]:
    """Return the status words of a blank chip, or of this one, after the applet was selected."""
    chip = chip or sample_blank(BlankKind.JMRTD_APPLET)
    return [chip.process(bytes.fromhex(each)).hex()[-4:] for each in (APPLET, *commands)][1:]


def created(identifier: str = "0101", size: str = "0010") -> str:
    return f"00E00000066304{size}{identifier}"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (created(), "9000"),
        ("00E0000006640400100101", "6984"),  # another tag
        ("00E00000046304 0010".replace(" ", ""), "6700"),
        (created("0103"), "6982"),
        (created("0110"), "6f00"),  # DG16
        (created(size="8000"), "6f00"),
        ("00A4020C020101", "6a82"),
        ("00A4020C020104", "6982"),
        ("00A4020C03010101", "6700"),
        ("00B0000010", "6982"),
        ("00D600000101", "6985"),
        ("0084000008", "6985"),  # no MRZ
        ("00DA0000", "6a86"),
        ("00DA01640A7F4E0742055554303031", "6f00"),  # no EF.CVCA
        ("00DA006202621B", "6a80"),
        ("00DA006002" + "6000", "6a80"),
        ("00DA00630381011F", "6a80"),
        ("002241A600", "6d00"),
        ("0088000008" + 16 * "0", "6982"),
        ("80CA9F7F00", "6d00"),  # not in the applet
        ("00440000", "6d00"),
        (MRZ, "9000"),
        (LOCK, "9000"),
    ],
)
def test_commands_of_a_blank(command: str, sw: str) -> None:
    assert answers(command) == [sw]


def test_a_file_is_created_again_with_at_most_its_size() -> None:
    chip = sample_blank(BlankKind.JMRTD_APPLET)
    found = answers(
        created(), "00A40000020101", "00D600000411223344", "00D6000F021122", "00D680000111",
        created(size="0008"), created(size="0011"), chip=chip,
    )  # fmt: skip
    assert found == ["9000", "9000", "9000", "6a84", "6f00", "9000", "6a84"]
    (file,) = chip.state.files
    assert file.content == bytes.fromhex("1122334400000000")


def test_a_locked_chip_is_not_written_and_shows_no_file() -> None:
    commands = created(), MRZ, LOCK, created(), "00D600000101", MRZ, LOCK, "00A4020C020101"
    assert answers(*commands) == [*3 * ["9000"], *4 * ["6985"], "6982"]


def test_the_security_domain_returns_cplc_data_after_the_lock_too() -> None:
    chip = sample_blank(BlankKind.JMRTD_APPLET)
    answers(MRZ, LOCK, chip=chip)
    assert chip.process(bytes.fromhex("00A4040C08A000000151000000")) == b"\x90\x00"
    assert len(chip.process(bytes.fromhex("80CA9F7F00"))) == 3 + 42 + 2
    assert chip.process(bytes.fromhex("00DA0000")) == b"\x6d\x00"
    assert chip.process(bytes.fromhex("80500000080102030405060708")) == b"\x6d\x00"


def test_the_state_is_kept() -> None:
    chip = sample_blank(BlankKind.JMRTD_APPLET)
    answers(created(), MRZ, chip=chip)
    again = Chip(ChipState.decode(chip.state.encode()))
    assert again.state == chip.state
    assert answers("00DA0000", chip=again) == ["6a86"]


_octets = st.binary(max_size=60) | st.builds(
    lambda ins, parameters, data: bytes((0x00, ins, *parameters, len(data))) + data,
    st.sampled_from(sorted(JMRTD_INSTRUCTIONS)),
    st.sampled_from([(0, 0), (0, 0x60), (0, 0x61), (0, 0x62), (0, 0x63), (1, 0x64), (4, 12)]),
    st.binary(min_size=1, max_size=60),
)


@given(st.lists(_octets, max_size=12), st.booleans())
def test_any_octets_are_answered_and_a_locked_chip_keeps_its_state(
    commands: list[bytes], locked: bool
) -> None:
    chip = sample_blank(BlankKind.JMRTD_APPLET)
    answers(*((created(), MRZ, LOCK) if locked else ()), chip=chip)
    before = chip.state
    for octets in commands:
        assert ResponseAPDU.decode(chip.process(octets)).sw >> 12 in {6, 9}
    if locked:
        assert chip.state == before
        assert chip.state.life_cycle is LifeCycle.OPERATIONAL
