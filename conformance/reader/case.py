"""A case for an inspection system: what is put into its reader, and what it must make of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, unique
from functools import cached_property
from typing import Final

from conformance.case import Case
from conformance.reader.authority import Authority
from conformance.reader.documents import ChipKey, Document, Issue, issued, mrz
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.iso7816.procedure import Random
from emrtd.lds.files import FILES, FileID
from vsmartcard.card.interface import Card
from vsmartcard.chip.commands import INSTRUCTIONS, Instructions
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.files.file_system import FileSystem, TransparentFile
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState

_OF_THE_CHIP: Final = frozenset({FileID.ATR_INFO, FileID.DIR, FileID.CVCA})
"""Files that describe the chip; an inspection system need not read them."""


@unique
class Expected(Enum):
    """What an inspection system must make of a card."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    EITHER = "accepted or refused, but nothing else"


@dataclass(frozen=True)
class Presented:
    """A card in the reader, and what the inspection system is given beside it.

    `layer` is laid over the chip; it sees and changes what is on the wire.  `instructions` are the
    chip's; what they do otherwise, they do inside a session too.  `terminal` is the key and
    certificates of Terminal Authentication.  `files` are added to those of the document, or take
    the place of a file with the same identifiers.  `unread` are files that are not read although
    all is well.  `objection` says what the chip saw the inspection system do wrong, "" if nothing;
    it is asked after the inspection.

    `build` makes another card of the chip's state, for a forgery.  `at` is the instant to inspect
    for, where it is not that of the run.  `poison` are files that a forger brings among those that
    are imported into the trust store.
    """

    document: Document
    instructions: Instructions = field(default_factory=lambda: INSTRUCTIONS)
    layer: Callable[[Card], Card] = lambda card: card
    terminal: TerminalCredentials | None = None
    files: tuple[TransparentFile, ...] = ()
    objection: Callable[[], str] = lambda: ""
    unread: frozenset[FileID] = frozenset()
    build: Callable[[ChipState, Random], Card] | None = None
    at: datetime | None = None
    poison: tuple[bytes, ...] = ()

    @property
    def readable(self) -> frozenset[FileID]:
        """The files that are read of it if all goes well."""
        closed = frozenset() if self.terminal else frozenset({FileID.DG3, FileID.DG4})
        return frozenset(self.document.files) - self.unread - closed - _OF_THE_CHIP

    def card(self, random: Random) -> Card:
        """Return the card; its chip draws from `random`."""
        if self.build is not None:
            return self.build(self.state, random)
        return self.layer(Chip(self.state, random=random, instructions=self.instructions))

    @property
    def state(self) -> ChipState:
        """The state of the chip: personalised and locked."""
        files = {file.key: file for file in self._document_files()}
        files |= {file.key: file for file in self.files}
        system = FileSystem(tuple(files.values()))
        return ChipState(life_cycle=LifeCycle.OPERATIONAL, files=system, keys=self.document.keys)

    def _document_files(self) -> list[TransparentFile]:
        return [
            TransparentFile(entry.directory, entry.identifier, entry.short_identifier, octets)
            for entry, octets in (
                (FILES[file_id], octets) for file_id, octets in self.document.files.items()
            )
        ]


@dataclass(frozen=True)
class Workshop:
    """Where the cards of a run are made: the State of Utopia, as of the instant of the run."""

    at: datetime

    @cached_property
    def authority(self) -> Authority:
        """The CSCA."""
        return Authority(self.at)

    def how(self, **changes: object) -> Issue:
        """Return the parameters of the usual document, with these changed."""
        usual = {"authority": self.authority, "mrz": mrz(self.at)}
        return Issue(**(usual | changes))  # type: ignore[arg-type]

    def document(self, **changes: object) -> Document:
        """Issue a document; `Issue` has the parameters."""
        return issued(self.how(**changes))

    def presented(self, **changes: object) -> Presented:
        """Issue a document and put it into a chip that behaves as it must."""
        return Presented(self.document(**changes))

    def with_chip(self, *keys: ChipKey, **changes: object) -> Document:
        """Issue a document whose chip has these keys for Chip Authentication."""
        return self.document(**({"chip_keys": keys} | changes))


Make = Callable[[Workshop], Presented]
"""Makes the card of a case.  It is called again for each inspection."""


@dataclass(frozen=True)
class Trial:
    """One card of a case, and what must be made of it.

    `label` tells the trials of one case apart.  `checks` are those of which our verifier must name
    at least one that has not passed; it need not name any if there are none.  `times` is how
    often the same card is presented.
    """

    make: Make = field(repr=False)
    expected: Expected
    label: str = ""
    checks: tuple[str, ...] = ()
    times: int = 1


@dataclass(frozen=True)
class ReaderCase(Case):
    """A case of part 5.1, or a forgery, with its trials: all of them must have the right end.

    The profile "TA" is of a case about Terminal Authentication: it is not applicable to an
    inspection system that is not given certificates for it.  `contradicts` says which clause of
    Doc 9303 the case contradicts, "" if none; such a case is not run.
    """

    trials: tuple[Trial, ...] = ()
    contradicts: str = ""


class Unit:
    """The cases of one unit of part 5.1, in order."""

    def __init__(self, *, needs_terminal: bool = False) -> None:
        self.needs_terminal = needs_terminal
        self.trials: dict[str, list[Trial]] = {}

    def good(self, id_: str, label: str = "", *, times: int = 1) -> Callable[[Make], Make]:
        """Decorate a function that makes a card which must be accepted."""
        return self._add(id_, Expected.ACCEPTED, label, (), times)

    def bad(self, id_: str, *checks: str, label: str = "") -> Callable[[Make], Make]:
        """Decorate a function that makes a card which must not be accepted."""
        return self._add(id_, Expected.REFUSED, label, checks, 1)

    def either(self, id_: str, label: str = "") -> Callable[[Make], Make]:
        """Decorate a function that makes a card which may be accepted."""
        return self._add(id_, Expected.EITHER, label, (), 1)

    def _add(
        self, id_: str, expected: Expected, label: str, checks: tuple[str, ...], times: int
    ) -> Callable[[Make], Make]:
        def register(make: Make) -> Make:
            trial = Trial(make, expected, label, checks, times)
            self.trials.setdefault(id_, []).append(trial)
            return make

        return register
