"""What the station needs of any kind of card."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Protocol

from emrtd.access.chip_keys import ChipKeys
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, T
from emrtd.lds.files import ElementaryFile, FileID
from personalise.station.outcomes import StopReaderError
from support.secret import Secret


@unique
class CardState(Enum):
    """How far a card is in its life."""

    EMPTY = "empty"
    IN_PERSONALISATION = "in personalisation"
    LOCKED = "locked"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class CardIdentity:
    """What tells one card from all others, as far as the card shows it.

    `atr` is the answer to reset, the same for every card of a batch; `serial_number` is of the card
    (ISO/IEC 7816-4), `cplc` its Card Production Life Cycle data (GlobalPlatform).
    """

    atr: bytes
    serial_number: bytes | None = None
    cplc: bytes | None = None

    @property
    def name(self) -> str | None:
        """The serial number, or else the CPLC data, in hexadecimal; None where it has neither."""
        octets = self.serial_number or self.cplc
        return None if octets is None else octets.hex().upper()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of card can do before it is locked.

    `resumable`: a card that was torn out can be finished; it has EF.SOD first, by which the
    document is recognised.  `master_file`: it takes the files of the MF.  `reads_back`: its files
    can be read; otherwise the station reads them when the card is locked.  `command` and `response`
    are the octets of data that one command and its response carry.
    """

    resumable: bool = True
    master_file: bool = True
    reads_back: bool = True
    command: int = 255
    response: int = 256


class KeySource(Protocol):
    """Where the keys come from that open a blank card to the station."""

    def key(self, name: str, identity: CardIdentity) -> Secret:
        """The key of this name for this card; raises `StopReaderError` where there is none."""
        ...


class NoKeys:
    """The key source of a station that has no keys for blank cards; satisfies `KeySource`."""

    def key(self, name: str, _identity: CardIdentity) -> Secret:
        """Raise `StopReaderError`."""
        raise StopReaderError(
            f"cards of this kind need the key {name}, and the station has no keys for blank cards"
        )


@dataclass(frozen=True, slots=True)
class Blank:
    """A card in a reader, and what is to be written to it, before a command is sent.

    `files` are the image's; from its EF.ATR/INFO a kind of card may learn the card's buffers.
    """

    atr: bytes
    files: Mapping[FileID, bytes] = field(default_factory=dict, repr=False)
    keys: KeySource = field(default_factory=NoKeys)


class PersonalisableCard(Protocol):
    """One card in a reader; every method is a procedure, and none keeps anything of a person.

    A file must be created before it is written; both work on the directory selected last.  What the
    card's capabilities exclude is never called.  A method raises `WriteError` for what it knows to
    be wrong with the card, `ChipRefusalError` for any other refusal.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the card can do."""
        ...

    def identity(self) -> Procedure[CardIdentity]:
        """Ask the card who it is."""
        ...

    def begin(self) -> Procedure[CardState]:
        """Select the application, and learn how far the card is."""
        ...

    def channel(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run a procedure over the card's channel, which may authenticate and wrap each command.

        Everything between `begin` and the end of `lock` goes through it; for a card without a
        channel it is the procedure itself.
        """
        ...

    def select_directory(self, directory: Directory) -> Procedure[None]:
        """Select the application by its name, or the master file."""
        ...

    def create(self, file: ElementaryFile, size: int) -> Procedure[bool]:
        """Create a file; whether it was new.

        Raises `RejectCardError` where the card has no room, or has the file in another size.
        """
        ...

    def write(self, file: ElementaryFile, offset: int, content: bytes) -> Procedure[None]:
        """Write octets into a file, in as few commands as the card allows."""
        ...

    def read(self, file: ElementaryFile, size: int) -> Procedure[bytes]:
        """Read `size` octets of a file from its beginning."""
        ...

    def find(self, file: ElementaryFile, directory: Directory) -> Procedure[bool]:
        """Select the file with the identifier of `file` in a directory; False where there is none.

        In the master file it is found whatever is selected.  What is read next is read from it.
        """
        ...

    def put_keys(self, keys: ChipKeys) -> Procedure[None]:
        """Put the chip's keys and passwords."""
        ...

    def lock(self) -> Procedure[None]:
        """End personalisation for good."""
        ...


CardKind = Callable[[Blank], PersonalisableCard]
"""A kind of card: returns the card for a blank; raises `WriteError` if it is of another kind."""
