"""The names under which a policy tolerates, or refuses, what documents get wrong."""

from collections.abc import Iterable
from typing import Final

import msgspec

from emrtd.lds.files import FileID
from emrtd.pki.findings import NamedQuirk
from emrtd.pki.quirks import Quirk


class FileQuirk(msgspec.Struct, frozen=True):
    """What was read past in an elementary file: the quirk's stable name, and a sentence."""

    id: str
    explanation: str


def sentence(quirk: NamedQuirk) -> str:
    """A quirk as a report names it."""
    return f"{quirk.id}: {quirk.explanation}"


def _file_quirk_name(file_id: FileID) -> str:
    return f"lds.{file_id.removeprefix('EF.').replace('/', '-').lower()}"


_PADDING: Final = "lds.padding"

QUIRK_NAMES: Final = (
    frozenset(map(str, Quirk)) | {_file_quirk_name(file_id) for file_id in FileID} | {_PADDING}
)
"""Those of certificates and signatures by kind, those of elementary files by file: lds.dg2."""


def quirks_of_file(file_id: FileID, sentences: Iterable[str]) -> tuple[FileQuirk, ...]:
    """What was read past in one elementary file."""
    return tuple(FileQuirk(_file_quirk_name(file_id), sentence) for sentence in sentences)


def quirks_of_padding(sentences: Iterable[str]) -> tuple[FileQuirk, ...]:
    """What was cut off behind the elementary files of an image."""
    return tuple(FileQuirk(_PADDING, sentence) for sentence in sentences)
