"""An LDS image: the elementary files of one chip, in a folder, in a zip, or one file alone."""

import io
import os
import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final, Self

from emrtd.lds.files import FILES, FileID
from emrtd.lds.recognition import HEAD, Companion, is_text, recognise, without_padding
from support.errors import MalformedError, MisuseError
from support.files import is_taken
from support.values import Hidden, Value

CHIP_KEYS_NAME: Final = "chip_keys.p7m"
EVIDENCE_NAME: Final = "evidence.json"
MAX_FILE: Final = 4 * 1024 * 1024
"""Octets: the largest size of one file of an image."""
MAX_IMAGE: Final = 16 * 1024 * 1024
"""Octets: the largest size of all files of an image together, and of a zip."""
MAX_ENTRIES: Final = 256
"""The most entries of a folder or a zip."""

MAX_COLLECTION: Final = 4 * 1024 * 1024 * 1024 - 1
"""Octets: the largest zip of many images; a larger one would be ZIP64."""

_MAX_ZIP_DIRECTORY: Final = 256 * 1024
_MAX_COLLECTION_DIRECTORY: Final = 4 * 1024 * 1024
"""Octets: some 50,000 entries, whose descriptions take 30 MB of memory."""
_BLOCK: Final = 1 << 16
"""Octets that are read at once: a buffer for the largest file would take longer than most files."""
_ZIP_TAIL: Final = 22 + 0xFFFF
"""Octets: the end record of a zip with the longest comment."""
_ZIP_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ZIP_ERRORS: Final = (
    EOFError, NotImplementedError, OSError, RuntimeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What `zipfile` raises for a damaged zip."""

_NAME_ONE: Final = "name an LDS image"
_COMPANIONS: Final = {Companion.CHIP_KEYS: CHIP_KEYS_NAME, Companion.EVIDENCE: EVIDENCE_NAME}

Opener = Callable[[], IO[bytes]]
"""A function that opens one file of an image."""


class LdsImage(Value, frozen=True):
    """The files of one chip; some may be missing.

    `chip_keys` is what data preparation encrypted for the station (CMS): the chip's keys, and the
    kind of card that they are for; None in a captured image.  `evidence` is what the reader
    recorded while it captured the files (JSON), None if it recorded nothing.
    `unrecognised` names the other entries, which were ignored; `tolerated` names the quirks.
    """

    files: Hidden[dict[FileID, bytes]]
    chip_keys: Hidden[bytes | None] = None
    unrecognised: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()
    evidence: Hidden[bytes | None] = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an image from a folder, a zip, or one elementary file alone.

        A file is recognised by the tag it begins with, not by its name.  Only if two files begin
        with the same tag, the one that has the name of another file is left unrecognised.  Raises
        `MisuseError` if there is nothing to read, and `MalformedError` for a broken or oversized
        zip, for an oversized file, and if names do not distinguish two such files.
        """
        if path.is_dir():
            return cls.gather(path, _in_folder(path))
        if not path.is_file():
            raise MisuseError(f"{path}: no such folder or file", advice=_NAME_ONE)
        with path.open("rb") as stream:
            zipped = stream.read(4) == b"PK\x03\x04"
        return cls._load_zip(path) if zipped else cls.gather(path, _alone(path))

    def save(self, folder: Path) -> None:
        """Write the image to a new or empty folder atomically: it appears complete or not.

        Raises `MisuseError` if the folder is not empty or its name is taken, and an `OSError` that
        names the folder if it cannot be written.
        """
        require_free(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for file_id, octets in self.files.items():
                _write(made / FILES[file_id].file_name, octets)
            if self.chip_keys is not None:
                _write(made / CHIP_KEYS_NAME, self.chip_keys)
            if self.evidence is not None:
                _write(made / EVIDENCE_NAME, self.evidence)
            made.rename(folder)
        except OSError as error:  # it names a temporary file, or no file
            raise OSError(error.errno, error.strerror, str(folder)) from error
        finally:
            shutil.rmtree(made, ignore_errors=True)

    @classmethod
    def _load_zip(cls, path: Path) -> Self:
        if path.stat().st_size > MAX_IMAGE:
            raise MalformedError(str(path), f"is a zip of more than {MAX_IMAGE:,} octets")
        octets = path.read_bytes()
        with _explained(path):
            _check_zip_directory(octets, _MAX_ZIP_DIRECTORY)
            with zipfile.ZipFile(io.BytesIO(octets)) as archive:
                return cls.gather(path, _in_zip(archive, archive.infolist()))

    @classmethod
    def gather(cls, path: Path, entries: Iterator[tuple[str, Opener]]) -> Self:
        """Read an image from files that are named and opened by the caller; see `load`."""
        found: dict[FileID | Companion, tuple[str, bytes]] = {}
        unrecognised, tolerated, total = [], [], 0
        for count, (name, opener) in enumerate(entries, start=1):
            if count > MAX_ENTRIES:
                raise MalformedError(str(path), f"has more than {MAX_ENTRIES} entries")
            with opener() as stream:
                head = stream.read(HEAD)
                kind = recognise(head)
                if kind is None:
                    unrecognised.append(name)
                    continue
                octets = _read_on(head, stream)
            total += len(octets)
            if len(octets) > MAX_FILE or total > MAX_IMAGE:
                raise MalformedError(f"{path}: {name}", "is too large for an elementary file")
            if kind in found:
                misnamed = _misnamed(kind, name, found[kind][0])
                if misnamed is None:
                    also = f"is {_name_of(kind)}, and so is {found[kind][0]}"
                    raise MalformedError(f"{path}: {name}", also, advice="remove one of them")
                unrecognised.append(misnamed)
                if misnamed == name:
                    continue
            if isinstance(kind, FileID):
                trimmed = without_padding(kind, octets)
                if trimmed != octets:
                    tolerated.append(f"{kind}: {len(octets) - len(trimmed)} octets of padding")
                    octets = trimmed
            found[kind] = name, octets
        if not found:
            problem, advice = _nothing_in(path)
            raise MisuseError(f"{path}: {problem}", advice=advice)
        files = {id_: found[id_][1] for id_ in FILES if id_ in found}
        nothing: tuple[str, bytes | None] = ("", None)
        _, chip_keys = found.get(Companion.CHIP_KEYS, nothing)
        _, evidence = found.get(Companion.EVIDENCE, nothing)
        return cls(files, chip_keys, tuple(unrecognised), tuple(tolerated), evidence)


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


def require_free(folder: Path) -> None:
    """Raise `MisuseError` if an image cannot be saved there: the name is taken."""
    if is_taken(folder):
        raise MisuseError(f"{folder}: already exists", advice="remove it or choose another folder")


def _nothing_in(path: Path) -> tuple[str, str]:
    """Return why nothing was found, and what to do."""
    head = b"?"
    if path.is_file():
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    if not head:
        return "is empty", _NAME_ONE
    if len(head) > 1 and is_text(head):
        return "is text", "decode its hexadecimal or base64 to a binary file"
    return "holds no elementary file", _NAME_ONE


def _name_of(kind: FileID | Companion) -> str:
    return _COMPANIONS[kind] if isinstance(kind, Companion) else str(kind)


def _misnamed(kind: FileID | Companion, *names: str) -> str | None:
    """Return which of two files with one tag has another file's name; None for both or neither.

    A changed first octet makes one elementary file look like another.
    """
    right = _COMPANIONS[kind] if isinstance(kind, Companion) else FILES[kind].file_name
    ours = {file.file_name for file in FILES.values()} - {right}
    found = [name for name in names if name in ours]
    return found[0] if len(found) == 1 else None


def _read_on(head: bytes, stream: IO[bytes]) -> bytes:
    """Return the head and what follows it, `MAX_FILE` octets and one at most."""
    parts, size = [head], len(head)
    while size <= MAX_FILE and (part := stream.read(min(_BLOCK, MAX_FILE + 1 - size))):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _in_folder(folder: Path) -> Iterator[tuple[str, Opener]]:
    with os.scandir(folder) as entries:
        found = sorted((entry.name, entry.path) for entry in entries if entry.is_file())
    for name, path in found:
        if not name.startswith("."):
            yield name, lambda path=path: open(path, "rb", buffering=0)  # type: ignore[misc]  # noqa: PTH123, SIM115


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


def _alone(path: Path) -> Iterator[tuple[str, Opener]]:
    yield path.name, lambda: path.open("rb")


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


def _write(path: Path, octets: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(octets)
        stream.flush()
        os.fsync(stream.fileno())
