"""The passwords of Basic Access Control and PACE (Doc 9303-11, 4.3.2 and 9.7.3; TR-03110-2)."""

from enum import IntEnum, unique
from hashlib import sha1

import msgspec

from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.key_derivation import PASSWORD, derive_key, derive_session_keys
from support.errors import MisuseError
from support.secret import Secret

_BAC_SEED_SIZE = 16


@unique
class PasswordType(IntEnum):
    """A kind of password, by its reference in MSE:Set AT."""

    MRZ = 1
    CAN = 2
    PIN = 3
    PUK = 4


class Password(msgspec.Struct, frozen=True):
    """A password: its kind, and its encoding K = f(π) (table 14).

    `secret` is the SHA-1 hash of the MRZ information (20 octets) for an MRZ, and the characters in
    ISO/IEC 8859-1 for the other kinds.
    """

    type: PasswordType
    secret: Secret

    @classmethod
    def from_mrz_information(cls, information: str) -> "Password":
        """Make it from document number, dates of birth and expiry, each with its check digit."""
        try:
            return cls(PasswordType.MRZ, Secret(sha1(information.encode("ascii")).digest()))
        except UnicodeEncodeError:
            raise MisuseError("the MRZ information holds a non-ASCII character") from None

    @classmethod
    def can(cls, number: str) -> "Password":
        """Make it from the Card Access Number printed on the document."""
        return cls(PasswordType.CAN, _characters(number, "CAN"))

    @classmethod
    def pin(cls, number: str) -> "Password":
        """Make it from the holder's personal identification number."""
        return cls(PasswordType.PIN, _characters(number, "PIN"))

    @classmethod
    def puk(cls, number: str) -> "Password":
        """Make it from the PIN unblocking key."""
        return cls(PasswordType.PUK, _characters(number, "PUK"))

    def key(self, cipher: Cipher) -> Secret:
        """Derive K_pi, which encrypts the nonce of PACE (9.7.3)."""
        return derive_key(self.secret.reveal(), PASSWORD, cipher)

    def basic_access_keys(self) -> tuple[Secret, Secret]:
        """Derive KEnc and KMAC of BAC (9.7.2); raises `MisuseError` unless this is an MRZ."""
        if self.type is not PasswordType.MRZ:
            raise MisuseError(f"Basic Access Control needs the MRZ, not the {self.type.name}")
        return derive_session_keys(self.secret.reveal()[:_BAC_SEED_SIZE], Cipher.TDES)


def _characters(text: str, name: str) -> Secret:
    if not text:
        raise MisuseError(f"the {name} is empty")
    try:
        return Secret(text.encode("iso8859-1"))
    except UnicodeEncodeError:
        raise MisuseError(f"the {name} has a character outside ISO/IEC 8859-1") from None
