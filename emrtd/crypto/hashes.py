"""The hash functions that Doc 9303 names, by their object identifiers (Doc 9303-12, 4.1.6.5)."""

import hashlib
from enum import StrEnum, unique
from typing import Final


@unique
class Hash(StrEnum):
    """A hash function; its value is the name for people."""

    SHA1 = "SHA-1"
    SHA224 = "SHA-224"
    SHA256 = "SHA-256"
    SHA384 = "SHA-384"
    SHA512 = "SHA-512"

    @property
    def size(self) -> int:
        """Octets of a digest."""
        return _SIZES[self]

    @property
    def oid(self) -> str:
        """The object identifier, dotted."""
        return _OIDS[self]

    def digest(self, octets: bytes) -> bytes:
        """Hash the octets."""
        return _FUNCTIONS[self](octets).digest()

    def begin(self) -> "hashlib._Hash":
        """Return an object that hashes octets which arrive in parts."""
        return _FUNCTIONS[self]()


_SIZES: Final = {
    Hash.SHA1: 20, Hash.SHA224: 28, Hash.SHA256: 32, Hash.SHA384: 48, Hash.SHA512: 64,
}  # fmt: skip

_FUNCTIONS: Final = {
    Hash.SHA1: hashlib.sha1,
    Hash.SHA224: hashlib.sha224,
    Hash.SHA256: hashlib.sha256,
    Hash.SHA384: hashlib.sha384,
    Hash.SHA512: hashlib.sha512,
}

_OIDS: Final = {
    Hash.SHA1: "1.3.14.3.2.26",
    Hash.SHA224: "2.16.840.1.101.3.4.2.4",
    Hash.SHA256: "2.16.840.1.101.3.4.2.1",
    Hash.SHA384: "2.16.840.1.101.3.4.2.2",
    Hash.SHA512: "2.16.840.1.101.3.4.2.3",
}

HASH_BY_OID: Final = {oid: each for each, oid in _OIDS.items()}
