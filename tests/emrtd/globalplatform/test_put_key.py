"""PUT KEY, both sides, held to an independent encoding of its data."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.globalplatform.keys import StaticKeys
from emrtd.globalplatform.parameters import SecurityLevel
from emrtd.globalplatform.put_key import (
    PUT_KEY,
    NewKeys,
    WrongCheckValueError,
    put_keys,
    receive_keys,
)
from emrtd.globalplatform.secure_channel import secured
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.status_words import SW
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from tests.emrtd.globalplatform import independent
from tests.emrtd.globalplatform.cards import KEY_SIZES, key_octets, opened, static_keys
from tests.helpers import damaged

FILLING = b"\xaa" * 16
sizes = pytest.mark.parametrize("size", KEY_SIZES)
dek_sizes = pytest.mark.parametrize("dek_size", KEY_SIZES)


def filling(count: int) -> bytes:
    return FILLING[:count]


def by_hand(version: int, keys: tuple[bytes, ...], dek: bytes) -> bytes:
    """Encode as Amendment D, table 7-10 says: 88, length, clear length, cryptogram, 03, check."""
    data = bytes([version])
    for key in keys:
        padded = key + FILLING[: -len(key) % 16]
        data += bytes([0x88, len(padded) + 1, len(key)]) + independent.encrypt_key(dek, padded)
        data += b"\x03" + independent.key_check_value(key)
    return data


@sizes
@dek_sizes
def test_the_data_equals_the_independent_one_and_reads_back(size: int, dek_size: int) -> None:
    keys, dek = static_keys(size), static_keys(dek_size, start=0x77).dek
    new = NewKeys(0x31, keys.in_order)
    encoded = new.encode(dek, filling)
    assert encoded == by_hand(0x31, key_octets(keys), dek.reveal())
    assert NewKeys.decode(encoded, dek) == new
    assert new.confirmation == b"\x31" + b"".join(
        independent.key_check_value(key) for key in key_octets(keys)
    )


@pytest.mark.parametrize("size", [16, 32])
def test_a_key_without_its_length_is_read(size: int) -> None:
    """A block of whole cipher blocks has no length octet (GPCS, 11.8.2.3.2, table 11-71)."""
    key, dek = bytes(range(size)), Secret(bytes(16))
    block = independent.encrypt_key(bytes(16), key)
    data = b"\x31\x88" + bytes([size]) + block + b"\x03" + independent.key_check_value(key)
    assert NewKeys.decode(data, dek).keys == (Secret(key),)


@sizes
def test_every_changed_octet_of_a_key_is_refused(size: int) -> None:
    dek = Secret(bytes(32))
    encoded = NewKeys(0x31, static_keys(size).in_order).encode(dek, filling)
    for position in range(1, len(encoded)):
        octets = encoded[:position] + bytes((encoded[position] ^ 0x01,)) + encoded[position + 1 :]
        with pytest.raises((MalformedError, WrongCheckValueError)):
            NewKeys.decode(octets, dek)


@given(st.sampled_from(KEY_SIZES), st.integers(0, 127))
def test_data_that_is_cut_off_is_malformed(size: int, length: int) -> None:
    dek = Secret(bytes(16))
    encoded = NewKeys(0x31, static_keys(size).in_order).encode(dek, filling)
    key = (len(encoded) - 1) // 3
    if length < len(encoded) and (length == 0 or (length - 1) % key or length == 1):
        with pytest.raises(MalformedError):
            NewKeys.decode(encoded[:length], dek)


def answered(change: Callable[[ResponseAPDU], ResponseAPDU]) -> tuple[CommandAPDU, StaticKeys]:
    """Put keys inside a session, through a change of the answer; return what the card received."""
    old, new = static_keys(16), static_keys(32, start=9)
    received: list[CommandAPDU] = []

    def handle(command: CommandAPDU) -> ResponseAPDU:
        received.append(command)
        return change(ResponseAPDU(receive_keys(command, old.dek).confirmation))

    result, card = opened(old, SecurityLevel.ALL, handle=handle)
    procedure = put_keys(new, 0x31, dek=result.keys.dek, replaces=0x30)
    run(secured(procedure, result.channel), card.process)
    return received[0], new


def test_a_key_set_is_put_in_one_command_inside_a_session() -> None:
    command, new = answered(lambda response: response)
    assert command.header == bytes((0x80, PUT_KEY, 0x30, 0x81))
    assert receive_keys(command, static_keys(16).dek) == NewKeys(0x31, new.in_order)


def test_a_card_that_confirms_other_keys_is_set_aside() -> None:
    for change in (damaged, lambda data: data[:-3], lambda data: b""):
        with pytest.raises(ProtocolError) as caught:
            answered(lambda response, change=change: ResponseAPDU(change(response.data)))
        assert "unknown" in caught.value.advice
    with pytest.raises(ChipRefusalError):
        answered(lambda _: ResponseAPDU(sw=SW.NOT_ENOUGH_MEMORY))


def test_the_status_words_of_the_card() -> None:
    dek = Secret(bytes(16))
    data = NewKeys(0x31, static_keys().in_order).encode(dek)
    one = NewKeys(0x31, (static_keys().enc,)).encode(dek)
    assert len(receive_keys(CommandAPDU(0x80, PUT_KEY, 0, 0x01, one), dek).keys) == 1
    for p2, octets, sw in (
        (0x81, damaged(data), SW.SECURITY_STATUS_NOT_SATISFIED),
        (0x81, data[:-1], SW.INCORRECT_DATA),
        (0x81, b"\x80" + data[1:], SW.INCORRECT_DATA),
        (0x81, data.replace(b"\x88", b"\x80", 1), SW.INCORRECT_DATA),
        (0x01, data, SW.INCORRECT_P1_P2),
        (0x81, one, SW.INCORRECT_P1_P2),
        (0x80, data, SW.INCORRECT_P1_P2),
    ):
        with pytest.raises(ChipRefusalError) as caught:
            receive_keys(CommandAPDU(0x80, PUT_KEY, 0x00, p2, octets), dek)
        assert caught.value.sw == sw


def test_versions_and_keys_that_cannot_be_put() -> None:
    key = static_keys().enc
    for version in (0, 0x80):
        with pytest.raises(MisuseError):
            NewKeys(version, (key,))
    with pytest.raises(MisuseError):
        NewKeys(1, ())
    with pytest.raises(MisuseError):
        next(put_keys(static_keys(), 1, dek=key, replaces=0x80))
