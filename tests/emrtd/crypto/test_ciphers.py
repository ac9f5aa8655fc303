import warnings

import pytest
from Crypto.Cipher import AES, DES, DES3
from Crypto.Hash import CMAC
from hypothesis import given
from hypothesis import strategies as st

from emrtd.crypto.ciphers import Cipher, pad, unpad
from support.errors import MalformedError, MisuseError
from support.secret import Secret

KEY = bytes(range(1, 33))


def key_for(cipher: Cipher) -> Secret:
    return Secret(KEY[: cipher.key_size])


def reference(cipher: Cipher, iv: bytes):
    key = KEY[: cipher.key_size]
    return (
        DES3.new(key, DES3.MODE_CBC, iv)
        if cipher is Cipher.TDES
        else AES.new(key, AES.MODE_CBC, iv)
    )


@pytest.mark.parametrize("cipher", Cipher)
@given(blocks=st.integers(0, 5), seed=st.binary(min_size=16, max_size=16))
def test_cbc_agrees_with_pycryptodome(cipher: Cipher, blocks: int, seed: bytes) -> None:
    iv, data = seed[: cipher.block_size], (seed * 5)[: blocks * cipher.block_size]
    encrypted = cipher.encrypt_cbc(key_for(cipher), iv, data)
    assert encrypted == reference(cipher, iv).encrypt(data)
    assert cipher.decrypt_cbc(key_for(cipher), iv, encrypted) == data


@given(st.binary(max_size=100))
def test_the_retail_mac_is_mac_algorithm_3(data: bytes) -> None:
    first, second = DES.new(KEY[:8], DES.MODE_ECB), DES.new(KEY[8:16], DES.MODE_ECB)
    state = bytes(8)
    padded = pad(data, 8)
    for position in range(0, len(padded), 8):
        block = padded[position : position + 8]
        state = first.encrypt(bytes(a ^ b for a, b in zip(state, block, strict=True)))
    expected = first.encrypt(second.decrypt(state))
    assert Cipher.TDES.mac(key_for(Cipher.TDES), data) == expected
    assert Cipher.TDES.mac_padded(key_for(Cipher.TDES), padded) == expected


@pytest.mark.parametrize("cipher", [Cipher.AES128, Cipher.AES192, Cipher.AES256])
@given(data=st.binary(max_size=100))
def test_cmac_agrees_with_pycryptodome(cipher: Cipher, data: bytes) -> None:
    expected = CMAC.new(KEY[: cipher.key_size], data, AES).digest()[:8]
    assert cipher.mac(key_for(cipher), data) == expected


@given(st.binary(max_size=70), st.sampled_from([8, 16]))
def test_unpad_reverses_pad(data: bytes, block_size: int) -> None:
    padded = pad(data, block_size)
    assert len(padded) % block_size == 0
    assert len(data) < len(padded) <= len(data) + block_size
    assert unpad(padded, block_size) == data


@pytest.mark.parametrize("octets", ["", "00" * 8, "8000000000000001", "80" + "00" * 8, "41" * 8])
def test_wrong_padding_is_refused(octets: str) -> None:
    with pytest.raises(MalformedError):
        unpad(bytes.fromhex(octets), 8)


@pytest.mark.parametrize("cipher", Cipher)
def test_wrong_key_and_block_sizes_are_misuse(cipher: Cipher) -> None:
    with pytest.raises(MisuseError, match="octets, not 3"):
        cipher.mac(Secret(b"abc"), b"")
    with pytest.raises(MisuseError, match="whole blocks"):
        cipher.encrypt_cbc(key_for(cipher), bytes(cipher.block_size), b"abc")
    with pytest.raises(MisuseError, match="whole blocks"):
        cipher.decrypt_cbc(key_for(cipher), bytes(4), bytes(32))


def test_no_cipher_causes_a_deprecation_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Cipher.TDES.mac(Secret(KEY[:8] * 2), Cipher.TDES.encrypt_block(Secret(KEY[:16]), bytes(8)))
