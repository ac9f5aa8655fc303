from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.access.chip_keys import (
    ActiveAuthenticationKey,
    ChipAuthenticationKey,
    ChipKeys,
    ChipPassword,
)
from emrtd.access.passwords import Password, PasswordType
from emrtd.crypto.hashes import Hash
from support.errors import MalformedError, MisuseError
from support.secret import Secret

_secrets = st.binary(min_size=1, max_size=300).map(Secret)
_certificates = st.binary(max_size=200).map(lambda body: tlv.encode(0x7F21, body))
_chip_authentication = st.builds(
    ChipAuthenticationKey,
    public_key=st.binary(max_size=300),
    private=_secrets,
    key_id=st.none() | st.integers(0, 2**64 - 1),
    protocols=st.lists(
        st.sampled_from(["0.4.0.127.0.7.2.2.3.2.2", "0.4.0.127.0.7.2.2.3.1.1"]), max_size=2
    ).map(tuple),
)


def _password(kind: PasswordType, secret: Secret) -> ChipPassword:
    return ChipPassword.of(Password(kind, secret))


_keys = st.builds(
    ChipKeys,
    passwords=st.lists(st.builds(_password, st.sampled_from(PasswordType), _secrets), max_size=4)
    .map(lambda found: {each.password.type: each for each in found})
    .map(lambda found: tuple(found.values())),
    basic_access_control=st.booleans(),
    open=st.booleans(),
    chip_authentication=st.lists(
        _chip_authentication, max_size=3, unique_by=lambda k: k.key_id
    ).map(tuple),
    active_authentication=st.none()
    | st.builds(ActiveAuthenticationKey, _secrets, st.sampled_from(Hash)),
    trust_points=st.lists(_certificates, max_size=2, unique=True).map(tuple),
    current_date=st.none() | st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    document_identifier=st.none() | _secrets,
)


@given(_keys)
def test_encoded_values_decode_to_themselves(keys: ChipKeys) -> None:
    assert ChipKeys.decode(keys.encode()) == keys


@given(_keys)
def test_writing_the_data_objects_twice_changes_nothing(keys: ChipKeys) -> None:
    written = ChipKeys()
    for tag, value in keys.data_objects() * 2:
        written = written.with_data_object(tag, value.reveal())
    assert sorted(written.data_objects(), key=_octets) == sorted(keys.data_objects(), key=_octets)


def _octets(data_object: tuple[int, Secret]) -> tuple[int, bytes]:
    return data_object[0], data_object[1].reveal()


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda body: tlv.encode(0xE0, body)))
def test_any_octets_decode_or_are_malformed(octets: bytes) -> None:
    try:
        ChipKeys.decode(octets)
    except MalformedError:
        return


@given(st.integers(0, 0xFF), st.binary(max_size=100))
def test_any_data_object_is_accepted_or_malformed(tag: int, value: bytes) -> None:
    try:
        ChipKeys().with_data_object(tag, value)
    except MalformedError:
        return


def test_no_repr_contains_a_secret() -> None:
    keys = ChipKeys(
        passwords=(ChipPassword.of(Password.can("123456")),),
        chip_authentication=(ChipAuthenticationKey(b"spki", Secret(b"hidden")),),
        document_identifier=Secret(b"L898902C<3"),
    )
    shown = repr(keys) + repr(keys.data_objects())
    assert not any(text in shown for text in ("123456", "hidden", "L898902C"))


def test_mrz_and_can_never_block() -> None:
    with pytest.raises(MisuseError, match="never blocks"):
        ChipPassword(Password.can("123456"), retry_limit=3)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("E003C20101", None),
        ("E003C20101C2", "octets follow the data object"),
        ("E003C30101", "unknown tag"),
        ("E008E106800105810141", "its type is not 1 to 4"),
        ("E008C606010302090900", "is not a date"),
        ("E008E109800101810141", "past"),
        ("E00BE109800101810141820103", "never blocks"),
    ],
)
def test_the_error_says_what_is_wrong_with_the_keys(octets: str, reason: str | None) -> None:
    if reason is None:
        assert ChipKeys.decode(bytes.fromhex(octets)).basic_access_control
    else:
        with pytest.raises(MalformedError, match=reason):
            ChipKeys.decode(bytes.fromhex(octets))
