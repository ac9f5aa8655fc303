"""The names under which a policy tolerates, or refuses, what documents get wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from emrtd.lds.files import FileID
from emrtd.pki.tolerances import Tolerance


@dataclass(frozen=True, slots=True)
class Quirk:
    """One thing that was read past: its stable name, and what it is in a sentence."""

    name: str
    explanation: str

    def __str__(self) -> str:
        return f"{self.name}: {self.explanation}"


def _file_quirk_name(file_id: FileID) -> str:
    return f"lds.{file_id.removeprefix('EF.').replace('/', '-').lower()}"


_PADDING: Final = "lds.padding"

QUIRK_NAMES: Final = (
    frozenset(map(str, Tolerance)) | {_file_quirk_name(file_id) for file_id in FileID} | {_PADDING}
)
"""Those of certificates and signatures by kind, those of elementary files by file: lds.dg2."""


def quirks_of_file(file_id: FileID, sentences: Iterable[str]) -> tuple[Quirk, ...]:
    """What was read past in one elementary file."""
    return tuple(Quirk(_file_quirk_name(file_id), sentence) for sentence in sentences)


def quirks_of_padding(sentences: Iterable[str]) -> tuple[Quirk, ...]:
    """What was cut off behind the elementary files of an image."""
    return tuple(Quirk(_PADDING, sentence) for sentence in sentences)


def quirks_of_signatures(tolerances: Iterable[Tolerance]) -> tuple[Quirk, ...]:
    """What was read past in certificates and signatures, by name."""
    return tuple(Quirk(each.value, each.explanation) for each in sorted(set(tolerances)))
