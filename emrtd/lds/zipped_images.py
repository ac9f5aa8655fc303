"""A zip of many LDS images, with a folder each."""

import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Final, Self

from emrtd.lds.image import LdsImage
from emrtd.lds.zip_entries import entries_in, explained, open_zip
from support.errors import MalformedError

MAX_COLLECTION: Final = 4 * 1024 * 1024 * 1024 - 1
"""Octets: the largest zip of many images; a larger one would be ZIP64."""
_MAX_DIRECTORY: Final = 4 * 1024 * 1024
"""Octets: some 50,000 entries, whose descriptions take 30 MB of memory."""


class ZippedImages:
    """A zip of many images, a folder each; as a context manager it closes itself.

    Raises `MalformedError` if it cannot be read or has more than some 50,000 entries, `OSError` if
    there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.stat().st_size > MAX_COLLECTION:
            too_large = f"is a zip of more than {MAX_COLLECTION:,} octets"
            raise MalformedError(str(path), too_large, advice="split it")
        stream = path.open("rb")
        try:
            with explained(path):
                self._archive = open_zip(stream, _MAX_DIRECTORY)
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
        with explained(where):
            entries = entries_in(self._archive, self._folders.get(folder, []))
            return LdsImage.gather(where, entries)

    def _sorted_by_folder(self) -> dict[str, list[zipfile.ZipInfo]]:
        folders: dict[str, list[zipfile.ZipInfo]] = {}
        for entry in self._archive.infolist():
            place = PurePosixPath(entry.filename)
            hidden = any(part.startswith((".", "__MACOSX")) for part in place.parts)
            if not entry.filename.endswith("/") and not hidden:
                folders.setdefault(str(place.parent), []).append(entry)
        return folders
