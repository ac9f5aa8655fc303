"""What each reader read of each card, as it was last recorded."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from tests.interop.table.cards import Presented
from tests.interop.table.reading import Said

RECORD: Final = Path(__file__).with_name("results.json")


class Outcome(StrEnum):
    """How much of a card was read."""

    WHOLE = "whole"
    PART = "part"
    NOT = "not read"


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reader's result with a card.

    `lacks` are the files that were not read, or not as they are on the card.  `genuine` is the
    reader's own passive authentication, None if it has none or did not come to it.  `tries` is in
    which session it came to this result.
    """

    outcome: Outcome
    access: str = ""
    lacks: tuple[str, ...] = ()
    genuine: bool | None = None
    tries: int = 1

    @property
    def merit(self) -> tuple[bool, int]:
        """Orders results with the same card: the one with more files is the better."""
        return self.outcome is not Outcome.NOT, -len(self.lacks)

    @classmethod
    def of(cls, presented: Presented, said: Said) -> "Cell":
        """Judge what a reader said of a card: without DG1 the card is not read."""
        read = said.read_of(presented)
        if "DG1" not in read:
            return cls(Outcome.NOT)
        lacks = tuple(each for each in presented.expected if each not in read)
        outcome = Outcome.PART if lacks else Outcome.WHOLE
        return cls(outcome, said.access, lacks, said.genuine)


class Column(msgspec.Struct, omit_defaults=True):
    """The results of a reader: its name and version, the day of the last one, and cells by row."""

    named: str
    on: date
    cells: dict[str, Cell] = {}


class Results(msgspec.Struct):
    """All columns, by the key of their reader."""

    columns: dict[str, Column] = {}

    @classmethod
    def load(cls, path: Path = RECORD) -> "Results":
        """Read them from a file; none if there is no file."""
        return msgspec.json.decode(path.read_bytes(), type=cls) if path.exists() else cls()

    def save(self, path: Path = RECORD) -> None:
        """Write them to the file, whole or not at all."""
        octets = msgspec.json.format(msgspec.json.encode(self, order="deterministic"), indent=1)
        new = path.with_suffix(".new")
        new.write_bytes(octets + b"\n")
        new.rename(path)

    def column(self, key: str, named: str, today: date) -> Column:
        """Return a reader's column; an empty one if another version was recorded."""
        found = self.columns.get(key)
        if found is None or found.named != named:
            found = self.columns[key] = Column(named, today, {})
        return found

    def forget(self, keys: Iterable[str]) -> None:
        """Leave out the rows that are no longer in the table."""
        kept = set(keys)
        for column in self.columns.values():
            column.cells = {key: cell for key, cell in column.cells.items() if key in kept}
