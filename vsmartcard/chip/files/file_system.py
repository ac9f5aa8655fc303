"""The files of a chip: a master file, the eMRTD application in it, and transparent EFs in both.

A file system is immutable: a change makes a new one, so that a command has either its whole effect
or none (ISO/IEC 7816-4, 7.1; Doc 9303-10, 3.9 to 3.11).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.iso7816.directories import Directory
from emrtd.status_words import SW

FILE_OVERHEAD: Final = 32
"""Octets of memory that a file uses in addition to its content."""


@dataclass(frozen=True, slots=True)
class TransparentFile:
    """An elementary file: its 2-octet identifier, its 5-bit SFI if it has one, and its octets."""

    directory: Directory
    identifier: int
    short_identifier: int | None
    content: bytes = field(repr=False)

    @property
    def key(self) -> tuple[Directory, int]:
        """The directory and the identifier, which are unique on the chip."""
        return self.directory, self.identifier

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` octets from `offset`; 6B00 if `offset` is not in the file."""
        if offset >= len(self.content):
            raise ChipRefusalError(SW.WRONG_OFFSET, "reading a file")
        return self.content[offset : offset + size]

    def write(self, offset: int, data: bytes) -> "TransparentFile":
        """Return the file with octets replaced; 6B00 or 6A84 if they go beyond its end."""
        if offset > len(self.content):
            raise ChipRefusalError(SW.WRONG_OFFSET, "writing a file")
        if offset + len(data) > len(self.content):
            raise ChipRefusalError(SW.NOT_ENOUGH_MEMORY, "writing a file")
        content = self.content[:offset] + data + self.content[offset + len(data) :]
        return replace(self, content=content)


@dataclass(frozen=True, slots=True)
class FileSystem:
    """All elementary files of a chip, in the order in which they were created."""

    files: tuple[TransparentFile, ...] = ()

    def __iter__(self) -> Iterator[TransparentFile]:
        return iter(self.files)

    @property
    def size(self) -> int:
        """Octets of memory that the files use."""
        return sum(len(file.content) + FILE_OVERHEAD for file in self.files)

    def find(self, key: tuple[Directory, int] | None) -> TransparentFile | None:
        """Return the file with this directory and identifier, or None."""
        if key is None:
            return None
        directory, identifier = key
        for file in self.files:
            if file.identifier == identifier and file.directory is directory:
                return file
        return None

    def find_short(self, directory: Directory, short_identifier: int) -> TransparentFile | None:
        """Return the file of a directory with this short identifier, or None."""
        return next(
            (
                file
                for file in self.files
                if file.directory is directory and file.short_identifier == short_identifier
            ),
            None,
        )

    def create(self, file: TransparentFile) -> "FileSystem":
        """Return the file system with a new file; 6A89 if either of its identifiers is in use."""
        existing = self.find(file.key)
        if existing is None and file.short_identifier is not None:
            existing = self.find_short(file.directory, file.short_identifier)
        if existing is not None:
            raise ChipRefusalError(SW.FILE_ALREADY_EXISTS, "creating a file")
        return FileSystem((*self.files, file))

    def put(self, changed: TransparentFile) -> "FileSystem":
        """Return the file system with one file replaced by its changed version."""
        return FileSystem(
            tuple(changed if file.key == changed.key else file for file in self.files)
        )
