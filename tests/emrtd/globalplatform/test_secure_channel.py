"""The secure messaging of SCP03: both sides, held to an independent writing of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.globalplatform.derivation import SessionKeys
from emrtd.globalplatform.parameters import Mode, SecurityLevel, Variant
from emrtd.globalplatform.scp03 import KeySet, Scp03Card, authenticate
from emrtd.globalplatform.secure_channel import SecureChannel, SecureChannelError, secured
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import Procedure, exchange, run
from emrtd.status_words import SW
from support.errors import MalformedError, MisuseError
from tests.emrtd.globalplatform import independent
from tests.emrtd.globalplatform.cards import (
    AID,
    DIVERSIFICATION_DATA,
    KEY_SIZES,
    Card,
    key_octets,
    opened,
    static_keys,
)

LENGTHS = (0, 1, 15, 16, 17, 223, 239, 240, 247, 248, 255, 256, 4096)
ALL = SecurityLevel.ALL
WITH_R_MAC = [level for level in SecurityLevel if level.authenticates_responses]

every_key_size = pytest.mark.parametrize("size", KEY_SIZES)
every_mode = pytest.mark.parametrize("mode", Mode)
every_level = pytest.mark.parametrize("level", SecurityLevel, ids=lambda level: f"{level:02X}")


def both_ends(size: int, mode: Mode, level: SecurityLevel) -> tuple[SecureChannel, SecureChannel]:
    """Return the terminal's and the card's side of a session."""
    host, card = bytes(range(mode)), bytes(range(0x80, 0x80 + mode))
    keys = SessionKeys.derive(static_keys(size), host + card)
    first, second = (SecureChannel(keys, mode, level, bytes(16)) for _ in range(2))
    return first, second


def both_ends_and_another() -> tuple[SecureChannel, SecureChannel, independent.Session]:
    """Return both sides of a session of S8 and level 33, and the independent one with its keys."""
    enc, mac, _ = key_octets(static_keys())
    other = independent.Session(enc, mac, bytes(range(8)), bytes(range(0x80, 0x88)), ALL)
    return *both_ends(16, Mode.S8, ALL), other


exchanges = st.lists(
    st.tuples(
        st.sampled_from([0x00, 0x80, 0x90]),
        st.one_of(st.sampled_from(LENGTHS), st.integers(0, 1000)),
        st.sampled_from([None, 1, 255, 256, 257, 65536]),
        st.one_of(st.sampled_from(LENGTHS), st.integers(0, 1000)),
        st.sampled_from([0x9000, 0x6282, 0x6310, 0x63C2, 0x6A80, 0x6982]),
        st.booleans(),
    ),
    max_size=6,
)


@every_level
@every_mode
@every_key_size
@settings(max_examples=12, deadline=None)
@given(steps=exchanges)
def test_a_session_equals_the_independent_one(
    size: int, mode: Mode, level: SecurityLevel, steps: list[tuple[int, ...]]
) -> None:
    answers: list[ResponseAPDU] = []
    seen: list[CommandAPDU] = []

    def handle(command: CommandAPDU) -> ResponseAPDU:
        seen.append(command)
        return answers[-1]

    keys = static_keys(size)
    result, card = opened(keys, level, mode, handle)
    host = card.received[0][5:-1]
    enc, mac, _ = key_octets(keys)
    other = independent.Session(enc, mac, host, result.card.card_challenge, level)
    assert other.card_cryptogram == result.card.card_cryptogram
    assert card.received[1] == other.external_authenticate()
    for cla, length, ne, response_length, sw, extended in steps:
        command = CommandAPDU(cla, 0xE2, 0x01, 0x02, bytes(length), ne, bool(extended))
        is_error = sw >> 8 not in {0x90, 0x62, 0x63}
        answers.append(ResponseAPDU(b"" if is_error else bytes(response_length), sw))
        response = run(secured(exchange(command), result.channel), card.process)
        assert response == answers[-1]
        assert card.received[-1] == other.command(
            command.header, command.data, ne, long=command.is_extended
        )
        assert card.sent[-1] == other.response(answers[-1].data, sw)
        assert (seen[-1].header, seen[-1].data, seen[-1].ne) == (command.header, command.data, ne)


@every_level
@every_mode
@every_key_size
def test_commands_of_every_length_up_to_the_longest(
    size: int, mode: Mode, level: SecurityLevel
) -> None:
    terminal, card = both_ends(size, mode, level)
    short, longest = terminal.command_capacity(), terminal.command_capacity(65535)
    for length in (*LENGTHS, short, short + 1, 32767, longest):
        plain = CommandAPDU(0x80, 0xE2, 0x88, 0x00, bytes(length))
        protected = CommandAPDU.decode(terminal.protect_command(plain).encode())
        assert protected.is_extended == (length > short)
        received = card.unprotect_command(protected)
        assert (received.header, received.data) == (plain.header, plain.data)
        room = terminal.response_capacity(65536)
        response = card.protect_response(ResponseAPDU(bytes(room)))
        assert len(response.data) <= 65536
        assert len(terminal.unprotect_response(response).data) == room
    with pytest.raises(MisuseError):
        terminal.protect_command(CommandAPDU(0x80, 0xE2, data=bytes(longest + 1)))
    again = terminal.protect_command(CommandAPDU(0x80, 0xE2, data=b"more"))  # nothing had changed
    assert card.unprotect_command(again).data == b"more"


def flipped(octets: bytes, bits: int = 8) -> list[tuple[int, int, bytes]]:
    """Return the octets with each bit changed, after its position and the mask of the bit."""
    return [
        (i, 1 << bit, octets[:i] + bytes((octets[i] ^ 1 << bit,)) + octets[i + 1 :])
        for i in range(len(octets))
        for bit in range(bits)
    ]


@pytest.mark.parametrize("length", [0, 5, 20])
@every_level
@every_mode
def test_every_changed_bit_of_a_command_is_refused(
    mode: Mode, level: SecurityLevel, length: int
) -> None:
    plain = CommandAPDU(0x80, 0xE2, 0x88, 0x01, bytes(range(length)))
    octets = both_ends(16, mode, level)[0].protect_command(plain).encode()
    for position, mask, changed in flipped(octets):
        if position == 0 and mask <= 0x02:
            continue  # the logical channel is not protected (Amendment D, 6.2.4)
        card = both_ends(16, mode, level)[1]
        try:
            command = CommandAPDU.decode(changed)
        except MalformedError:
            continue
        with pytest.raises(SecureChannelError) as caught:
            card.unprotect_command(command)
        assert caught.value.sw == SW.SECURITY_STATUS_NOT_SATISFIED
        with pytest.raises(SecureChannelError):  # not even the right one is accepted after it
            card.unprotect_command(CommandAPDU.decode(octets))


@pytest.mark.parametrize("size", KEY_SIZES)
def test_every_changed_octet_of_a_command_of_extended_length_is_refused(size: int) -> None:
    plain = CommandAPDU(0x80, 0xE2, 0x88, 0x01, bytes(300))
    octets = both_ends(size, Mode.S8, ALL)[0].protect_command(plain).encode()
    for position, _, changed in flipped(octets, bits=1):
        if position == 0:
            continue
        card = both_ends(size, Mode.S8, ALL)[1]
        with pytest.raises((SecureChannelError, MalformedError)):
            card.unprotect_command(CommandAPDU.decode(changed))


@pytest.mark.parametrize("sw", [0x9000, 0x6310])
@pytest.mark.parametrize("length", [0, 5, 20])
@pytest.mark.parametrize("level", WITH_R_MAC, ids=lambda level: f"{level:02X}")
@every_mode
def test_every_changed_bit_of_a_response_is_refused(
    mode: Mode, level: SecurityLevel, length: int, sw: int
) -> None:
    plain = CommandAPDU(0x80, 0xCA, ne=256)

    def after_command() -> tuple[SecureChannel, SecureChannel]:
        terminal, card = both_ends(16, mode, level)
        card.unprotect_command(terminal.protect_command(plain))
        return terminal, card

    terminal, card = after_command()
    octets = card.protect_response(ResponseAPDU(bytes(range(length)), sw)).encode()
    assert terminal.unprotect_response(ResponseAPDU.decode(octets)).data == bytes(range(length))
    without_mac = octets[: -2 - mode] + octets[-2:]
    for changed in (*(each for _, _, each in flipped(octets)), without_mac, octets[-2:]):
        terminal, _ = after_command()
        with pytest.raises(SecureChannelError):
            terminal.unprotect_response(ResponseAPDU.decode(changed))
        with pytest.raises(SecureChannelError):
            terminal.protect_command(plain)


def test_a_command_that_is_repeated_left_out_or_out_of_order_is_refused() -> None:
    terminal, _ = both_ends(16, Mode.S8, ALL)
    first, second, third = (
        terminal.protect_command(CommandAPDU(0x80, 0xE2, p2=number)) for number in range(3)
    )
    for wrong in ([first, first], [second], [first, third], [first, second, first]):
        _, card = both_ends(16, Mode.S8, ALL)
        for command in wrong[:-1]:
            card.unprotect_command(command)
        with pytest.raises(SecureChannelError):
            card.unprotect_command(wrong[-1])


def test_the_response_to_another_command_is_refused() -> None:
    terminal, card = both_ends(16, Mode.S8, SecurityLevel.C_MAC_R_MAC)
    command = CommandAPDU(0x80, 0xCA, ne=256)
    card.unprotect_command(terminal.protect_command(command))
    earlier = card.protect_response(ResponseAPDU(b"value"))
    terminal.unprotect_response(earlier)
    card.unprotect_command(terminal.protect_command(command))
    with pytest.raises(SecureChannelError):
        terminal.unprotect_response(earlier)


def test_a_command_without_data_moves_the_counter() -> None:
    """The same data is encrypted otherwise after it, and the card follows."""
    terminal, card = both_ends(16, Mode.S8, ALL)
    fresh, _ = both_ends(16, Mode.S8, ALL)
    data = CommandAPDU(0x80, 0xE2, data=b"the same")
    card.unprotect_command(terminal.protect_command(CommandAPDU(0x80, 0xCA)))
    later = terminal.protect_command(data)
    assert later.data[:16] != fresh.protect_command(data).data[:16]
    assert card.unprotect_command(later).data == b"the same"


def test_a_card_whose_counter_does_not_move_for_empty_commands() -> None:
    """Against Amendment D, 6.2.6; such cards are in the field (GlobalPlatformPro, PR 227)."""
    keys, seen = static_keys(), []

    def handle(command: CommandAPDU) -> ResponseAPDU:
        seen.append(command.data)
        return ResponseAPDU(b"answer")

    def card() -> Card:
        scp03 = Scp03Card(
            [KeySet(0x30, keys)],
            Variant(),
            aid=AID,
            diversification_data=DIVERSIFICATION_DATA,
            counts_empty_commands=False,
        )
        return Card(scp03, handle)

    def commands() -> Procedure[bytes]:
        yield CommandAPDU(0x80, 0xCA, ne=256)
        return (yield CommandAPDU(0x80, 0xE2, data=b"data", ne=256)).require("STORE DATA")

    quirky = card()
    opening = authenticate(keys, ALL, counts_empty_commands=False)
    channel = run(opening, quirky.process).channel
    assert run(secured(commands(), channel), quirky.process) == b"answer"
    assert seen == [b"", b"data"]
    quirky = card()
    opening = authenticate(keys, ALL, random=bytes)  # of some challenges the padding is right
    channel = run(opening, quirky.process).channel
    with pytest.raises(SecureChannelError):
        run(secured(commands(), channel), quirky.process)


def test_a_response_without_data_is_not_decrypted() -> None:
    terminal, card = both_ends(16, Mode.S8, ALL)
    card.unprotect_command(terminal.protect_command(CommandAPDU(0x80, 0xE2, data=b"data")))
    response = card.protect_response(ResponseAPDU())
    assert len(response.data) == 8
    assert terminal.unprotect_response(response) == ResponseAPDU()


def test_a_protected_response_longer_than_ne_is_fetched_and_then_verified() -> None:
    """GET RESPONSE belongs to the transport: it is outside the session, and in no MAC."""
    data = bytes(range(250))
    result, card = opened(static_keys(), ALL, handle=lambda _: ResponseAPDU(data))
    rest = b""

    def process(octets: bytes) -> bytes:
        nonlocal rest
        if octets[1] != INS.GET_RESPONSE:
            rest = card.process(octets)[:-2]
        part, rest = rest[:200], rest[200:]
        return part + (bytes((0x61, len(rest))) if rest else b"\x90\x00")

    procedure = secured(exchange(CommandAPDU(0x80, 0xCA, ne=256)), result.channel)
    assert run(with_response_chaining(procedure), process).data == data


@pytest.mark.parametrize("sw", [0x6100, 0x6400, 0x6700, 0x6982, 0x6A80, 0x6F00])
def test_an_error_has_no_r_mac_and_the_session_goes_on(sw: int) -> None:
    terminal, card = both_ends(16, Mode.S8, ALL)
    command = CommandAPDU(0x80, 0xE2, data=b"data")
    card.unprotect_command(terminal.protect_command(command))
    response = card.protect_response(ResponseAPDU(b"dropped", sw))
    assert response == ResponseAPDU(sw=sw)
    assert terminal.unprotect_response(response) == response
    assert card.unprotect_command(terminal.protect_command(command)) == command


@pytest.mark.parametrize("cla", [0x00, 0x03, 0x80, 0x83, 0x90, 0x40, 0x4F, 0xC0, 0xC5, 0xDF])
def test_logical_channels_are_kept_and_are_not_in_the_mac(cla: int) -> None:
    terminal, card = both_ends(16, Mode.S8, ALL)
    protected = terminal.protect_command(CommandAPDU(cla, 0xE2, data=b"x"))
    assert protected.cla == cla | (0x20 if cla & 0x40 else 0x04)
    assert card.unprotect_command(protected).cla == cla
    basic = both_ends(16, Mode.S8, ALL)[0].protect_command(CommandAPDU(cla & 0x90, 0xE2, data=b"x"))
    assert basic.data == protected.data


@pytest.mark.parametrize("cla", [0x84, 0x0C, 0x08, 0x24, 0xA0, 0x60, 0xE1])
def test_a_class_that_is_not_plain_is_not_protected(cla: int) -> None:
    terminal, _ = both_ends(16, Mode.S8, ALL)
    with pytest.raises(MisuseError):
        terminal.protect_command(CommandAPDU(cla, 0xE2))


@pytest.mark.parametrize("cla", [0x80, 0x8C, 0x88, 0xA4, 0xC4])
def test_a_class_without_the_right_secure_messaging_ends_the_session(cla: int) -> None:
    terminal, card = both_ends(16, Mode.S8, ALL)
    protected = terminal.protect_command(CommandAPDU(0x80, 0xE2))
    with pytest.raises(SecureChannelError):
        card.unprotect_command(CommandAPDU(cla, 0xE2, data=protected.data))
    with pytest.raises(SecureChannelError):
        card.protect_response(ResponseAPDU())


@pytest.mark.parametrize(
    "blocks",
    [bytes(16), bytes(32), b"\x80" + bytes(31), b"no padding here!"],
    ids=["zeros", "more zeros", "80 before the last block", "text"],
)
def test_encrypted_data_without_padding_is_refused(blocks: bytes) -> None:
    """The MAC is right, so the peer has the keys; it has padded wrongly."""
    terminal, card, other = both_ends_and_another()
    other.counter = 1
    header = bytes((0x80, 0xE2, 0, 0))
    wrong = other.command_with_mac(header, other.encrypted(0x00, blocks), None)
    with pytest.raises(SecureChannelError):
        card.unprotect_command(CommandAPDU.decode(wrong))
    terminal, card, other = both_ends_and_another()
    terminal.protect_command(CommandAPDU(0x80, 0xE2))
    other.command(header, b"", None)
    wrong = other.response_with_mac(other.encrypted(0x80, blocks), 0x9000)
    with pytest.raises(SecureChannelError):
        terminal.unprotect_response(ResponseAPDU.decode(wrong))


@pytest.mark.parametrize("length", [1, 15, 17])
def test_encrypted_data_that_is_not_whole_blocks_is_refused(length: int) -> None:
    terminal, card, other = both_ends_and_another()
    header = bytes((0x80, 0xE2, 0, 0))
    wrong = other.command_with_mac(header, bytes(length), None)
    with pytest.raises(SecureChannelError):
        card.unprotect_command(CommandAPDU.decode(wrong))
    terminal, card, other = both_ends_and_another()
    terminal.protect_command(CommandAPDU(0x80, 0xE2))
    other.command(header, b"", None)
    wrong = other.response_with_mac(bytes(length), 0x9000)
    with pytest.raises(SecureChannelError):
        terminal.unprotect_response(ResponseAPDU.decode(wrong))


@settings(max_examples=200, deadline=None)
@given(
    cla=st.integers(0, 255),
    data=st.binary(max_size=80),
    sw=st.sampled_from([0x9000, 0x6300, 0x6A80]) | st.integers(0, 0xFFFF),
)
def test_anything_else_is_refused_with_one_kind_of_error(cla: int, data: bytes, sw: int) -> None:
    terminal, card = both_ends(16, Mode.S8, ALL)
    with pytest.raises(SecureChannelError):
        card.unprotect_command(CommandAPDU(cla, 0xE2, data=data))
    terminal.protect_command(CommandAPDU(0x80, 0xE2))
    is_error = sw != 0x9000 and sw >> 8 not in {0x62, 0x63}
    if is_error and not data:
        assert terminal.unprotect_response(ResponseAPDU(sw=sw)).data == b""
    else:
        with pytest.raises(SecureChannelError):
            terminal.unprotect_response(ResponseAPDU(data, sw))
