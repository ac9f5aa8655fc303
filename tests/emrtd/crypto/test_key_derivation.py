import hashlib

import pytest

from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.key_derivation import derive_key, derive_session_keys
from tests.helpers import facts

_CIPHERS = {("3DES", 112): Cipher.TDES}
_CIPHERS |= {("AES", cipher.key_size * 8): cipher for cipher in Cipher if cipher != Cipher.TDES}


def test_published_examples() -> None:
    vectors = facts("vectors/kdf.json")["vectors"]
    assert len(vectors) >= 7
    for vector in vectors:
        cipher = _CIPHERS[vector["cipher"], vector["key_bits"]]
        key = derive_key(bytes.fromhex(vector["K"]), vector["counter"], cipher)
        assert key.reveal().hex().upper() == vector["output"]
        message = bytes.fromhex(vector["K"]) + vector["counter"].to_bytes(4, "big")
        digest = hashlib.new(vector["hash"], message).digest()[: cipher.key_size]
        parity = 0xFE if cipher is Cipher.TDES else 0xFF
        assert all(a & parity == b & parity for a, b in zip(digest, key.reveal(), strict=True))


def test_the_document_of_appendix_d() -> None:
    example = facts("vectors/bac_3des_sm_9303-11_D.json")["key_derivation"]
    ks_enc, ks_mac = derive_session_keys(bytes.fromhex(example["Kseed"]), Cipher.TDES)
    for key, name in ((ks_enc, "enc"), (ks_mac, "mac")):
        assert key.reveal().hex().upper() == example[name]["Ka"] + example[name]["Kb"]


@pytest.mark.parametrize("cipher", Cipher)
def test_a_key_has_the_size_of_its_cipher_and_no_repr(cipher: Cipher) -> None:
    key = derive_key(b"any length at all", 1, cipher)
    assert len(key) == cipher.key_size
    assert key.reveal().hex() not in repr(key)


def test_each_octet_of_a_3des_key_has_odd_parity() -> None:
    for counter in range(50):
        key = derive_key(b"parity", counter, Cipher.TDES).reveal()
        assert all(octet.bit_count() % 2 for octet in key)
