"""Key blocks of version D, which psec 1.3.0 (an independent implementation) made."""

import pytest

from personalise.station.key_sources.key_block import open_key_block
from support.errors import MalformedError, MisuseError
from support.secret import Secret

KEY = bytes(range(0x80, 0x90))
BLOCKS = {
    16: "D0144E5AX00N0000FFABF77DA0A27A25CAB6E2B2C554EB2EF2046E7AD69F1C3618ED2F31E8072296"
    "314635BDD98FCC590B4802085CE03A11234EFE9F12FAE480C2849A09C4DBCBB4",
    24: "D0144E5AX00N00007019E6A1281FB2C3F4579AB9D81005FCA7CD766B1BD794813E393DBA5816BF7E"
    "E215E955478BCB83E22848070B72B662BA4353FDBA96BE238991DA2B54DC2299",
    32: "D0144E5AX00N0000A56F3AD893291A4D7F56936E31688CD0DE0662DDF2A53195B32595B064600EAD"
    "4C2149132CF150D172C1B656E345DE18EFC20E196D06C32650CD511BC849F515",
}
"""By the size of the protection key 00 01 02 ..."""

WITH_OPTIONAL_BLOCKS = (
    "D0176E5AX00N0200KS1800604B120F9292800000PB0800002437097A4AF549B6CA1811B4548B323F6AB36DC9"
    "61649C140AD39E0495C1E42B0431BAF28F83D9EDC9C24B3E0F1704AD3327D5128A758B5B8F5DDB9742F253EC"
)
"""Of the key A0 A1 ... BF."""

WITH_EXTENDED_LENGTH = (
    "D0432E5AX00N0300CT0002010800"
    + "A" * 252
    + "KP0C00AABBCCPB0C00000000C7ACC5A716688B535169A6B15CBAFAB6AD40CF9FEFAE1599C751846516C3"
    "1136D22EF88C473B77212E5B40A7CB47D90B7D7742275F60F9900C3EF8A8DE8A75A5"
)
"""The length of its first optional block has four digits."""


def protection(size: int) -> Secret:
    return Secret(bytes(range(size)))


@pytest.mark.parametrize("size", list(BLOCKS))
def test_a_key_block_of_each_size_of_protection_key(size: int) -> None:
    assert open_key_block(BLOCKS[size], protection(size)).reveal() == KEY


def test_a_key_block_with_optional_blocks() -> None:
    assert open_key_block(WITH_OPTIONAL_BLOCKS, protection(32)).reveal() == bytes(range(0xA0, 0xC0))


def test_an_optional_block_with_an_extended_length() -> None:
    assert open_key_block(WITH_EXTENDED_LENGTH, protection(32)).reveal() == KEY
    for length in ("0000", "0001", "00FF0", "00020009", "00020000", "0002000A", "0002+108"):
        block = WITH_EXTENDED_LENGTH[:18] + length + WITH_EXTENDED_LENGTH[18 + len(length) :]
        with pytest.raises((MalformedError, MisuseError)):
            open_key_block(block, protection(32))


@pytest.mark.parametrize("version", "ABC")
def test_the_version_of_another_key_block_is_named(version: str) -> None:
    with pytest.raises(MalformedError, match=f"keys.txt: is a key block of version {version}"):
        open_key_block(version + BLOCKS[16][1:], protection(16), "keys.txt")


@pytest.mark.parametrize("position", range(16, len(BLOCKS[32]), 7))
def test_a_changed_key_block_is_refused(position: int) -> None:
    block = BLOCKS[32]
    other = "0" if block[position] != "0" else "1"
    with pytest.raises(MisuseError, match="MAC is wrong"):
        open_key_block(block[:position] + other + block[position + 1 :], protection(32))


def test_another_protection_key_is_refused() -> None:
    with pytest.raises(MisuseError, match="MAC is wrong"):
        open_key_block(BLOCKS[16], Secret(bytes(16)))


@pytest.mark.parametrize(
    ("at", "value", "problem"),
    [
        (0, "B", "a key block of version B, not D"),
        (1, "0160", "has 144 characters"),
        (5, "D0", "for the usage 'D0'"),
        (7, "T", "the algorithm 'T'"),
        (8, "N", "MAC is wrong"),
        (12, "01", "optional block|not hexadecimal"),
        (20, "ZZ", "not hexadecimal"),
        (1, "no", "not a key block"),
    ],
)
def test_a_wrong_header_is_named(at: int, value: str, problem: str) -> None:
    block = BLOCKS[32][:at] + value + BLOCKS[32][at + len(value) :]
    with pytest.raises((MalformedError, MisuseError), match=problem):
        open_key_block(block, protection(32))


def test_a_cut_off_key_block_is_refused() -> None:
    for size in range(0, len(BLOCKS[16]) - 1, 5):
        with pytest.raises(MalformedError):
            open_key_block(BLOCKS[16][:size], protection(16))
    with pytest.raises(MalformedError, match="cut off"):
        open_key_block("D0048" + BLOCKS[16][5:48], protection(16))
