"""The key derivation function of Doc 9303-11, 9.7.1."""

from hashlib import sha1, sha256
from typing import Final

from emrtd.crypto.ciphers import Cipher
from support.secret import Secret

ENCRYPTION: Final = 1
"""Counter of an encryption key: KEnc, KSEnc."""

AUTHENTICATION: Final = 2
"""Counter of a MAC key: KMAC, KSMAC."""

PASSWORD: Final = 3
"""Counter of the key K_pi that encrypts the nonce of PACE."""


def derive_key(secret: bytes, counter: int, cipher: Cipher) -> Secret:
    """Derive a key for `cipher` from a shared secret or password of any length: KDF(K, c)."""
    message = secret + counter.to_bytes(4, "big")
    strong = cipher in {Cipher.AES192, Cipher.AES256}  # 9.7.1.2: these use SHA-256
    keydata = (sha256 if strong else sha1)(message).digest()[: cipher.key_size]
    return Secret(_odd_parity(keydata) if cipher is Cipher.TDES else keydata)


def derive_session_keys(secret: bytes, cipher: Cipher) -> tuple[Secret, Secret]:
    """Derive KSEnc and KSMAC from a shared secret (9.7.4)."""
    return derive_key(secret, ENCRYPTION, cipher), derive_key(secret, AUTHENTICATION, cipher)


def _odd_parity(key: bytes) -> bytes:
    """Set the last bit of each octet so that the octet has an odd number of ones (9.7.1.1)."""
    return bytes(octet & 0xFE | ~(octet >> 1).bit_count() & 1 for octet in key)
