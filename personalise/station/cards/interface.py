"""The interface of every kind of card that the station can personalise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Protocol

from emrtd.access.chip_keys import ChipKeys
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, T
from emrtd.lds.files import ElementaryFile, FileID
from personalise.station.key_sources.interface import KeySource


@unique
class CardState(Enum):
    """The life-cycle state of a card's eMRTD application."""

    EMPTY = "empty"
    IN_PERSONALISATION = "in personalisation"
    LOCKED = "locked"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class CardIdentity:
    """What distinguishes one card from all others, as far as the card can be asked for it.

    `atr` is the answer to reset, which is the same for every card of a batch; `serial_number` is
    the card's serial number (ISO/IEC 7816-4) or card image number (GlobalPlatform), `cplc` its Card
    Production Life Cycle data (GlobalPlatform).  Both are None for a card that does not have them.
    """

    atr: bytes
    serial_number: bytes | None = None
    cplc: bytes | None = None

    @property
    def name(self) -> str | None:
        """The serial number, or else the CPLC data, in hexadecimal; None if it has neither."""
        octets = self.serial_number or self.cplc
        return None if octets is None else octets.hex().upper()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of card can do before it is locked.

    `resumable`: writing can be resumed after the card was pulled out; EF.SOD is then begun first,
    so that the document is recognised.  `master_file`: files can be created in the MF.
    `reads_back`: files can be read; otherwise the station reads them after the lock.
    `short_identifiers`: a locked card reads files by their short identifiers.  `command` and
    `response` are the octets of data that one command and its response can carry.
    """

    resumable: bool = True
    master_file: bool = True
    reads_back: bool = True
    short_identifiers: bool = True
    command: int = 255
    response: int = 256


@dataclass(frozen=True, slots=True)
class Blank:
    """A card in a reader and what is to be written to it, before any command is sent.

    `files` are the files of the image; its EF.ATR/INFO states the longest APDUs of the card.
    `chip_keys` are what the chip is to store.  Both are empty if the card is only looked at.
    `keys` is None if the station is not to authenticate to the card.
    """

    atr: bytes
    files: Mapping[FileID, bytes] = field(default_factory=dict, repr=False)
    keys: KeySource | None = None
    chip_keys: ChipKeys | None = field(default=None, repr=False)


class PersonalisableCard(Protocol):
    """One card in a reader; every method is a procedure, and none stores personal data.

    A file must be created before it is written; both work on the directory selected last.  The
    station does not call a method that the capabilities exclude.  A method raises `WriteError` if
    it can name the fault of the card, `ChipRefusalError` for any other refusal.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the card can do before it is locked."""
        ...

    def identity(self) -> Procedure[CardIdentity]:
        """Read the card's serial number or CPLC data."""
        ...

    def begin(self) -> Procedure[CardState]:
        """Select the eMRTD application and return its life-cycle state."""
        ...

    def channel(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run a procedure over the card's secure channel.

        A card with one authenticates the station first and protects each command.  Every command
        between `begin` and the end of `lock` is sent through it.  A card without a channel returns
        the procedure unchanged.
        """
        ...

    def select_directory(self, directory: Directory) -> Procedure[None]:
        """Select the application by its identifier (AID), or the master file."""
        ...

    def create(self, file: ElementaryFile, size: int) -> Procedure[bool]:
        """Create a file of `size` octets; return False if it already exists.

        A card that can be resumed and not be read back returns True for a file that exists: the
        file is then written again in full.  Raises `RejectCardError` if the card has no room, or
        has the file with another size.
        """
        ...

    def write(self, file: ElementaryFile, offset: int, content: bytes) -> Procedure[None]:
        """Write octets into a file, in as few commands as the card allows."""
        ...

    def read(self, file: ElementaryFile, size: int) -> Procedure[bytes]:
        """Read `size` octets of a file from its beginning."""
        ...

    def find(self, file: ElementaryFile, directory: Directory) -> Procedure[bool]:
        """Select the file with the identifier of `file` in a directory; return False if not found.

        A file of the master file is found whatever is currently selected.  The next `read` reads
        the selected file.
        """
        ...

    def put_keys(self, keys: ChipKeys) -> Procedure[None]:
        """Store the chip's keys and passwords."""
        ...

    def lock(self) -> Procedure[None]:
        """End personalisation; this cannot be undone."""
        ...

    def terminate(self) -> Procedure[bool]:
        """Make a rejected card unusable; return False if the card refuses, or its kind cannot.

        Called outside the channel, before the lock or after it: a card that accepts this only
        through its channel opens one here.
        """
        ...


CardKind = Callable[[Blank], PersonalisableCard]
"""A kind of card: returns the card for a blank.

Raises `RejectCardError` if it is of another kind, `RejectApplicationError` for a document that
cards of this kind cannot hold.
"""
