"""Quirks: small errors of real documents, each with a name by which a policy tolerates it."""

from collections.abc import Iterable
from typing import Final

import msgspec

from emrtd.lds.files import FileID
from emrtd.pki.findings import NamedQuirk
from emrtd.pki.quirks import Quirk
from support.reasons import Reason


class FileQuirk(msgspec.Struct, frozen=True):
    """A quirk that was read past in an elementary file: its stable name, and a sentence."""

    id: str
    explanation: str


def sentence(quirk: NamedQuirk) -> str:
    """Return a quirk as a report shows it: its name and its explanation."""
    return Reason("{id}: {explanation}", id=quirk.id, explanation=quirk.explanation)


def _file_quirk_name(file_id: FileID) -> str:
    return f"lds.{file_id.removeprefix('EF.').replace('/', '-').lower()}"


_PADDING: Final = "lds.padding"

QUIRK_NAMES: Final = (
    frozenset(map(str, Quirk)) | {_file_quirk_name(file_id) for file_id in FileID} | {_PADDING}
)
"""The names of all quirks; one of an elementary file has the file's name, such as lds.dg2."""


def quirks_of_file(file_id: FileID, sentences: Iterable[str]) -> tuple[FileQuirk, ...]:
    """Return the quirks that were read past in one elementary file."""
    return tuple(FileQuirk(_file_quirk_name(file_id), sentence) for sentence in sentences)


def quirks_of_padding(sentences: Iterable[str]) -> tuple[FileQuirk, ...]:
    """Return the quirk for octets that were removed after the end of an image's files."""
    return tuple(FileQuirk(_PADDING, sentence) for sentence in sentences)
