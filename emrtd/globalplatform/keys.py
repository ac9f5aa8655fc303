"""The static keys of a card, and how they are derived from a master key."""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from emrtd.crypto.ciphers import Cipher
from support.errors import MisuseError
from support.secret import Secret

CHECK_VALUE_SIZE: Final = 3
"""Octets of a key check value."""

DIVERSIFICATION_DATA_SIZE: Final = 10
"""Octets of the key diversification data that INITIALIZE UPDATE returns."""

_CIPHERS: Final = {16: Cipher.AES128, 24: Cipher.AES192, 32: Cipher.AES256}


def cipher_of(key: Secret) -> Cipher:
    """Return the AES of a key of 16, 24 or 32 octets; raises `MisuseError` for another size."""
    try:
        return _CIPHERS[len(key)]
    except KeyError:
        raise MisuseError(f"an AES key has 16, 24 or 32 octets, not {len(key)}") from None


def check_value(key: Secret) -> bytes:
    """Return the key check value of an AES key (3 octets; Amendment D, 7.2.2)."""
    return cipher_of(key).encrypt_block(key, b"\x01" * 16)[:CHECK_VALUE_SIZE]


class KeySource(Protocol):
    """Whatever knows the static keys of a card: the keys themselves, or their master keys."""

    def for_card(self, diversification_data: bytes, key_version: int) -> "StaticKeys":
        """Return the keys of this version of the card with this data (10 octets).

        Raises a `ChipsealError` if it has none.
        """
        ...


class StaticKeys(msgspec.Struct, frozen=True):
    """Key-ENC, Key-MAC and Key-DEK: AES keys of one size (Amendment D, 6.1)."""

    enc: Secret
    mac: Secret
    dek: Secret

    def __post_init__(self) -> None:
        if len({cipher_of(key) for key in self.in_order}) != 1:
            raise MisuseError("Key-ENC, Key-MAC and Key-DEK must have the same size")

    @property
    def cipher(self) -> Cipher:
        """The AES that the keys are for."""
        return cipher_of(self.enc)

    @property
    def in_order(self) -> tuple[Secret, Secret, Secret]:
        """The keys in the order of their key identifiers 01, 02 and 03."""
        return self.enc, self.mac, self.dek

    def for_card(self, diversification_data: bytes, key_version: int) -> "StaticKeys":  # noqa: ARG002
        """Return these keys, whatever the card: they are not diversified."""
        return self


TEST_KEY_VERSION: Final = 0x30
"""The key version of sample cards."""

TEST_KEYS: Final = StaticKeys(*(Secret(bytes(range(0x40, 0x50))) for _ in range(3)))
"""The published test key of GlobalPlatform cards, 40 41 ... 4F: it protects nothing."""


class MasterKeys(msgspec.Struct, frozen=True):
    """Master keys of a batch of cards, one for each static key; all three may be the same.

    The static keys of a card follow from the card's key diversification data by KDF3.
    """

    enc: Secret
    mac: Secret
    dek: Secret

    @classmethod
    def single(cls, master: Secret) -> "MasterKeys":
        """Make it from one master key for all three."""
        return cls(master, master, master)

    def for_card(self, diversification_data: bytes, key_version: int) -> StaticKeys:  # noqa: ARG002
        """Derive the keys of a card; raises `MisuseError` unless the data has 10 octets."""
        return StaticKeys(
            *(
                derive_static_key(master, number, diversification_data)
                for number, master in enumerate((self.enc, self.mac, self.dek), 1)
            )
        )


def derive_static_key(master: Secret, number: int, diversification_data: bytes) -> Secret:
    """Derive a static key of the size of the master key by KDF3.

    `number` is 1 for Key-ENC, 2 for Key-MAC, 3 for Key-DEK.  KDF3 is the KDF in counter mode of
    NIST SP 800-108 with AES-CMAC: counter (1 octet), label 000000 || number, 00, diversification
    data.  The length of the key is not an input.
    """
    if len(diversification_data) != DIVERSIFICATION_DATA_SIZE:
        raise MisuseError(
            f"key diversification data has {DIVERSIFICATION_DATA_SIZE} octets, "
            f"not {len(diversification_data)}"
        )
    cipher = cipher_of(master)
    return kdf3(
        lambda message: cipher.cmac(master, message), number, diversification_data, cipher.key_size
    )


def kdf3(
    cmac: Callable[[bytes], bytes], number: int, diversification_data: bytes, size: int
) -> Secret:
    """Derive a static key of `size` octets, where `cmac` is AES-CMAC under the master key.

    So the master key may be in an HSM, which never reveals it.
    """
    fixed = number.to_bytes(4, "big") + b"\x00" + diversification_data
    blocks = (cmac(bytes((counter,)) + fixed) for counter in range(1, -(-size // 16) + 1))
    return Secret(b"".join(blocks)[:size])


def version_name(key_version: int) -> str:
    """Return a key version for messages: in decimal, as it is given, and in hexadecimal."""
    return f"{key_version} (hexadecimal {key_version:02X})"
