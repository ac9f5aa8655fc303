"""What writing needs of any kind of card, and what can be wrong with a card."""

from dataclasses import dataclass
from enum import Enum, unique
from typing import Protocol

from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure
from emrtd.lds.files import ElementaryFile
from support.errors import MisuseError
from support.secret import Secret


@unique
class CardState(Enum):
    """How far a card is in its life."""

    EMPTY = "empty"
    IN_PERSONALISATION = "in personalisation"
    LOCKED = "locked"
    TERMINATED = "terminated"


class WrongCardError(MisuseError):
    """The card cannot take this document; the message says why, and what to do with it."""


@dataclass(frozen=True, slots=True)
class Buffers:
    """How much data a command and a response carry, in octets; more than 255 needs extended."""

    command: int = 255
    response: int = 256


class Card(Protocol):
    """One card in a reader; every method is a procedure, and none keeps anything of a person.

    A file must be created before it is written; both work on the directory selected last.
    """

    def begin(self) -> Procedure[CardState]:
        """Select the application, and learn how far the card is."""
        ...

    def select_directory(self, directory: Directory) -> Procedure[None]:
        """Select the application by its name, or the master file."""
        ...

    def create(self, file: ElementaryFile, size: int) -> Procedure[bool]:
        """Create a file; whether it was new.

        Raises `WrongCardError` where the card has no room, or has the file in another size.
        """
        ...

    def write(self, file: ElementaryFile, offset: int, content: bytes) -> Procedure[None]:
        """Write octets into a file, in as few commands as the card allows."""
        ...

    def read(self, file: ElementaryFile, size: int) -> Procedure[bytes]:
        """Read `size` octets of a file from its beginning."""
        ...

    def put(self, tag: int, value: Secret) -> Procedure[None]:
        """Put one data object of the chip's keys."""
        ...

    def lock(self) -> Procedure[None]:
        """End personalisation for good."""
        ...
