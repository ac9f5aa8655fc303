"""Zip files (APPNOTE.TXT 6.3), stored or deflated, read strictly.

`zipfile` reads the directory.  What it forgives is checked here first: octets around the archive, a
directory that fills the memory, files that overlap, as in bombs of a few kilobytes.
"""

import stat
import zipfile
import zlib
from collections.abc import Collection
from typing import IO, Any, Final, cast

from personalise.intake.archive_rules import Limits, Names, damaged, too_large, unsafe
from personalise.intake.spool import BLOCK, Spool

_ERRORS: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
    OverflowError, LookupError,
)  # fmt: skip
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000  # general purpose bits: traditional, strong, masked
_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_MAX_COMMENT: Final = 0xFFFF
_DIRECTORY_PER_APPLICATION: Final = 4096
_SMALLEST_DIRECTORY: Final = 64 * 1024


class ZipArchive:
    """The files of a zip; satisfies `personalise.intake.archive_rules.Archive`."""

    def __init__(self, content: Spool, limits: Limits) -> None:
        most = max(limits.applications * _DIRECTORY_PER_APPLICATION, _SMALLEST_DIRECTORY)
        _require_end(content)
        try:
            guarded = cast("IO[bytes]", _Guarded(content, most))
            self._zip = zipfile.ZipFile(guarded)
        except _ERRORS:
            raise damaged("is not a valid zip file") from None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        names = Names(limits)
        for number, entry in enumerate(self._zip.infolist(), 1):
            _check_entry(number, entry)
            is_folder = entry.orig_filename.endswith("/")
            name = names.add(entry.orig_filename, 0 if is_folder else entry.file_size)
            if not is_folder:
                self._entries[name] = entry
        _require_apart(self._zip.infolist(), self._zip.start_dir)

    @property
    def names(self) -> Collection[str]:
        """The names of all files."""
        return self._entries.keys()

    def read(self, name: str, limit: int) -> bytes:
        """Return a file of at most `limit` octets."""
        octets = bytearray()
        try:
            with self._zip.open(self._entries[name]) as stream:
                while len(octets) <= limit and (part := stream.read(BLOCK)):
                    octets += part
        except _ERRORS:
            raise damaged("has a file that is damaged") from None
        if len(octets) > limit:
            raise too_large(limit)
        return bytes(octets)


class _Guarded:
    """A file that does not read much at once: `zipfile` reads a whole directory."""

    def __init__(self, content: Spool, most: int) -> None:
        self._content = content
        self._most = most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    def read(self, size: int = -1, /) -> bytes:
        left = len(self._content) - self._content.tell()
        if (left if size < 0 else min(size, left)) > self._most:
            raise damaged("has a directory that is too long")
        return self._content.read(size)


def _require_end(content: Spool) -> None:
    """Check that the archive ends where the content ends, so that nothing can be behind it."""
    content.seek(max(0, len(content) - _END_SIZE - _MAX_COMMENT))
    tail = content.read()
    place = tail.rfind(_END)
    comment = int.from_bytes(tail[place + 20 : place + 22], "little")
    if place < 0 or place + _END_SIZE + comment != len(tail):
        raise damaged("does not end as a zip file does: it is cut short, or octets follow it")


def _check_entry(number: int, entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise unsafe(number, "a password; the envelope encrypts it already")
    if entry.compress_type not in _METHODS:
        method = f"compression method {entry.compress_type}; use deflate, or none"
        raise unsafe(number, method)
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        what = "is a symbolic link" if stat.S_ISLNK(mode) else "is no file"
        raise unsafe(number, f"a kind that is not read: it {what}")


def _require_apart(entries: list[zipfile.ZipInfo], end: int) -> None:
    """Check that no two entries share octets, and that the first begins where the content does."""
    places = sorted((each.header_offset, each.compress_size) for each in entries)
    position = 0
    for offset, size in places:
        if offset < position:
            raise damaged("has files that overlap")
        position = offset + 30 + size
    if position > end or (places and places[0][0] != 0):
        raise damaged("has files that overlap its directory, or octets before it")
