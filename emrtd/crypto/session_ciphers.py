"""The cipher of one session: both key schedules are made once, and used for every message.

To make a context takes longer than to encrypt the answer to a READ BINARY.  A CBC context is
therefore never finished: after a message its chaining value is the last block of ciphertext, which
is known, so that the next message can begin with any IV.
"""

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from emrtd.crypto.ciphers import MAC_SIZE, Cipher, cbc_context
from support.errors import MisuseError
from support.secret import Secret


class SessionCipher:
    """A cipher with the keys of a session; every result is that of the same method of `Cipher`.

    Raises `MisuseError` if a key does not have the size that the cipher needs.
    """

    def __init__(self, cipher: Cipher, enc: Secret, mac: Secret) -> None:
        for key in (enc, mac):
            cipher.check(key)
        self.block_size = cipher.block_size
        self._zero = bytes(cipher.block_size)
        self._encryption = _Encryption(cipher, enc.reveal())
        self._decryption = cbc_context(cipher, enc.reveal(), self._zero, encrypt=False)
        octets = mac.reveal()
        self._mac = _RetailMac(octets) if cipher is Cipher.TDES else _Cmac(octets)

    def encrypt_cbc(self, iv: bytes, data: bytes) -> bytes:
        """Encrypt one block or more in CBC mode; `iv` is one block."""
        self._check(iv, data)
        return self._encryption.encrypt(iv, data)

    def decrypt_cbc(self, iv: bytes, data: bytes) -> bytes:
        """Decrypt one block or more in CBC mode; `iv` is one block."""
        self._check(iv, data)
        return self._decryption.update(iv + data)[self.block_size :]

    def encrypt_block(self, block: bytes) -> bytes:
        """Encrypt a single block."""
        return self.encrypt_cbc(self._zero, block)

    def mac_padded(self, data: bytes) -> bytes:
        """Compute the MAC (8 octets) of one block or more."""
        self._check(self._zero, data)
        return self._mac.of(data)

    def _check(self, iv: bytes, data: bytes) -> None:
        size = self.block_size
        if len(iv) != size or not data or len(data) % size:
            raise MisuseError(f"a block cipher needs one or more whole blocks of {size} octets")


class _Encryption:
    """CBC with one key, each message with an IV of its own."""

    def __init__(self, cipher: Cipher, key: bytes) -> None:
        self._size = cipher.block_size
        self._chaining = bytes(cipher.block_size)
        self._context = cbc_context(cipher, key, self._chaining, encrypt=True)

    def encrypt(self, iv: bytes, data: bytes) -> bytes:
        size = self._size
        first = (
            int.from_bytes(data[:size], "big")
            ^ int.from_bytes(iv, "big")
            ^ int.from_bytes(self._chaining, "big")
        )
        encrypted = self._context.update(first.to_bytes(size, "big") + data[size:])
        self._chaining = encrypted[-size:]
        return encrypted


class _Cmac:
    def __init__(self, key: bytes) -> None:
        self._keyed = CMAC(AES(key))

    def of(self, data: bytes) -> bytes:
        mac = self._keyed.copy()
        mac.update(data)
        return mac.finalize()[:MAC_SIZE]


class _RetailMac:
    """DES with the first half of the key for all blocks but the last, and 3DES for the last."""

    def __init__(self, key: bytes) -> None:
        self._first = _Encryption(Cipher.TDES, key[:8] * 2)
        self._last = _Encryption(Cipher.TDES, key)

    def of(self, data: bytes) -> bytes:
        zero = bytes(MAC_SIZE)
        chained = self._first.encrypt(zero, data[:-8])[-8:] if len(data) > MAC_SIZE else zero
        return self._last.encrypt(chained, data[-8:])
