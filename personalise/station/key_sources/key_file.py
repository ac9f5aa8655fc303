"""The file with the keys of a batch of cards, encrypted for the station (CMS enveloped, DER).

The content is BER-TLV:

    EA  keys of cards            80 batch (UTF-8)  81 key version (1)
                                 82 diversified by KDF3 (1: 01 or 00)  83 ENC  84 MAC  85 DEK
    EB  key-block protection key 80 name (UTF-8)   83 AES key
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emrtd import tlv
from emrtd.globalplatform.keys import TEST_KEYS, MasterKeys, StaticKeys, cipher_of
from emrtd.tlv import DataObject
from personalise.pki.keys.station import StationKeys
from personalise.station.key_sources.interface import CardKeys
from support.errors import MalformedError, MisuseError
from support.records import read_bounded
from support.secret import Secret

_CARDS: Final = 0xEA
_PROTECTION: Final = 0xEB
_NAME: Final = re.compile(r"[\w. +/-]{1,64}")
_WHAT: Final = "key file"
_MAX_SIZE: Final = 1 << 16
_MAX_VERSION: Final = 0x7F


def require_batch(name: str, key_version: int) -> None:
    """Raise `MisuseError` unless these are a name of a batch and a key version."""
    if _NAME.fullmatch(name) is None:
        raise MisuseError(f"{name!r} is not the name of a batch", advice="use letters and digits")
    if not 1 <= key_version <= _MAX_VERSION:
        raise MisuseError(f"a key version is 01 to 7F, not {key_version:02X}")


def require_no_test_key(keys: StaticKeys | MasterKeys, where: str) -> None:
    """Raise `MisuseError` if one of the keys is the published test key."""
    test = TEST_KEYS.enc.reveal()
    if any(key.reveal()[: len(test)] == test for key in (keys.enc, keys.mac, keys.dek)):
        raise MisuseError(
            f"{where}: holds the published test key, which protects no production card",
            advice="use the keys of the batch, or `--card-keys test` for sample cards",
        )


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The keys of one version of a batch: master keys if `diversified`, else the static keys."""

    batch: str
    key_version: int
    diversified: bool
    keys: StaticKeys

    def __post_init__(self) -> None:
        require_batch(self.batch, self.key_version)

    @property
    def card_keys(self) -> CardKeys:
        """The keys of each card."""
        return MasterKeys(*self.keys.in_order) if self.diversified else self.keys

    def encode(self) -> Secret:
        """Encode the content."""
        head = (
            tlv.encode(0x80, self.batch.encode()),
            tlv.encode(0x81, bytes((self.key_version,))),
            tlv.encode(0x82, bytes((self.diversified,))),
        )
        keys = (tlv.encode(0x83 + at, key.reveal()) for at, key in enumerate(self.keys.in_order))
        return Secret(tlv.encode(_CARDS, *head, *keys))

    @classmethod
    def decode(cls, content: Secret) -> "KeyFile":
        """Decode the content; raises `MalformedError`."""
        fields = tlv.read_expected(content.reveal(), _CARDS, _WHAT).children()
        version, diversified = (_octet(fields.one(tag)) for tag in (0x81, 0x82))
        try:
            keys = StaticKeys(*(Secret(fields.one(0x83 + at).value) for at in range(3)))
            batch = fields.one(0x80).value.decode()
            return cls(batch, version, diversified == 1, keys)
        except (MisuseError, UnicodeDecodeError) as error:
            raise MalformedError(_WHAT, "does not hold the keys of a batch") from error

    @classmethod
    def open(cls, path: Path, station: StationKeys) -> "KeyFile":
        """Decrypt a file; raises `MisuseError` if it is for another station, or holds a test key.

        Raises `MalformedError` if it is no key file.
        """
        content = _open(path, station)
        try:
            found = cls.decode(content)
        except MalformedError as error:
            raise _not_a_key_file(path, error) from error
        require_no_test_key(found.keys, str(path))
        return found


def encode_protection_key(name: str, key: Secret) -> Secret:
    """Encode a key-block protection key; raises `MisuseError` unless it is an AES key."""
    cipher_of(key)
    require_batch(name, 1)
    content = tlv.encode(0x80, name.encode()), tlv.encode(0x83, key.reveal())
    return Secret(tlv.encode(_PROTECTION, *content))


def open_protection_key(path: Path, station: StationKeys) -> Secret:
    """Decrypt a file with a key-block protection key; raises as `KeyFile.open` does."""
    content = _open(path, station)
    try:
        fields = tlv.read_expected(content.reveal(), _PROTECTION, _WHAT).children()
        return Secret(fields.one(0x83).value)
    except MalformedError as error:
        raise _not_a_key_file(path, error) from error


def _open(path: Path, station: StationKeys) -> Secret:
    try:
        return station.open(read_bounded(path, _MAX_SIZE))
    except MisuseError as error:
        raise MisuseError(f"{path}: {error.message}", advice=error.advice) from error
    except MalformedError as error:
        raise _not_a_key_file(path, error) from error


def _not_a_key_file(path: Path, error: MalformedError) -> MalformedError:
    return MalformedError(
        str(path),
        f"is not a key file of this kind ({error.reason})",
        advice="name a file that `personalise card-keys seal` made",
    )


def _octet(data_object: DataObject) -> int:
    if len(data_object.value) != 1:
        raise data_object.malformed("must be one octet")
    return data_object.value[0]
