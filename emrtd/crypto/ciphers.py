"""The block ciphers and message authentication codes of Doc 9303-11, 9.8 (secure messaging).

3DES is two-key 3DES in CBC mode with the Retail MAC (ISO/IEC 9797-1, MAC algorithm 3); AES is CBC
with CMAC (NIST SP 800-38B).  A MAC is 8 octets in each case.
"""

from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from support.errors import MalformedError, MisuseError
from support.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

MAC_SIZE: Final = 8
"""Octets of a MAC or an authentication token."""


@unique
class Cipher(Enum):
    """A symmetric cipher, by its name in the standard; keys have 16, 16, 24 and 32 octets."""

    TDES = "3DES"
    AES128 = "AES-128"
    AES192 = "AES-192"
    AES256 = "AES-256"

    @property
    def key_size(self) -> int:
        """Octets of a key."""
        return {Cipher.AES192: 24, Cipher.AES256: 32}.get(self, 16)

    @property
    def block_size(self) -> int:
        """Octets of a block: 8 for 3DES, 16 for AES."""
        return 8 if self is Cipher.TDES else 16

    def encrypt_cbc(self, key: Secret, iv: bytes, data: bytes) -> bytes:
        """Encrypt whole blocks in CBC mode; `iv` is one block."""
        return self._cbc(key, iv, data, encrypt=True)

    def decrypt_cbc(self, key: Secret, iv: bytes, data: bytes) -> bytes:
        """Decrypt whole blocks in CBC mode; `iv` is one block."""
        return self._cbc(key, iv, data, encrypt=False)

    def encrypt_block(self, key: Secret, block: bytes) -> bytes:
        """Encrypt a single block."""
        return self.encrypt_cbc(key, bytes(self.block_size), block)

    def mac(self, key: Secret, data: bytes) -> bytes:
        """Compute the MAC (8 octets) of a message of any length."""
        return self.mac_padded(key, pad(data, 8) if self is Cipher.TDES else data)

    def mac_padded(self, key: Secret, data: bytes) -> bytes:
        """Compute the MAC (8 octets) of a message that is already padded to whole blocks."""
        self.check(key)
        if self is Cipher.TDES:
            return _retail_mac(key.reveal(), data)
        return _cmac(key.reveal(), data)[:MAC_SIZE]

    def cmac(self, key: Secret, *parts: bytes) -> bytes:
        """Compute the whole CMAC (16 octets) of a message, given in parts; AES only."""
        self.check(key)
        if self is Cipher.TDES:
            raise MisuseError("CMAC is defined here for AES only")
        return _cmac(key.reveal(), *parts)

    def check(self, key: Secret) -> None:
        """Raise `MisuseError` unless the key has the size of this cipher's keys."""
        if len(key) != self.key_size:
            raise MisuseError(f"a key for {self.value} has {self.key_size} octets, not {len(key)}")

    def _cbc(self, key: Secret, iv: bytes, data: bytes, *, encrypt: bool) -> bytes:
        self.check(key)
        if len(iv) != self.block_size or len(data) % self.block_size:
            raise MisuseError(f"{self.value} in CBC mode needs whole blocks")
        context = cbc_context(self, key.reveal(), iv, encrypt=encrypt)
        return bytes(context.update(data) + context.finalize())


def cbc_context(cipher: Cipher, key: bytes, iv: bytes, *, encrypt: bool) -> "CipherContext":
    """Return a context for CBC without padding; `iv` is one block."""
    if cipher is Cipher.TDES:
        return _triple_des(key + key[:8], iv, encrypt=encrypt)
    return _aes(key, iv, encrypt=encrypt)


def _aes(key: bytes, iv: bytes, *, encrypt: bool) -> "CipherContext":
    from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    cipher = BlockCipher(AES(key), CBC(iv))
    return cipher.encryptor() if encrypt else cipher.decryptor()


def _triple_des(key: bytes, iv: bytes, *, encrypt: bool) -> "CipherContext":
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    cipher = BlockCipher(TripleDES(key), CBC(iv))
    return cipher.encryptor() if encrypt else cipher.decryptor()


def _cmac(key: bytes, *parts: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.cmac import CMAC

    mac = CMAC(AES(key))
    for each in parts:
        mac.update(each)
    return mac.finalize()


def _retail_mac(key: bytes, padded: bytes) -> bytes:
    """Apply DES with the first half of the key to all blocks but the last, and 3DES to the last."""
    single = _triple_des(key[:8] * 3, bytes(8), encrypt=True)
    chained = (bytes(8) + single.update(padded[:-8]))[-8:]
    final = _triple_des(key + key[:8], chained, encrypt=True)
    return final.update(padded[-8:]) + final.finalize()


def pad(data: bytes, block_size: int) -> bytes:
    """Pad to whole blocks with 80, then 00 to the end of the block (ISO/IEC 9797-1, method 2)."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block_size)


def unpad(data: bytes, block_size: int) -> bytes:
    """Remove the padding; raises `MalformedError` if the last block does not contain it."""
    end = data.rstrip(b"\x00")
    if not end.endswith(b"\x80") or not 0 < len(data) - len(end) + 1 <= block_size:
        raise MalformedError("padded data", "the last block does not end with 80 and zeros")
    return end[:-1]
