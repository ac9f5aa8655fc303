import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.groups import EcGroup, Group, ModpGroup
from emrtd.crypto.integrated_mapping import map_integrated, nonce_size, pseudo_random
from emrtd.errors import ProtocolError
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from tests.emrtd.crypto import oracle
from tests.helpers import facts

every_group = pytest.mark.parametrize("number", STANDARDISED)


def field_size(group: Group) -> int:
    return (group.field.bit_length() + 7) // 8


@every_group
def test_both_sides_agree_on_a_secret_of_the_size_of_the_field(number: int) -> None:
    group = STANDARDISED[number]
    ours, theirs = group.private_key(), group.private_key()
    secret = group.agree(ours, group.public_key(theirs))
    assert secret == group.agree(theirs, group.public_key(ours))
    assert len(secret) == field_size(group)


@every_group
def test_both_sides_map_to_the_same_generator(number: int) -> None:
    group = STANDARDISED[number]
    ours, theirs = group.private_key(), group.private_key()
    nonce = b"\x5a" * 16
    mapped = group.map_generic(nonce, group.shared_element(ours, group.public_key(theirs)))
    again = group.map_generic(nonce, group.shared_element(theirs, group.public_key(ours)))
    assert mapped == again != group
    assert mapped.order == group.order


@every_group
@pytest.mark.parametrize("cipher", Cipher)
def test_integrated_mapping_ends_in_the_group(number: int, cipher: Cipher) -> None:
    group = STANDARDISED[number]
    s, t = Secret(b"\x11" * nonce_size(cipher)), b"\x22" * cipher.key_size
    if number == 10:  # table 12: this curve cannot be used
        with pytest.raises(MisuseError, match="secp224r1"):
            map_integrated(group, s, t, cipher)
        return
    mapped = map_integrated(group, s, t, cipher)
    assert mapped != group
    if isinstance(mapped, EcGroup):
        assert mapped.curve.is_on_curve(mapped.curve.g)
    else:
        assert pow(mapped.g, group.order, group.field) == 1 != mapped.g


def test_integrated_mapping_of_the_appendices() -> None:
    for name in ("pace_im_ecdh_9303-11_H1", "pace_im_dh_9303-11_H2"):
        vector = facts(f"vectors/{name}.json")
        group = STANDARDISED[vector["parameter_id"]]
        s, t = Secret(bytes.fromhex(vector["nonce_s"])), bytes.fromhex(vector["nonce_t"])
        output, element = pseudo_random(s, t, Cipher.AES128, group.field)
        assert output.hex().upper() == vector["R_st"]
        assert element == int(vector["Rp_st"], 16)
        mapped = group.map_integrated(element)
        if isinstance(mapped, EcGroup):
            assert (
                mapped.curve.encode_point(mapped.curve.g)[1:].hex().upper()
                == (vector["mapped_generator_xy"])
            )
        else:
            assert mapped.g == int(vector["mapped_generator"], 16)


@pytest.mark.parametrize("sizes", [(15, 16), (16, 15), (32, 16), (0, 0)])
def test_nonces_of_the_wrong_length_are_refused(sizes: tuple[int, int]) -> None:
    s, t = (bytes(size) for size in sizes)
    with pytest.raises(MalformedError):
        pseudo_random(Secret(s), t, Cipher.AES128, STANDARDISED[13].field)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([8, 9, 12, 13]), st.integers(2, 2**180))
def test_the_encoding_to_a_curve_equals_the_jacobian_variant_of_appendix_b(
    number: int, element: int
) -> None:
    """Compare with the variant for Jacobian coordinates, B.3.

    Contrary to the appendix, the two may differ in the sign of y.  This has no effect: public keys
    then differ in sign too, and the shared secret is an x-coordinate.
    """
    group = STANDARDISED[number]
    assert isinstance(group, EcGroup)
    p, a, b, t = group.curve.p, group.curve.a, group.curve.b, element
    alpha = -t * t % p
    z = a * (alpha + alpha**2) % p
    x2 = -b * z * (1 + alpha + alpha**2) % p
    x3 = alpha * x2 % p
    h2 = (x2**3 + a * x2 * z**4 + b * z**6) % p
    u = -alpha * t * h2 % p
    root = pow(h2, p - 1 - (p + 1) // 4, p)
    x, y = (x2, root * h2) if root**2 * h2 % p == 1 else (x3, root * u)
    x, y = x * pow(z, -2, p) % p, y * pow(z, -3, p) % p
    assert group.map_integrated(element).curve.g in {(x, y), (x, p - y)}


def test_nonces_that_map_to_no_point_are_refused() -> None:
    for element in (0, 1):
        with pytest.raises(ProtocolError, match="no point"):
            STANDARDISED[13].map_integrated(element)
    with pytest.raises(ProtocolError, match="trivial"):
        STANDARDISED[0].map_integrated(0)


@pytest.mark.parametrize("number", [8, 13, 18])
def test_generic_mapping_is_s_times_g_plus_h(number: int) -> None:
    group = STANDARDISED[number]
    assert isinstance(group, EcGroup)
    curve = group.curve
    h = oracle.multiply(curve, 0xABCDEF, curve.g)
    assert h is not None
    mapped = group.map_generic(b"\x7f" * 16, curve.encode_point(h))
    s_g = oracle.multiply(curve, int.from_bytes(b"\x7f" * 16, "big"), curve.g)
    assert mapped.curve.g == oracle.add(curve, s_g, h)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_dh_public_values_are_validated(number: int) -> None:
    group = STANDARDISED[number]
    assert isinstance(group, ModpGroup)
    size = field_size(group)
    for value in (0, 1, group.p - 1, group.p, group.p + group.g):
        if value.bit_length() <= 8 * size:
            with pytest.raises(ProtocolError):
                group.agree(7, value.to_bytes(size, "big"))
    outside = next(v for v in range(2, 100) if pow(v, group.order, group.p) != 1)
    with pytest.raises(ProtocolError, match="not in the subgroup"):
        group.agree(7, bytes((outside,)))
    for octets in (b"", bytes(size + 1)):
        with pytest.raises(MalformedError):
            group.agree(7, octets)


def test_leading_zeros_of_a_dh_public_value_are_accepted_but_not_written() -> None:
    group = STANDARDISED[0]
    size = field_size(group)
    private = next(k for k in range(2, 5000) if len(group.public_key(k)) < size)
    public = group.public_key(private)
    assert public[0] != 0
    assert group.agree(9, public) == group.agree(9, public.rjust(size, b"\0"))


@pytest.mark.parametrize("number", [0, 9, 18])
def test_a_secret_with_leading_zeros_is_padded(number: int) -> None:
    group = STANDARDISED[number]
    base = group.public_key(1)
    secrets = [group.agree(private, base) for private in range(2, 1500)]
    padded = [each for each in secrets if each[0] == 0]
    assert padded
    assert {len(each) for each in secrets} == {field_size(group)}


def test_without_the_order_the_range_of_a_dh_key_is_checked() -> None:
    known = STANDARDISED[1]
    assert isinstance(known, ModpGroup)
    group = ModpGroup(known.p, known.g, None)
    assert group.agree(5, known.public_key(3)) == known.agree(3, known.public_key(5))
    with pytest.raises(ProtocolError):
        group.agree(5, b"\x01")
    with pytest.raises(MisuseError, match="order"):
        group.map_integrated(5)


def test_compressed_keys_of_the_worked_examples() -> None:
    for name, number in (("ecdh", 13), ("dh", 0)):
        example = facts(f"vectors/eac2_worked_example_{name}.json")
        public = bytes.fromhex(example["CA_version_2"]["terminal_ephemeral_public"])
        expected = example["TA_version_2"]["comp_PK_PCD"]
        assert STANDARDISED[number].compress(public).hex().upper() == expected
    assert len(STANDARDISED[2].compress(b"\x05")) == hashlib.sha1().digest_size


def test_private_keys_are_drawn_from_the_whole_range() -> None:
    group = STANDARDISED[18]  # the order has 521 bits: 7 bits of the first octet are cleared
    drawn = iter([bytes(66), b"\xff" * 66, b"\xfe\x01" + bytes(63) + b"\x05"])
    assert group.private_key(lambda size: next(drawn)) == 1 << 512 | 5
    with pytest.raises(MisuseError, match="randomness"):
        group.private_key(bytes)


def test_strengths_order_the_groups() -> None:
    strengths = [STANDARDISED[number].strength for number in (0, 8, 10, 12, 15, 17)]
    assert strengths == sorted(strengths)
    assert STANDARDISED[0].strength == 80
    assert STANDARDISED[13].strength == 128
