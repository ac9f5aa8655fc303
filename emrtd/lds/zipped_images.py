"""LDS images in a zip: one image, or many with a folder each."""

import io
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final, Self

from emrtd.lds.image import MAX_IMAGE, LdsImage, Opener
from support.errors import MalformedError

MAX_COLLECTION: Final = 4 * 1024 * 1024 * 1024 - 1
"""Octets: the largest zip of many images; a larger one would be ZIP64."""

_MAX_ZIP_DIRECTORY: Final = 256 * 1024
_MAX_COLLECTION_DIRECTORY: Final = 4 * 1024 * 1024
"""Octets: some 50,000 entries, whose descriptions take 30 MB of memory."""
_ZIP_TAIL: Final = 22 + 0xFFFF
"""Octets: the end record of a zip with the longest comment."""
_ZIP_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ZIP_ERRORS: Final = (
    EOFError, NotImplementedError, OSError, RuntimeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What `zipfile` raises for a damaged zip."""


@contextmanager
def entries_of_one(path: Path) -> Iterator[Iterator[tuple[str, Opener]]]:
    """Open a zip of one image, and yield its files; raises `MalformedError`, also inside."""
    if path.stat().st_size > MAX_IMAGE:
        raise MalformedError(str(path), f"is a zip of more than {MAX_IMAGE:,} octets")
    octets = path.read_bytes()
    with _explained(path):
        _check_zip_directory(octets, _MAX_ZIP_DIRECTORY)
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            yield _in_zip(archive, archive.infolist())


class ZippedImages:
    """A zip of many images, a folder each; as a context manager it closes itself.

    Raises `MalformedError` if it cannot be read or has more than some 50,000 entries, `OSError` if
    there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        stream = path.open("rb")
        try:
            with _explained(path):
                _check_size_of_directory(stream)
                self._archive = zipfile.ZipFile(stream)
            self._folders = self._sorted_by_folder()
        except BaseException:
            stream.close()
            raise
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()
        self._stream.close()

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders with files; empty if the zip is one image.

        It is one image, which may have folders in it, unless a name occurs in several of them.
        """
        names = Counter(
            PurePosixPath(each.filename).name
            for entries in self._folders.values()
            for each in entries
        )
        many = any(count > 1 for count in names.values()) and len(self._folders) > 1
        return tuple(self._folders) if many else ()

    def load(self, folder: str) -> LdsImage:
        """Read the image in one of the folders; raises as `LdsImage.load` does."""
        where = self._path / folder
        with _explained(where):
            entries = _in_zip(self._archive, self._folders.get(folder, []))
            return LdsImage.gather(where, entries)

    def _sorted_by_folder(self) -> dict[str, list[zipfile.ZipInfo]]:
        folders: dict[str, list[zipfile.ZipInfo]] = {}
        for entry in self._archive.infolist():
            place = PurePosixPath(entry.filename)
            hidden = any(part.startswith((".", "__MACOSX")) for part in place.parts)
            if not entry.filename.endswith("/") and not hidden:
                folders.setdefault(str(place.parent), []).append(entry)
        return folders


def _in_zip(
    archive: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo]
) -> Iterator[tuple[str, Opener]]:
    for entry in entries:
        name = PurePosixPath(entry.filename).name
        if entry.compress_type not in _ZIP_METHODS:  # LZMA may allocate 4 GB of memory
            raise zipfile.BadZipFile("its compression method is neither stored nor deflated")
        is_folder = entry.filename.endswith("/")  # is_dir() fails for an empty name
        if not is_folder and not name.startswith("."):
            yield name, lambda entry=entry: archive.open(entry)  # type: ignore[misc]


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Raise `MalformedError` for what `zipfile` raises for a damaged zip."""
    try:
        yield
    except _ZIP_ERRORS as error:
        raise MalformedError(str(path), f"is a zip that cannot be read ({error})") from None


def _check_size_of_directory(stream: IO[bytes]) -> None:
    """Refuse a zip of images that is too large, or whose directory is."""
    size = stream.seek(0, os.SEEK_END)
    if size > MAX_COLLECTION:
        raise zipfile.BadZipFile(f"has more than {MAX_COLLECTION:,} octets; split it")
    stream.seek(max(0, size - _ZIP_TAIL))
    _check_zip_directory(stream.read(), _MAX_COLLECTION_DIRECTORY)
    stream.seek(0)


def _check_zip_directory(octets: bytes, most: int) -> None:
    """Refuse a zip whose directory alone would exhaust memory, before `zipfile` reads it."""
    end = octets.rfind(b"PK\x05\x06")
    if end < 0 or len(octets) - end < 22:
        raise zipfile.BadZipFile("its central directory has no end record")
    if octets[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise zipfile.BadZipFile("ZIP64 is not supported")
    if int.from_bytes(octets[end + 12 : end + 16], "little") > most:
        raise zipfile.BadZipFile("its central directory is too large")
