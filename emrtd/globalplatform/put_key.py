"""PUT KEY with AES keys, both sides (GPCS, 11.8; Amendment D, 6.2.8 and 7.2)."""

import hmac
import secrets
from typing import Final

import msgspec

from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.globalplatform.keys import CHECK_VALUE_SIZE, StaticKeys, check_value, cipher_of
from emrtd.globalplatform.scp03 import CLA
from emrtd.iso7816.apdu import SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.status_words import SW
from support.errors import MalformedError, MisuseError
from support.secret import Secret

PUT_KEY: Final = 0xD8
AES_KEY: Final = 0x88
"""The key type of AES (GPCS, 11.1.8)."""

_WHAT: Final = "data of PUT KEY"
_BLOCK: Final = 16
_ZEROS: Final = bytes(_BLOCK)
_SIZES: Final = (16, 24, 32)
_MAX_VERSION: Final = 0x7F
_SEVERAL_KEYS_FROM_THE_FIRST: Final = 0x81


class WrongCheckValueError(ProtocolError):
    """A key has another check value than the one beside it; `number` is its place, from 1."""

    def __init__(self, number: int, doing: str) -> None:
        self.number = number
        super().__init__(
            f"{doing}: the check value of key {number} is wrong",
            advice="check the Key-DEK",
        )


class NewKeys(msgspec.Struct, frozen=True):
    """The data of PUT KEY: the new key version (01 to 7F), and keys of successive identifiers."""

    version: int
    keys: tuple[Secret, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.version <= _MAX_VERSION:
            raise MisuseError(f"a key version is 01 to 7F, not {self.version:02X}")
        if not self.keys:
            raise MisuseError("PUT KEY needs at least one key")

    @property
    def confirmation(self) -> bytes:
        """What the card answers: the version, then each check value (GPCS, 11.8.3.1)."""
        return bytes((self.version,)) + b"".join(check_value(key) for key in self.keys)

    def encode(self, dek: Secret, random: Random = secrets.token_bytes) -> bytes:
        """Encode with the keys encrypted under the card's Key-DEK (Amendment D, table 7-10).

        `random` supplies the 8 octets that fill the last block of a key of 24.
        """
        return bytes((self.version,)) + b"".join(
            _encode_key(key, dek, random(-len(key) % _BLOCK)) for key in self.keys
        )

    @classmethod
    def decode(cls, octets: bytes, dek: Secret) -> "NewKeys":
        """Read and decrypt the data field.

        Raises `MalformedError`, also for a key that is no AES key, and `WrongCheckValueError`.
        """
        if not octets or not 1 <= octets[0] <= _MAX_VERSION:
            raise MalformedError(_WHAT, "the key version is not 01 to 7F", 0)
        keys: list[Secret] = []
        position = 1
        while position < len(octets) or not keys:
            key, position = _decode_key(octets, position, dek, len(keys) + 1)
            keys.append(key)
        return cls(octets[0], tuple(keys))


def _encode_key(key: Secret, dek: Secret, filling: bytes) -> bytes:
    encrypted = cipher_of(dek).encrypt_cbc(dek, _ZEROS, key.reveal() + filling)
    head = bytes((AES_KEY, 1 + len(encrypted), len(key)))
    return head + encrypted + bytes((CHECK_VALUE_SIZE,)) + check_value(key)


def _decode_key(octets: bytes, position: int, dek: Secret, number: int) -> tuple[Secret, int]:
    head = octets[position : position + 2]
    if len(head) != 2 or head[0] != AES_KEY:
        raise MalformedError(_WHAT, f"key {number} is not an AES key (type 88)", position)
    start = position + 2
    check = start + head[1]
    end = check + 1 + CHECK_VALUE_SIZE
    block = octets[start:check]
    if end > len(octets) or octets[check] != CHECK_VALUE_SIZE:
        raise MalformedError(_WHAT, f"key {number} is cut off, or has no check value", position)
    if len(block) % _BLOCK:  # GPCS, 11.8.2.3.3: else the block has no length octet
        size, block = block[0], block[1:]
    else:
        size = len(block)
    if size not in _SIZES or len(block) != size + -size % _BLOCK:
        raise MalformedError(_WHAT, f"key {number} does not have 16, 24 or 32 octets", start)
    key = Secret(cipher_of(dek).decrypt_cbc(dek, _ZEROS, block)[:size])
    if not hmac.compare_digest(check_value(key), octets[check + 1 : end]):
        raise WrongCheckValueError(number, _WHAT)
    return key, end


# --- the terminal ----------------------------------------------------------------------------


def put_keys(
    keys: StaticKeys,
    version: int,
    *,
    dek: Secret,
    replaces: int = 0,
    random: Random = secrets.token_bytes,
) -> Procedure[None]:
    """Send a whole key set in one command, inside a session, so that the card takes all or none.

    `dek` is the card's Key-DEK; `replaces` is the version of the keys that these replace, 0 to add
    a key set.  Raises `ChipRefusalError` if the card refuses, `ProtocolError` if it confirms other
    keys: which keys it now has is then unknown.
    """
    if not 0 <= replaces <= _MAX_VERSION:
        raise MisuseError(
            f"a key version to replace is 01 to 7F, or 0 for none, not {replaces:02X}"
        )
    new = NewKeys(version, keys.in_order)
    response = yield CommandAPDU(
        CLA,
        PUT_KEY,
        replaces,
        _SEVERAL_KEYS_FROM_THE_FIRST,
        new.encode(dek, random),
        SHORT_MAX_LE,
    )
    confirmed = response.require("PUT KEY")
    if not hmac.compare_digest(confirmed, new.confirmation):
        raise ProtocolError(
            "PUT KEY: the card confirms other keys than those sent",
            advice="set the card aside: which keys it has is unknown",
        )


# --- the card --------------------------------------------------------------------------------


def receive_keys(command: CommandAPDU, dek: Secret) -> NewKeys:
    """Read the PUT KEY command, after the session has unprotected it; the answer is `confirmation`.

    Raises `ChipRefusalError`: 6A86 unless P2 says a single key, or several, from an identifier
    above 0; 6A80 for data that is malformed; 6982 for a wrong check value (GPCS, table 11-78).
    """
    doing = "PUT KEY"
    try:
        new = NewKeys.decode(command.data, dek)
    except MalformedError:
        raise ChipRefusalError(SW.INCORRECT_DATA, doing) from None
    except WrongCheckValueError:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, doing) from None
    several = bool(command.p2 & 0x80)
    if not command.p2 & 0x7F or several != (len(new.keys) > 1):
        raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
    return new
