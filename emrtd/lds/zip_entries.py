"""The files in a zip; one that would exhaust memory is refused before `zipfile` reads it."""

import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from support.errors import MalformedError

Opener = Callable[[], IO[bytes]]
"""A function that opens one file."""

_MAX_DIRECTORY: Final = 256 * 1024
_TAIL: Final = 22 + 0xFFFF
"""Octets: the end record of a zip with the longest comment."""
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ERRORS: Final = (
    EOFError, NotImplementedError, OSError, RuntimeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What `zipfile` raises for a damaged zip."""


@contextmanager
def entries_of_one(path: Path, most: int) -> Iterator[Iterator[tuple[str, Opener]]]:
    """Open a zip of at most `most` octets that is one image, and yield its files.

    Raises `MalformedError`, also inside.
    """
    if path.stat().st_size > most:
        raise MalformedError(str(path), f"is a zip of more than {most:,} octets")
    octets = path.read_bytes()
    with explained(path), open_zip(io.BytesIO(octets), _MAX_DIRECTORY) as archive:
        yield entries_in(archive, archive.infolist())


def open_zip(stream: IO[bytes], most: int) -> zipfile.ZipFile:
    """Open a zip whose directory has at most `most` octets; call it inside `explained`."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL))
    _check_directory(stream.read(), most)
    return zipfile.ZipFile(stream)


def entries_in(
    archive: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo]
) -> Iterator[tuple[str, Opener]]:
    """Yield the files among the entries of a zip: their names without folders, and openers."""
    for entry in entries:
        name = PurePosixPath(entry.filename).name
        if entry.compress_type not in _METHODS:  # LZMA may allocate 4 GB of memory
            raise zipfile.BadZipFile("its compression method is neither stored nor deflated")
        is_folder = entry.filename.endswith("/")  # is_dir() fails for an empty name
        if not is_folder and not name.startswith("."):
            yield name, lambda entry=entry: archive.open(entry)  # type: ignore[misc]


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise `MalformedError` for what `zipfile` raises for a damaged zip."""
    try:
        yield
    except _ERRORS as error:
        raise MalformedError(str(path), f"is a zip that cannot be read ({error})") from None


def _check_directory(octets: bytes, most: int) -> None:
    """Refuse a zip whose directory alone would exhaust memory, before `zipfile` reads it."""
    end = octets.rfind(b"PK\x05\x06")
    if end < 0 or len(octets) - end < 22:
        raise zipfile.BadZipFile("its central directory has no end record")
    if octets[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise zipfile.BadZipFile("ZIP64 is not supported")
    if int.from_bytes(octets[end + 12 : end + 16], "little") > most:
        raise zipfile.BadZipFile("its central directory is too large")
