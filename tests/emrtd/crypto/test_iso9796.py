from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from emrtd.crypto import iso9796
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey
from emrtd.crypto.signatures import RsaPublicKey
from emrtd.errors import ProtocolError
from support.errors import MisuseError
from tests.helpers import facts

NONCE = bytes(range(8))


@cache
def key(bits: int = 1024) -> RsaPrivateKey:
    return RsaPrivateKey(rsa.generate_private_key(65537, bits))


def sign_representative(representative: bytes) -> bytes:
    return key().apply(int.from_bytes(representative, "big")).to_bytes(128, "big")


@pytest.mark.parametrize("algorithm", Hash)
@pytest.mark.parametrize("bits", [1024, 1536])
def test_every_trailer_verifies(algorithm: Hash, bits: int) -> None:
    signature = iso9796.sign(key(bits), algorithm, NONCE)
    found = iso9796.verify(key(bits).public_key, signature, NONCE)
    assert found.hash is algorithm
    assert found.quirks == ()
    assert len(found.m1) == iso9796.m1_size(bits, algorithm)


@pytest.mark.parametrize("index", range(5))
def test_message_representatives_of_every_trailer(index: int) -> None:
    vector = facts("vectors/aa_rsa_extra.json")["message_representatives"][index]
    f, m1 = bytes.fromhex(vector["F"]), bytes.fromhex(vector["M1"])
    algorithm = Hash(vector["hash"])
    nonce = bytes.fromhex(vector["RND.IFD"])
    assert iso9796.TRAILERS[algorithm].hex().upper() == vector["trailer"]
    assert algorithm.digest(m1 + nonce).hex().upper() == vector["digest"]
    assert iso9796.message_representative(8 * len(f), algorithm, m1, nonce) == f


def test_the_worked_example_of_appendix_f() -> None:
    vector = facts("vectors/aa_rsa_9303-11_F.json")
    m1, m2 = bytes.fromhex(vector["M1"]), bytes.fromhex(vector["M2"])
    assert 8 * iso9796.m1_size(vector["modulus_bits"], Hash.SHA1) == vector["L_M1_bits"]
    assert Hash.SHA1.digest(m1 + m2).hex().upper() == vector["H"]
    f = iso9796.message_representative(vector["modulus_bits"], Hash.SHA1, m1, m2)
    assert f.hex().upper() == vector["F"]


def test_a_signature_over_another_message_is_refused() -> None:
    signature = iso9796.sign(key(), Hash.SHA256, NONCE)
    with pytest.raises(ProtocolError, match="not that of the message"):
        iso9796.verify(key().public_key, signature, bytes(8))


@given(st.integers(0, 1023))
def test_a_flipped_bit_anywhere_is_refused(bit: int) -> None:
    signature = int.from_bytes(iso9796.sign(key(), Hash.SHA256, NONCE), "big") ^ 1 << bit
    with pytest.raises(ProtocolError):
        iso9796.verify(key().public_key, signature.to_bytes(128, "big"), NONCE)


@given(st.binary(max_size=130))
def test_any_octets_are_refused(signature: bytes) -> None:
    with pytest.raises(ProtocolError):
        iso9796.verify(key().public_key, signature, NONCE)


def test_the_form_of_paragraph_b4_is_a_quirk() -> None:
    signature = int.from_bytes(iso9796.sign(key(), Hash.SHA1, NONCE), "big")
    n = key().public_key.n
    found = iso9796.verify(key().public_key, (n - signature).to_bytes(128, "big"), NONCE)
    assert found.hash is Hash.SHA1
    assert "B.4" in found.quirks[0]


def test_the_explicit_trailer_of_sha1_is_a_quirk() -> None:
    m1 = bytes(128 - 1 - 20 - 2)
    signature = sign_representative(b"\x6a" + m1 + Hash.SHA1.digest(m1 + NONCE) + b"\x33\xcc")
    assert "33CC" in iso9796.verify(key().public_key, signature, NONCE).quirks[0]


def test_a_shorter_m1_is_padded_by_digits_b_and_a() -> None:
    m1 = bytes(10)
    end = m1 + Hash.SHA256.digest(m1 + NONCE) + b"\x34\xcc"
    head = b"\x6b" + b"\xbb" * (128 - 2 - len(end)) + b"\xba"
    assert iso9796.verify(key().public_key, sign_representative(head + end), NONCE).m1 == m1


@pytest.mark.parametrize("head", ["4a", "2a", "6c", "7a", "0a"])
def test_another_header_is_refused(head: str) -> None:
    f = iso9796.message_representative(1024, Hash.SHA1, bytes(106), NONCE)
    with pytest.raises(ProtocolError, match="partial recovery"):
        iso9796.verify(key().public_key, sign_representative(bytes.fromhex(head) + f[1:]), NONCE)


def test_padding_without_an_end_is_refused() -> None:
    with pytest.raises(ProtocolError):
        iso9796.verify(
            key().public_key, sign_representative(b"\x6b" + b"\xbb" * 126 + b"\xbc"), NONCE
        )


def test_an_unknown_trailer_is_refused() -> None:
    with pytest.raises(ProtocolError, match="31CC"):
        iso9796.verify(
            key().public_key, sign_representative(b"\x6a" + bytes(125) + b"\x31\xcc"), NONCE
        )


def test_a_modulus_or_exponent_out_of_bounds_is_refused_at_once() -> None:
    for n, e in ((1 << 20000 | 1, 3), (15, 3), (key().public_key.n, 1 << 64 | 1)):
        with pytest.raises(ProtocolError):
            iso9796.verify(RsaPublicKey(n, e), bytes(128), NONCE)


def test_a_modulus_that_is_too_short_for_the_hash_is_misuse() -> None:
    with pytest.raises(MisuseError):
        iso9796.m1_size(512, Hash.SHA512)
    with pytest.raises(MisuseError):
        iso9796.m1_size(1023, Hash.SHA1)
    with pytest.raises(MisuseError):
        iso9796.message_representative(1024, Hash.SHA1, b"", NONCE)
