"""Private keys in files: PKCS#8, encrypted with a pass phrase (RFC 5958, RFC 8018, RFC 7914).

OpenSSL reads these files: `openssl pkey -inform DER -in FILE -text`.  `cryptography` can write them
only for some of the curves that Doc 9303 uses.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.private_keys import PrivateKey, load_private_key
from emrtd.iso7816.procedure import Random
from support.errors import MalformedError, MisuseError
from support.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

_PBES2: Final = "1.2.840.113549.1.5.13"
_SCRYPT: Final = "1.3.6.1.4.1.11591.4.11"
_AES_256_CBC: Final = "2.16.840.1.101.3.4.1.42"

_COST: Final = 1 << 14
_BLOCK_SIZE: Final = 8
_PARALLEL: Final = 5
"""scrypt's N, r and p: the most that OpenSSL reads within its limit of 32 MB; about 0.2 s."""

_MAX_COST: Final = 1 << 17
_MAX_WORK: Final = 1 << 18
"""The largest N, which is 128 MB of memory, and the largest N * p: about a second."""

_KEY_SIZE: Final = 32
_WHAT: Final = "private key file"


class WrongPassphraseError(MisuseError):
    """The pass phrase does not open the key."""


class _Derived:
    """The keys that were derived from one pass phrase."""

    def __init__(self, passphrase: Secret) -> None:
        self.passphrase = passphrase
        self._keys: dict[tuple[bytes, int, int], Secret] = {}

    def key(self, salt: bytes, cost: int, parallel: int) -> Secret:
        """Return a key; it is derived if it was not before."""
        parameters = salt, cost, parallel
        if parameters not in self._keys:
            self._keys[parameters] = _derive(self.passphrase, *parameters)
        return self._keys[parameters]


_KEPT: ContextVar[list[_Derived] | None] = ContextVar("kept", default=None)


@contextmanager
def derived_keys_kept() -> Iterator[None]:
    """Keep the keys that are derived in the block until its end, for every `KeyFiles`.

    For a process that does the work of several commands with one pass phrase.
    """
    before = _KEPT.set([])
    try:
        yield
    finally:
        _KEPT.reset(before)


def _derived_of(passphrase: Secret) -> _Derived:
    kept = _KEPT.get()
    if kept is None:
        return _Derived(passphrase)
    for each in kept:
        if each.passphrase == passphrase:
            return each
    kept.append(_Derived(passphrase))
    return kept[-1]


class KeyFiles:
    """Encrypts and decrypts key files with one pass phrase; a key is derived once for each salt.

    What one object encrypts has one salt, and an IV a file: to open one file is to know the pass
    phrase of all of them, so a salt each would cost an attacker nothing and an operation that makes
    ten keys two seconds.  The derived keys are as secret as the pass phrase and live as long as it.
    `random` draws the salt and the IVs.
    """

    def __init__(self, passphrase: Secret, random: Random = secrets.token_bytes) -> None:
        self._random = random
        self._salt: bytes | None = None
        self._derived = _derived_of(passphrase)

    @property
    def passphrase(self) -> Secret:
        """The pass phrase."""
        return self._derived.passphrase

    def encrypt(self, key: PrivateKey) -> bytes:
        """Encode a key as a DER EncryptedPrivateKeyInfo: scrypt, AES-256 in CBC mode."""
        if self._salt is None:
            self._salt = self._random(16)
        iv = self._random(16)
        clear = key.to_pkcs8().reveal()
        padding = 16 - len(clear) % 16
        encryptor = self._aes(self._salt, _COST, _PARALLEL, iv).encryptor()
        cryptogram = encryptor.update(clear + bytes((padding,)) * padding) + encryptor.finalize()
        derivation = der.sequence(
            der.oid(_SCRYPT),
            der.sequence(
                der.octet_string(self._salt),
                der.integer(_COST),
                der.integer(_BLOCK_SIZE),
                der.integer(_PARALLEL),
            ),
        )
        cipher = der.sequence(der.oid(_AES_256_CBC), der.octet_string(iv))
        scheme = der.sequence(der.oid(_PBES2), der.sequence(derivation, cipher))
        return der.sequence(scheme, der.octet_string(cryptogram))

    def decrypt(self, octets: bytes) -> PrivateKey:
        """Decode what `encrypt` wrote; the key draws nonces of signatures from `random`.

        Raises `WrongPassphraseError`, `MalformedError` if the octets are not such a file or contain
        a key of another kind, `MisuseError` for a key that is not usable.
        """
        salt, cost, parallel, iv, cryptogram = _read_encrypted(octets)
        decryptor = self._aes(salt, cost, parallel, iv).decryptor()
        padded = decryptor.update(cryptogram) + decryptor.finalize()
        padding = padded[-1]
        wrong = WrongPassphraseError("the pass phrase does not open the private key")
        if not 1 <= padding <= 16 or padded[-padding:] != bytes((padding,)) * padding:
            raise wrong
        clear = padded[:-padding]
        if not _is_pkcs8(clear):  # 1 of 256 wrong pass phrases yields valid padding
            raise wrong
        return load_private_key(Secret(clear), random=self._random)

    def _aes(self, salt: bytes, cost: int, parallel: int, iv: bytes) -> "Cipher[CBC]":
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        key = self._derived.key(salt, cost, parallel)
        return Cipher(AES(key.reveal()), CBC(iv))


def encrypt_private_key(
    key: PrivateKey, passphrase: Secret, random: Random = secrets.token_bytes
) -> bytes:
    """Encrypt one key, as `KeyFiles.encrypt` does."""
    return KeyFiles(passphrase, random).encrypt(key)


def decrypt_private_key(
    octets: bytes, passphrase: Secret, random: Random = secrets.token_bytes
) -> PrivateKey:
    """Decrypt one key, as `KeyFiles.decrypt` does, with its errors."""
    return KeyFiles(passphrase, random).decrypt(octets)


def _is_pkcs8(clear: bytes) -> bool:
    """Whether octets are a sequence of a version, an algorithm and a key (RFC 5958, 2)."""
    try:
        fields = tlv.read(clear, _WHAT).children()
    except MalformedError:
        return False
    return [each.tag for each in fields][:3] == [der.INTEGER, der.SEQUENCE, der.OCTET_STRING]


def _read_encrypted(octets: bytes) -> tuple[bytes, int, int, bytes, bytes]:
    """Return salt, scrypt's N and p, IV and cryptogram (RFC 8018, A.4; RFC 7914, 7)."""
    scheme, cryptogram = _fields(tlv.read(octets, _WHAT), 2)
    derivation, cipher = _fields(_parameters(scheme, _PBES2), 2)
    salt, cost, block_size, parallel = _fields(_parameters(derivation, _SCRYPT), 4)
    n, r, p = (der.read_integer(each) for each in (cost, block_size, parallel))
    affordable = 2 <= n <= _MAX_COST and 1 <= p <= _MAX_WORK // n
    if r != _BLOCK_SIZE or n & (n - 1) or not affordable:
        raise derivation.malformed("unsupported scrypt parameters")
    iv = der.read_octet_string(_parameters(cipher, _AES_256_CBC))
    encrypted = der.read_octet_string(cryptogram)
    if len(iv) != 16 or not encrypted or len(encrypted) % 16:
        raise cryptogram.malformed("is not a whole number of blocks")
    return der.read_octet_string(salt), n, p, iv, encrypted


def _parameters(algorithm: tlv.DataObject, oid: str) -> tlv.DataObject:
    """Return the parameters of an AlgorithmIdentifier, which must be of this algorithm."""
    name, parameters = _fields(algorithm, 2)
    if der.read_oid(name) != oid:
        raise algorithm.malformed("is not PBES2 with scrypt and AES-256 in CBC mode")
    return parameters


def _fields(item: tlv.DataObject, count: int) -> tlv.DataObjects:
    fields = item.children() if item.tag == der.SEQUENCE else tlv.read_all(b"", _WHAT)
    if len(fields) != count:
        raise item.malformed(f"a SEQUENCE of {count} is expected")
    return fields


def _derive(passphrase: Secret, salt: bytes, cost: int, parallel: int) -> Secret:
    return Secret(
        hashlib.scrypt(
            passphrase.reveal(),
            salt=salt,
            n=cost,
            r=_BLOCK_SIZE,
            p=parallel,
            maxmem=256 * _BLOCK_SIZE * (cost + parallel),
            dklen=_KEY_SIZE,
        )
    )
