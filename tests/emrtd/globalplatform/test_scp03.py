"""Mutual authentication of SCP03: both sides, wrong keys, locks, and what the terminal refuses."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.globalplatform.derivation import card_challenge
from emrtd.globalplatform.initialize_update import InitializeUpdateAnswer
from emrtd.globalplatform.keys import MasterKeys
from emrtd.globalplatform.parameters import Mode, SecurityLevel, Variant
from emrtd.globalplatform.scp03 import (
    HostNotAcceptedError,
    KeySet,
    Scp03Card,
    WrongCardKeysError,
    authenticate,
)
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.status_words import SW
from support.errors import MalformedError
from support.secret import Secret
from tests.emrtd.globalplatform import independent
from tests.emrtd.globalplatform.cards import (
    AID,
    DIVERSIFICATION_DATA,
    KEY_SIZES,
    Card,
    key_octets,
    scp03_card,
    static_keys,
)
from tests.helpers import damaged

LEVEL = SecurityLevel.ALL


def initialize_update(version: int = 0, p2: int = 0, size: int = 8) -> CommandAPDU:
    return CommandAPDU(0x80, 0x50, version, p2, bytes(size), 256)


def test_two_commands_authenticate() -> None:
    card = Card(scp03_card(static_keys()))
    result = run(authenticate(static_keys(), LEVEL), card.process)
    assert [octets[:3].hex() for octets in card.received] == ["805000", "848233"]
    assert result.card.diversification_data == DIVERSIFICATION_DATA
    assert (result.card.key_version, result.card.sequence_counter) == (0x30, 1)
    assert result.keys == static_keys()
    assert result.channel.level is LEVEL


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("size", KEY_SIZES)
def test_random_and_pseudo_random_challenges(size: int, mode: Mode) -> None:
    keys = static_keys(size)
    key_set = KeySet(0x01, keys, sequence_counter=0x0102FE)
    variant = Variant(mode)
    scp03 = Scp03Card([key_set], variant, aid=AID, diversification_data=DIVERSIFICATION_DATA)
    answer = InitializeUpdateAnswer.decode(scp03.initialize_update(initialize_update(size=mode)))
    enc, mac, _ = key_octets(keys)
    context = bytes.fromhex("0102FF") + AID
    assert answer.card_challenge == independent.kdf(enc, 2, mode * 8, context)
    assert answer.card_challenge == card_challenge(keys.enc, 0x0102FF, AID, mode)

    at_random = Variant(mode, pseudo_random=False)
    challenge = bytes(range(0xA0, 0xA0 + mode))
    scp03 = Scp03Card(
        [key_set],
        at_random,
        aid=AID,
        diversification_data=DIVERSIFICATION_DATA,
        random=lambda n: challenge,
    )
    card = Card(scp03)
    result = run(authenticate(keys, LEVEL, mode=mode), card.process)
    assert (result.card.card_challenge, result.card.sequence_counter) == (challenge, None)
    host = card.received[0][5:-1]
    other = independent.Session(enc, mac, host, challenge, LEVEL)
    assert card.received[1] == other.external_authenticate()
    assert key_set.sequence_counter == 0x0102FF


def test_the_sequence_counter_ends() -> None:
    key_set = KeySet(0x01, static_keys(), sequence_counter=0xFFFFFE)
    scp03 = Scp03Card([key_set], Variant(), aid=AID, diversification_data=DIVERSIFICATION_DATA)
    scp03.initialize_update(initialize_update())
    with pytest.raises(ChipRefusalError) as caught:
        scp03.initialize_update(initialize_update())
    assert caught.value.sw == SW.CONDITIONS_NOT_SATISFIED
    assert key_set.sequence_counter == 0xFFFFFF


def test_wrong_keys_stop_before_external_authenticate() -> None:
    card = Card(scp03_card(static_keys(), retry_limit=3))
    for wrong in (static_keys(start=1), static_keys(24)):
        card.received.clear()
        with pytest.raises(WrongCardKeysError) as caught:
            run(authenticate(wrong, LEVEL), card.process)
        assert len(card.received) == 1
        assert caught.value.key_version == 0x30
        assert caught.value.diversification_data == DIVERSIFICATION_DATA
        assert caught.value.advice


def test_a_card_locks_after_wrong_keys_and_a_success_resets_the_count() -> None:
    card = Card(scp03_card(static_keys(), retry_limit=3))
    key_set = card.scp03.key_sets[0]
    wrong = static_keys(start=1)
    for _ in range(2):
        with pytest.raises(WrongCardKeysError):
            run(authenticate(wrong, LEVEL), card.process)
    assert key_set.failures == 2
    run(authenticate(static_keys(), LEVEL), card.process)
    assert key_set.failures == 0
    for _ in range(3):
        with pytest.raises(WrongCardKeysError):
            run(authenticate(wrong, LEVEL), card.process)
    assert key_set.locked
    with pytest.raises(ChipRefusalError) as caught:
        run(authenticate(static_keys(), LEVEL), card.process)
    assert caught.value.sw == SW.AUTHENTICATION_METHOD_BLOCKED
    assert key_set.failures == 3


def answering(sw: int) -> tuple[Card, Callable[[bytes], bytes]]:
    """Return a card that answers EXTERNAL AUTHENTICATE with this status word."""
    card = Card(scp03_card(static_keys()))

    def process(octets: bytes) -> bytes:
        response = card.process(octets)
        return sw.to_bytes(2, "big") if octets[1] == 0x82 else response

    return card, process


@pytest.mark.parametrize(
    ("sw", "tries"), [(0x6300, None), (0x63C2, 2), (0x63C0, 0), (0x6982, None), (0x6983, None)]
)
def test_a_host_that_is_not_accepted_is_told_apart_and_does_not_try_again(
    sw: int, tries: int | None
) -> None:
    card, process = answering(sw)
    with pytest.raises(HostNotAcceptedError) as caught:
        run(authenticate(static_keys(), LEVEL), process)
    assert (caught.value.sw, caught.value.tries_left) == (sw, tries)
    assert caught.value.key_version == 0x30
    assert len(card.received) == 2


def test_another_refusal_is_not_about_keys() -> None:
    _, process = answering(0x6A86)
    with pytest.raises(ChipRefusalError) as caught:
        run(authenticate(static_keys(), LEVEL), process)
    assert not isinstance(caught.value, HostNotAcceptedError)


@pytest.mark.parametrize("mode", Mode)
def test_every_changed_bit_of_the_authentication_is_refused(mode: Mode) -> None:
    """INITIALIZE UPDATE's answer by the terminal, EXTERNAL AUTHENTICATE by the card.

    Diversification data, key version and i are not covered by the cryptogram: the terminal uses
    them to choose keys and to check what it asked for, and a change of i is refused or without
    effect.
    """
    keys = static_keys()
    reference = Card(scp03_card(keys, Variant(mode)))
    run(authenticate(keys, LEVEL, mode=mode, random=bytes), reference.process)
    answer, command = reference.sent[0][:-2], reference.received[1]
    for bit in range(8 * 13, 8 * (13 + 2 * mode)):
        changed = bytearray(answer)
        changed[bit // 8] ^= 1 << bit % 8
        procedure = authenticate(keys, LEVEL, mode=mode, random=bytes)
        next(procedure)
        with pytest.raises(WrongCardKeysError):
            procedure.send(ResponseAPDU(bytes(changed)))
    for bit in range(8 * len(command)):
        changed = bytearray(command)
        changed[bit // 8] ^= 1 << bit % 8
        if bit // 8 == 1 or bit in {0, 1}:
            continue  # another instruction; the logical channel, which is not protected
        card = scp03_card(keys, Variant(mode))
        card.initialize_update(initialize_update(size=mode))
        try:
            received = CommandAPDU.decode(bytes(changed))
        except MalformedError:
            continue  # never reaches the protocol
        with pytest.raises(ChipRefusalError):
            card.external_authenticate(received)
        with pytest.raises(ChipRefusalError) as caught:  # the challenge is spent
            card.external_authenticate(CommandAPDU.decode(command))
        assert caught.value.sw == SW.CONDITIONS_NOT_SATISFIED


def test_a_refused_initialize_update_spends_the_challenge_before_it() -> None:
    reference = Card(scp03_card(static_keys()))
    run(authenticate(static_keys(), LEVEL, random=bytes), reference.process)
    card = scp03_card(static_keys())
    card.initialize_update(initialize_update())
    with pytest.raises(ChipRefusalError):
        card.initialize_update(initialize_update(p2=1))
    with pytest.raises(ChipRefusalError) as caught:
        card.external_authenticate(CommandAPDU.decode(reference.received[1]))
    assert caught.value.sw == SW.CONDITIONS_NOT_SATISFIED


def test_a_wrong_host_cryptogram_answers_6300() -> None:
    reference = Card(scp03_card(static_keys()))
    run(authenticate(static_keys(), LEVEL, random=bytes), reference.process)
    command = CommandAPDU.decode(reference.received[1])
    card = scp03_card(static_keys())
    card.initialize_update(initialize_update())
    wrong = CommandAPDU(0x84, 0x82, LEVEL, 0, damaged(command.data[:8]) + command.data[8:])
    with pytest.raises(ChipRefusalError) as caught:
        card.external_authenticate(wrong)
    assert caught.value.sw == SW.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (initialize_update(0x31), SW.REFERENCED_DATA_NOT_FOUND),
        (initialize_update(p2=1), SW.INCORRECT_P1_P2),
        (initialize_update(size=7), SW.WRONG_LENGTH),
        (initialize_update(size=16), SW.WRONG_LENGTH),
    ],
)
def test_what_the_card_refuses_counts_no_failure(command: CommandAPDU, sw: int) -> None:
    card = scp03_card(static_keys(), retry_limit=1)
    with pytest.raises(ChipRefusalError) as caught:
        card.initialize_update(command)
    assert caught.value.sw == sw
    assert (card.key_sets[0].failures, card.key_sets[0].sequence_counter) == (0, 0)


def test_a_key_version_selects_its_keys() -> None:
    key_sets = [KeySet(0x01, static_keys()), KeySet(0x02, static_keys(32, start=7))]
    scp03 = Scp03Card(key_sets, Variant(), aid=AID, diversification_data=DIVERSIFICATION_DATA)
    card = Card(scp03)
    result = run(authenticate(static_keys(32, start=7), LEVEL, key_version=2), card.process)
    assert result.card.key_version == 2
    assert run(authenticate(static_keys(), LEVEL), card.process).card.key_version == 1
    assert [each.sequence_counter for each in key_sets] == [1, 1]


@pytest.mark.parametrize(
    ("i", "level"),
    [(0x00, 0x11), (0x10, 0x13), (0x20, 0x33), (0x00, 0x33)],
)
def test_a_level_that_the_card_does_not_offer_is_refused_by_both(i: int, level: int) -> None:
    card = Card(scp03_card(static_keys(), Variant.of(i)))
    with pytest.raises(ProtocolError):
        run(authenticate(static_keys(), SecurityLevel(level)), card.process)
    assert len(card.received) == 1
    enc, mac, _ = key_octets(static_keys())
    answer = InitializeUpdateAnswer.decode(card.scp03.initialize_update(initialize_update()))
    other = independent.Session(enc, mac, bytes(8), answer.card_challenge, level)
    with pytest.raises(ChipRefusalError) as caught:
        card.scp03.external_authenticate(CommandAPDU.decode(other.external_authenticate()))
    assert caught.value.sw == SW.INCORRECT_P1_P2


@pytest.mark.parametrize(
    ("level", "p2"),
    [(0x00, 0), (0x02, 0), (0x10, 0), (0x21, 0), (0x30, 0), (0xFF, 0), (0x33, 0x01)],
)
def test_a_level_or_p2_that_is_none_is_refused_by_the_card(level: int, p2: int) -> None:
    card = scp03_card(static_keys())
    answer = InitializeUpdateAnswer.decode(card.initialize_update(initialize_update()))
    enc, mac, _ = key_octets(static_keys())
    other = independent.Session(enc, mac, bytes(8), answer.card_challenge, level)
    with pytest.raises(ChipRefusalError) as caught:
        card.external_authenticate(CommandAPDU.decode(other.external_authenticate(p2)))
    assert caught.value.sw == SW.INCORRECT_P1_P2


def test_an_answer_of_another_mode_version_or_protocol_is_refused() -> None:
    keys = static_keys()
    s8 = scp03_card(keys).initialize_update(initialize_update())
    s16 = scp03_card(keys, Variant(Mode.S16)).initialize_update(initialize_update(size=16))
    scp02 = s8[:11] + b"\x02" + s8[12:]
    for answer, version, error in (
        (s16, 0, ProtocolError),
        (s8, 0x31, ProtocolError),
        (scp02, 0, MalformedError),
        (s8[:-1], 0, MalformedError),
        (s8 + b"\x00", 0, MalformedError),
        (s8[:12], 0, MalformedError),
        (b"", 0, MalformedError),
    ):
        procedure = authenticate(keys, LEVEL, key_version=version, random=bytes)
        next(procedure)
        with pytest.raises(error) as caught:
            procedure.send(ResponseAPDU(answer))
        assert not isinstance(caught.value, WrongCardKeysError)


@pytest.mark.parametrize("i", range(256))
def test_the_parameter_i(i: int) -> None:
    reserved = i & 0x8E or i & 0x60 == 0x40
    if reserved:
        with pytest.raises(MalformedError):
            Variant.of(i)
    else:
        assert Variant.of(i).i == i


@settings(max_examples=200, deadline=None)
@given(
    ins=st.sampled_from([0x50, 0x82]),
    header=st.tuples(*[st.integers(0, 255)] * 3),
    data=st.sampled_from([8, 16, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n))
    | st.binary(max_size=40),
    begun=st.booleans(),
)
def test_whatever_the_terminal_sends_the_card_answers_with_a_status_word(
    ins: int, header: tuple[int, int, int], data: bytes, begun: bool
) -> None:
    card = scp03_card(static_keys())
    if begun:
        card.initialize_update(initialize_update())
    cla, p1, p2 = header
    command = CommandAPDU(cla, ins, p1, p2, data, 256)
    if ins == 0x82:
        with pytest.raises(ChipRefusalError):
            card.external_authenticate(command)
        return
    try:
        InitializeUpdateAnswer.decode(card.initialize_update(command))
    except ChipRefusalError:
        assert len(data) != 8 or p1 not in {0, 0x30} or p2 != 0
    else:
        assert (len(data), p2) == (8, 0)


def test_diversified_keys_open_the_card() -> None:
    masters = MasterKeys.single(Secret(bytes(range(32))))
    card = Card(scp03_card(masters.for_card(DIVERSIFICATION_DATA, 0x30)))
    result = run(authenticate(masters, LEVEL), card.process)
    assert result.keys == masters.for_card(DIVERSIFICATION_DATA, 0x30)
    other = Card(scp03_card(masters.for_card(bytes(10), 0x30)))
    with pytest.raises(WrongCardKeysError):
        run(authenticate(masters, LEVEL), other.process)


def test_no_key_is_in_a_repr_or_an_error() -> None:
    keys = static_keys()
    shown = [repr(keys), repr(MasterKeys.single(keys.enc)), repr(KeySet(1, keys))]
    card = Card(scp03_card(keys))
    shown.append(repr(run(authenticate(keys, LEVEL), card.process)))
    with pytest.raises(WrongCardKeysError) as caught:
        run(authenticate(static_keys(start=1), LEVEL), card.process)
    shown += [str(caught.value), repr(caught.value)]
    for key in keys.in_order:
        assert all(key.reveal().hex() not in each.lower() for each in shown)
        assert all(repr(key.reveal())[2:-1] not in each for each in shown)
