import pytest
from ecdsa import curves as reference
from hypothesis import given
from hypothesis import strategies as st

from emrtd.asn1 import der
from emrtd.crypto.curves import explicit_curve
from emrtd.crypto.domain_parameters import (
    ID_DH_KEY_AGREEMENT,
    ID_DH_PUBLIC_NUMBER,
    STANDARDISED,
    decode_agreement_key,
    decode_domain_parameters,
    encode_agreement_key,
    encode_domain_parameters,
    is_known,
)
from emrtd.crypto.groups import EcGroup, ModpGroup
from emrtd.errors import ProtocolError
from support.errors import MalformedError
from tests.helpers import facts

every_group = pytest.mark.parametrize("number", STANDARDISED)


def test_the_standardised_parameters_equal_the_published_ones() -> None:
    parameters = facts("crypto/domain_parameters.json")["parameters"]
    assert {each["id"] for each in parameters} == set(STANDARDISED)
    for each in parameters:
        group = STANDARDISED[each["id"]]
        if isinstance(group, ModpGroup):
            assert group == ModpGroup(*(int(each[key], 16) for key in "pgq"))
        else:
            assert group.curve.p == int(each["p"], 16)
            assert group.curve.g == (int(each["Gx"], 16), int(each["Gy"], 16))


@every_group
@pytest.mark.parametrize("explicit", [True, False])
def test_parameters_and_keys_decode_to_themselves(number: int, explicit: bool) -> None:
    group = STANDARDISED[number]
    assert decode_domain_parameters(encode_domain_parameters(group, explicit=explicit)) == group
    public = group.public_key(group.private_key())
    info = encode_agreement_key(group, public, explicit=explicit)
    assert decode_agreement_key(info) == (group, public)
    assert is_known(group)


def test_the_key_of_appendix_i_is_read() -> None:
    vector = facts("vectors/pace_cam_ecdh_9303-11_I1.json")
    info = bytes.fromhex(vector["ChipAuthenticationPublicKeyInfo"])
    begin = info.index(bytes.fromhex("3052"))
    group, public = decode_agreement_key(info[begin : begin + 0x54])
    assert group == STANDARDISED[13]
    assert public.hex().upper() == "04" + vector["chip_static_public_xy"]
    assert encode_agreement_key(group, public) == info[begin : begin + 0x54]


def test_an_explicit_curve_is_validated_but_not_known() -> None:
    other = reference.SECP256k1
    p, a, b = (int(value) for value in (other.curve.p(), other.curve.a(), other.curve.b()))
    g = int(other.generator.x()), int(other.generator.y())
    group = EcGroup(explicit_curve(p, a % p, b, g, int(other.order)))
    octets = encode_domain_parameters(group)
    assert decode_domain_parameters(octets) == group
    assert not is_known(group)
    n = der.integer(int(other.order))
    with pytest.raises(MalformedError):
        decode_domain_parameters(octets.replace(n, der.integer(int(other.order) - 2)))


def test_a_group_without_its_order_is_recognised_or_stays_without() -> None:
    known = STANDARDISED[1]
    assert isinstance(known, ModpGroup)
    algorithm = der.sequence(
        der.oid(ID_DH_KEY_AGREEMENT), der.sequence(der.integer(known.p), der.integer(known.g))
    )
    assert decode_domain_parameters(algorithm) == known
    other = ModpGroup(known.p, known.g * known.g % known.p, None)
    assert decode_domain_parameters(encode_domain_parameters(other)) == other
    assert not is_known(other)


def modp(p: int, g: int, q: int) -> bytes:
    numbers = der.sequence(der.integer(p), der.integer(g), der.integer(q))
    return der.sequence(der.oid(ID_DH_PUBLIC_NUMBER), numbers)


def test_parameters_that_are_not_a_group_are_refused() -> None:
    known = STANDARDISED[0]
    assert isinstance(known, ModpGroup)
    p, g, q = known.p, known.g, known.order
    for wrong in (
        modp(p + 2, g, q),
        modp(p, g, q + 2),
        modp(p, 1, q),
        modp(p, p - 1, q),
        modp(p, 2, q),
        modp(p, g, 2),
        modp(7, 2, 3),
        modp(1 << 5000, 2, q),
    ):
        with pytest.raises(MalformedError):
            decode_domain_parameters(wrong)


def test_a_key_outside_its_group_is_refused() -> None:
    with pytest.raises(ProtocolError):
        decode_agreement_key(encode_agreement_key(STANDARDISED[13], b"\x04" + bytes(64)))
    with pytest.raises(ProtocolError):
        decode_agreement_key(encode_agreement_key(STANDARDISED[0], b"\x01"))


@given(st.binary(max_size=80))
def test_any_octets_decode_or_are_malformed(octets: bytes) -> None:
    for wrapped in (
        octets,
        der.sequence(octets),
        der.sequence(der.oid("1.2.840.10045.2.1"), octets),
    ):
        with pytest.raises(MalformedError):
            decode_domain_parameters(wrapped)
