"""Blank chips with transport keys, and the station that writes them."""

import random
from pathlib import Path

from emrtd.globalplatform.keys import KeySource as CardKeys
from emrtd.globalplatform.keys import MasterKeys, StaticKeys
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from personalise.station.cards.interface import Blank
from personalise.station.cards.registry import card_kind
from personalise.station.checking import way_into
from personalise.station.key_sources.failed_cards import FailedCards
from personalise.station.key_sources.interface import ChannelSettings, KeySource, Replacement
from personalise.station.key_sources.test_key import TestKeySource
from personalise.station.writing import WriteReport, write_card
from support.secret import Secret
from tests.pair.test_writing import KEYS
from vsmartcard.card.interface import Card
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.security_domain import BlankKind, TransportKeys
from vsmartcard.chip.state import ChipState, Hardware

KINDS = (BlankKind.ISO7816_9, BlankKind.GLOBALPLATFORM)
"""The kinds whose cards have transport keys."""
BATCH = MasterKeys.single(Secret(bytes(range(0x60, 0x80))))
BATCH_VERSION = 0x11


class Batch:
    """The keys of a production batch; a `KeySource`."""

    name = "batch 17"
    is_test = False

    def __init__(
        self,
        folder: Path,
        keys: CardKeys = BATCH,
        versions: tuple[int, ...] = (BATCH_VERSION,),
        settings: ChannelSettings | None = None,
        replacement: Replacement | None = None,
    ) -> None:
        self.settings = settings or ChannelSettings()
        self.failed_cards = FailedCards(folder / "failed")
        self.replacement = replacement
        self.key_versions = versions + (() if replacement is None else (replacement.version,))
        self._keys = keys

    def for_card(self, diversification_data: bytes, key_version: int) -> StaticKeys:
        new = self.replacement
        keys = new.keys if new is not None and key_version == new.version else self._keys
        return keys.for_card(diversification_data, key_version)


def sample_keys(settings: ChannelSettings | None = None) -> TestKeySource:
    """Return the published test key, with no card that failed before."""
    return TestKeySource(settings, FailedCards(Path("/nonexistent")))


def sample_blank(kind: BlankKind, hardware: Hardware | None = None) -> Chip:
    """Return a blank chip with the published test key."""
    return blank(TransportKeys(kind), hardware)


def batch_blank(kind: BlankKind, hardware: Hardware | None = None) -> Chip:
    """Return a blank chip of the batch."""
    return blank(TransportKeys(kind, BATCH, BATCH_VERSION), hardware)


def blank(transport: TransportKeys, hardware: Hardware | None = None) -> Chip:
    """Return a blank chip."""
    octets = random.Random(7).randbytes  # noqa: S311 - reproducible, not secret
    return Chip(ChipState.blank(hardware, random=octets, transport=transport), random=octets)


def write(
    card: Card, files: dict[FileID, bytes], kind: BlankKind, keys: KeySource | None = None
) -> WriteReport:
    """Write a document as a card of this kind; with the published test key by default."""
    return _write(card, files, kind, keys or sample_keys())


def write_without_keys(card: Card, files: dict[FileID, bytes], kind: BlankKind) -> WriteReport:
    """Write a document without a key source."""
    return _write(card, files, kind, None)


def _write(
    card: Card, files: dict[FileID, bytes], kind: BlankKind, keys: KeySource | None
) -> WriteReport:
    station_card = card_kind(kind.label)(Blank(card.atr, files, keys))
    procedure = write_card(files, KEYS, station_card, way_into(KEYS, None))
    return run(with_response_chaining(procedure), card.process)
