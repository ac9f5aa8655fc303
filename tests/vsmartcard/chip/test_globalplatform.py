"""A blank chip with a security domain: any octets, the state that it keeps, and refusals."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.globalplatform.keys import TEST_KEYS
from emrtd.globalplatform.parameters import SecurityLevel
from emrtd.globalplatform.scp03 import Authenticated, authenticate
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.status_words import SW
from support.errors import MalformedError, MisuseError
from tests.pair.station_cards import KINDS, sample_blank
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.security_domain import BlankKind
from vsmartcard.chip.state import ChipState

SELECT = bytes.fromhex("00A4040C08A000000151000000")
INSTALL = bytes.fromhex("80E620000D000007A000000247100100000000")

headers = st.tuples(
    st.sampled_from([0x00, 0x04, 0x0C, 0x10, 0x80, 0x84, 0x90]),
    st.sampled_from([0x50, 0x82, 0xA4, 0xB0, 0xCA, 0xD8, 0xE2, 0xE6, 0xF0, 0xE0, 0x44]),
    st.sampled_from([0x00, 0x04, 0x08, 0x20, 0x33, 0x60, 0x80, 0x88]),
    st.sampled_from([0x00, 0x01, 0x0C, 0x7F]),
)
commands = st.builds(
    lambda header, data: bytes(header) + (bytes((len(data),)) + data if data else b"\0"),
    headers,
    st.binary(max_size=60),
)


@given(st.lists(commands | st.binary(max_size=40), max_size=12), st.sampled_from(KINDS))
def test_any_commands_leave_a_blank_chip_that_was_not_opened(
    octets: list[bytes], kind: BlankKind
) -> None:
    chip = sample_blank(kind)
    before = chip.state
    chip.process(SELECT)
    for each in octets:
        assert len(chip.process(each)) >= 2
    after = ChipState.decode(chip.state.encode())
    assert (after.files, after.life_cycle) == (before.files, before.life_cycle)
    assert after.keys.encode() == before.keys.encode()


def opened() -> tuple[Chip, Authenticated]:
    chip = sample_blank(BlankKind.GLOBALPLATFORM)
    chip.process(SELECT)
    return chip, run(authenticate(TEST_KEYS, SecurityLevel.ALL), chip.process)


def send(chip: Chip, session: Authenticated, command: CommandAPDU) -> int:
    protected = session.channel.protect_command(command, 256)
    response = ResponseAPDU.decode(chip.process(protected.encode()))
    return session.channel.unprotect_response(response).sw


def store(number: int, data: str, p1: int = 0x08) -> CommandAPDU:
    return CommandAPDU(0x80, 0xE2, p1, number, bytes.fromhex(data))


CREATE, WRITE = "E001070101010100000A", "E00208010101000000AABB"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (store(0, WRITE), SW.FILE_NOT_FOUND),
        (store(0, CREATE + CREATE), SW.FILE_ALREADY_EXISTS),
        (store(0, CREATE + "E00208010101000009AABB"), SW.NOT_ENOUGH_MEMORY),
        (store(0, CREATE + "E0020801010100000BAABB"), SW.WRONG_OFFSET),
        (store(0, "E0010701013F000100000A"), SW.INCORRECT_DATA),
        (store(0, "E001070101011F00000A"), SW.INCORRECT_DATA),
        (store(0, "E0010701010101FFFFFF"), SW.NOT_ENOUGH_MEMORY),
        (store(1, CREATE), SW.INCORRECT_P1_P2),
        (store(0, CREATE, 0x88), SW.INCORRECT_DATA),
        (store(0, CREATE, 0x68), SW.INCORRECT_DATA),
        (store(0, CREATE, 0x10), SW.INCORRECT_DATA),
        (store(0, "E00400"), SW.INCORRECT_DATA),
        (store(0, "E00400", 0x88), SW.CONDITIONS_NOT_SATISFIED),
        (store(0, "E0040100", 0x88), SW.CONDITIONS_NOT_SATISFIED),
        (store(0, "E00312010100112233445566778899AABBCCDDEEFF", 0x68), SW.INCORRECT_DATA),
        (store(0, "E00300", 0x68), SW.INCORRECT_DATA),
        (store(0, "E0090100"), SW.REFERENCED_DATA_NOT_FOUND),
        (CommandAPDU(0x80, 0xE6, 0x20, 0x01, INSTALL[5:18]), SW.INCORRECT_P1_P2),
        (CommandAPDU(0x80, 0xE6, 0x20, 0x00, b"\0\0\5abcde\0\0\0"), SW.REFERENCED_DATA_NOT_FOUND),
        (CommandAPDU(0x80, 0xF0, 0x40, 0x07), SW.INCORRECT_P1_P2),
        (CommandAPDU(0x80, 0xF0, 0x80, 0x7F), SW.OK),
        (CommandAPDU(0x80, 0xD8, 0x31, 0x81, b"a"), SW.INCORRECT_DATA),
        (CommandAPDU(0x80, 0x02, 0x00, 0x00), SW.INSTRUCTION_NOT_SUPPORTED),
        (CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=1), SW.INSTRUCTION_NOT_SUPPORTED),
        (CommandAPDU(0x80, 0xCA, 0x00, 0x66, ne=1), SW.REFERENCED_DATA_NOT_FOUND),
    ],
)
def test_the_refusals_of_the_security_domain_change_nothing(command: CommandAPDU, sw: int) -> None:
    chip, session = opened()
    assert send(chip, session, CommandAPDU.decode(INSTALL)) == SW.OK
    before = chip.state
    assert send(chip, session, command) == sw
    if sw != SW.OK:
        assert chip.state == before
        assert send(chip, session, store(0, CREATE + WRITE)) == SW.OK
        assert [each.content[:3] for each in chip.state.files] == [b"\xaa\xbb\0"]


def test_store_data_needs_install_in_this_session() -> None:
    chip, session = opened()
    assert send(chip, session, store(0, CREATE)) == SW.CONDITIONS_NOT_SATISFIED
    assert send(chip, session, CommandAPDU.decode(INSTALL)) == SW.OK
    assert send(chip, session, store(0, CREATE)) == SW.OK
    chip.process(SELECT)
    assert chip.process(bytes.fromhex("84E2080100")) == b"\x69\x82"
    session = run(authenticate(TEST_KEYS, SecurityLevel.ALL), chip.process)
    assert send(chip, session, store(1, WRITE)) == SW.CONDITIONS_NOT_SATISFIED


def test_a_security_domain_that_is_malformed_is_refused() -> None:
    rng = random.Random(3)  # noqa: S311 - reproducible, not secret
    octets = sample_blank(BlankKind.GLOBALPLATFORM).state.encode()
    for _ in range(400):
        at = rng.randrange(len(octets))
        changed = octets[:at] + bytes((octets[at] ^ 1 << rng.randrange(8),)) + octets[at + 1 :]
        try:
            ChipState.decode(changed)
        except MalformedError:
            continue
    assert BlankKind.of("globalplatform") is BlankKind.GLOBALPLATFORM
    with pytest.raises(MisuseError, match="use one of iso7816-9, globalplatform"):
        BlankKind.of("other")
