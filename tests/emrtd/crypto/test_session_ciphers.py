"""A session's cipher against `Cipher`, which makes a new context for each message."""

import pytest

from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.session_ciphers import SessionCipher
from support.errors import MisuseError
from support.secret import Secret

every_cipher = pytest.mark.parametrize("cipher", Cipher)


def keys(cipher: Cipher) -> tuple[Secret, Secret]:
    size = cipher.key_size
    return Secret(bytes(range(size))), Secret(bytes(range(100, 100 + size)))


@every_cipher
def test_messages_in_any_order_do_not_depend_on_each_other(cipher: Cipher) -> None:
    enc, mac = keys(cipher)
    session, size = SessionCipher(cipher, enc, mac), cipher.block_size
    for number, blocks in enumerate((1, 2, 15, 1, 4, 1, 1)):
        iv = bytes([0xA5 ^ number]) * size
        data = bytes((number + each) % 256 for each in range(blocks * size))
        encrypted = session.encrypt_cbc(iv, data)
        assert encrypted == cipher.encrypt_cbc(enc, iv, data)
        assert session.mac_padded(data) == cipher.mac_padded(mac, data)
        assert session.encrypt_block(data[:size]) == cipher.encrypt_block(enc, data[:size])
        assert session.decrypt_cbc(iv, encrypted) == data
        assert session.decrypt_cbc(data[:size], data) == cipher.decrypt_cbc(enc, data[:size], data)


@every_cipher
def test_it_works_on_whole_blocks_only(cipher: Cipher) -> None:
    session, block = SessionCipher(cipher, *keys(cipher)), bytes(cipher.block_size)
    for method in (session.encrypt_cbc, session.decrypt_cbc):
        for iv, data in ((block, b""), (block, block + b"a"), (block[1:], block), (b"", block)):
            with pytest.raises(MisuseError, match="whole blocks"):
                method(iv, data)
    for data in (b"", block + b"a"):
        with pytest.raises(MisuseError, match="whole blocks"):
            session.mac_padded(data)
    # a refused message leaves no trace in the next one
    assert session.encrypt_block(block) == cipher.encrypt_block(keys(cipher)[0], block)


@every_cipher
@pytest.mark.parametrize("wrong", [0, 1])
def test_a_key_of_another_size_is_refused(cipher: Cipher, wrong: int) -> None:
    pair = list(keys(cipher))
    pair[wrong] = Secret(b"abc")
    with pytest.raises(MisuseError, match="a key for"):
        SessionCipher(cipher, *pair)
