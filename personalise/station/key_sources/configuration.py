"""The source that `--card-keys` names: `test`, `none`, a key file, or a TOML file.

A key file has the keys of one batch.  The TOML file says more:

    keys = "batch-17.p7m"         a key file, beside this one; or [hsm] or [key_block]
    level = "33"                  security level of SCP03, as EXTERNAL AUTHENTICATE has it
    mode = "S8"                   or "S16"
    security_domain = "A0…"       AID of the security domain
    counts_empty_commands = true  whether the cards' encryption counter counts them

    [replacement]                 keys that replace the transport keys: keys, hsm or key_block

    [hsm]                         batch, key_version, module, token, key; bits of the master key,
                                  and wrapped: a file with it, wrapped under `key`
    [key_block]                   batch, key_version, block, protection_key; static = true if it is
                                  no master key
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from emrtd.globalplatform.keys import MasterKeys, StaticKeys, version_name
from emrtd.globalplatform.parameters import Mode, SecurityLevel
from emrtd.globalplatform.security_domain import SECURITY_DOMAIN
from personalise.pki.keys.station import StationKeys
from personalise.station.key_sources.failed_cards import FailedCards
from personalise.station.key_sources.interface import (
    CardKeys,
    ChannelSettings,
    KeySource,
    Replacement,
)
from personalise.station.key_sources.key_block import open_key_block
from personalise.station.key_sources.key_file import (
    KeyFile,
    open_protection_key,
    require_batch,
    require_no_test_key,
)
from personalise.station.key_sources.test_key import TestKeySource
from personalise.station.outcomes import StopReaderError
from support.errors import MisuseError
from support.memory_lock import keep_out_of_swap
from support.records import Record, from_toml, read_bounded, reject
from support.secret import Secret

_MAX_SIZE: Final = 1 << 16
_Version = Annotated[int, msgspec.Meta(ge=1, le=0x7F)]

Pin = Callable[[], Secret]
"""Returns the PIN of an HSM when it is needed."""


class HsmTable(Record, frozen=True):
    """A master key in a token: the library's path, the token's label and the key's label."""

    batch: str
    key_version: _Version
    module: str
    token: str
    key: str
    bits: Literal[128, 192, 256] = 256
    wrapped: str | None = None


class KeyBlockTable(Record, frozen=True):
    """A key block, and the key file of its protection key; paths are relative to the TOML file."""

    batch: str
    key_version: _Version
    block: str
    protection_key: str
    static: bool = False


class KeysTable(Record, frozen=True):
    """Where keys are: exactly one of the three is present."""

    keys: str | None = None
    hsm: HsmTable | None = None
    key_block: KeyBlockTable | None = None

    def __post_init__(self) -> None:
        if sum(each is not None for each in (self.keys, self.hsm, self.key_block)) != 1:
            reject("keys", "exactly one of keys, hsm and key_block is required")


class CardKeysFile(KeysTable, frozen=True):
    """The TOML file."""

    level: Literal["01", "03", "11", "13", "33"] = "33"
    mode: Literal["S8", "S16"] = "S8"
    security_domain: str = SECURITY_DOMAIN.hex().upper()
    counts_empty_commands: bool = True
    replacement: KeysTable | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            aid = bytes.fromhex(self.security_domain)
        except ValueError:
            aid = b""
        if not 5 <= len(aid) <= 16:
            reject("security_domain", "is not an AID of 5 to 16 octets in hexadecimal")

    @property
    def settings(self) -> ChannelSettings:
        """How sessions are opened."""
        return ChannelSettings(
            SecurityLevel(int(self.level, 16)),
            Mode[self.mode],
            bytes.fromhex(self.security_domain),
            self.counts_empty_commands,
        )


class BatchKeySource:
    """The keys of a production batch, and those that replace them; satisfies `KeySource`."""

    is_test: Final = False

    def __init__(
        self,
        name: str,
        keys: Replacement,
        settings: ChannelSettings | None = None,
        replacement: Replacement | None = None,
        failed_cards: FailedCards | None = None,
    ) -> None:
        if replacement is not None and replacement.version == keys.version:
            raise MisuseError(
                f"{name}: the replacement has the key version {version_name(keys.version)} too",
                advice="give the new keys another version",
            )
        self.name = name
        self.settings = settings or ChannelSettings()
        self.replacement = replacement
        self.failed_cards = failed_cards or FailedCards()
        self._sets = (keys,) if replacement is None else (keys, replacement)

    @property
    def key_versions(self) -> tuple[int, ...]:
        """The version of the transport keys, then that of the keys that replace them."""
        return tuple(each.version for each in self._sets)

    def for_card(self, diversification_data: bytes, key_version: int) -> StaticKeys:
        """Return the keys of a card; raises `StopReaderError` for a version that it lacks."""
        for each in self._sets:
            if each.version == key_version:
                return each.keys.for_card(diversification_data, key_version)
        raise StopReaderError(f"{self.name} has no keys of version {version_name(key_version)}")


def key_source(name: str, station: StationKeys, pin: Pin) -> KeySource | None:
    """Return the source with this name, or of the file at this path; None for `none`.

    The memory of the process is kept out of swap before keys are read, if the system allows it.
    Raises `MisuseError` if there is none, or it cannot be read, `FieldError` for a wrong field.
    """
    if name == "test":
        return TestKeySource()
    if name == "none":
        return None
    path = Path(name)
    if not path.is_file():
        raise MisuseError(
            f"card keys {name}: no such file", advice="use `test`, `none`, or a key file"
        )
    keep_out_of_swap()
    if path.suffix != ".toml":
        batch, keys = _of_key_file(path, station)
        return BatchKeySource(batch, keys)
    file = from_toml(read_bounded(path, _MAX_SIZE), CardKeysFile, name)
    batch, keys = _keys_of(file, path, station, pin)
    replacement = None
    if file.replacement is not None:
        _, replacement = _keys_of(file.replacement, path, station, pin)
    return BatchKeySource(batch, keys, file.settings, replacement)


def _keys_of(
    table: KeysTable, path: Path, station: StationKeys, pin: Pin
) -> tuple[str, Replacement]:
    if table.keys is not None:
        return _of_key_file(path.parent / table.keys, station)
    if table.hsm is not None:
        require_batch(table.hsm.batch, table.hsm.key_version)
        return table.hsm.batch, Replacement(
            table.hsm.key_version, _of_hsm(table.hsm, path.parent, pin)
        )
    if table.key_block is None:
        raise AssertionError("the table was checked")
    require_batch(table.key_block.batch, table.key_block.key_version)
    keys = _of_key_block(table.key_block, path.parent, station)
    return table.key_block.batch, Replacement(table.key_block.key_version, keys)


def _of_key_file(path: Path, station: StationKeys) -> tuple[str, Replacement]:
    file = KeyFile.open(path, station)
    return file.batch, Replacement(file.key_version, file.card_keys)


def _of_hsm(table: HsmTable, folder: Path, pin: Pin) -> CardKeys:
    from personalise.pki.keys.hsm import custody_of
    from personalise.station.key_sources.hsm_keys import HsmMasterKey

    custody = custody_of(table.module, table.token, pin)
    wrapped = None if table.wrapped is None else read_bounded(folder / table.wrapped, 64)
    return HsmMasterKey(custody, table.key, table.bits // 8, wrapped)


def _of_key_block(table: KeyBlockTable, folder: Path, station: StationKeys) -> CardKeys:
    path = folder / table.block
    block = read_bounded(path, _MAX_SIZE).decode("latin-1").strip()
    protection = open_protection_key(folder / table.protection_key, station)
    key = open_key_block(block, protection, str(path))
    keys: StaticKeys | MasterKeys = MasterKeys.single(key)
    if table.static:
        keys = StaticKeys(key, key, key)
    require_no_test_key(keys, str(path))
    return keys
