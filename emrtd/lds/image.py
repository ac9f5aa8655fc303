"""An LDS image: the elementary files of one chip, in a folder, a zip or a file by itself."""

import io
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final, Self

from emrtd.lds.files import FILES, FileID
from emrtd.lds.recognition import HEAD, Companion, is_text, recognise, without_padding
from support.errors import MalformedError, MisuseError
from support.files import is_taken

CHIP_KEYS_NAME: Final = "chip_keys.p7m"
EVIDENCE_NAME: Final = "evidence.json"
MAX_FILE: Final = 4 * 1024 * 1024
"""Octets that one file of an image may have."""
MAX_IMAGE: Final = 16 * 1024 * 1024
"""Octets that all of them may have together, and a zip as well."""
MAX_ENTRIES: Final = 256
"""Entries that a folder or a zip may have."""

_MAX_ZIP_DIRECTORY: Final = 256 * 1024
_ZIP_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ZIP_ERRORS: Final = (
    EOFError, NotImplementedError, OSError, RuntimeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What `zipfile` raises for octets that are no sound zip."""

_NAME_ONE: Final = "name an LDS image"
_COMPANIONS: Final = {Companion.CHIP_KEYS: CHIP_KEYS_NAME, Companion.EVIDENCE: EVIDENCE_NAME}

_Opener = Callable[[], IO[bytes]]


@dataclass(frozen=True)
class LdsImage:
    """The files of one chip; it may be partial.

    `chip_keys` is what data preparation sealed for the station (CMS): the chip's keys, and the kind
    of card that they are for; None in a captured image;
    `evidence` is what the reader that captured it noted down (JSON), None where it did not.
    `unrecognised` names what lay beside them and was left alone; `tolerated` says what was read
    past.
    """

    files: dict[FileID, bytes] = field(repr=False)
    chip_keys: bytes | None = field(default=None, repr=False)
    unrecognised: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()
    evidence: bytes | None = field(default=None, repr=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an image from a folder, a zip, or one elementary file by itself.

        Files are known by the tag they begin with, never by their name; only where two claim to
        be the same, the one that has the name of an impostor is left unrecognised.  Raises
        `MisuseError` where there is nothing to read, and `MalformedError` for a broken or
        oversized zip, for an oversized file, and where names do not tell two such files apart.
        """
        if path.is_dir():
            return cls._gather(path, _in_folder(path))
        if not path.is_file():
            raise MisuseError(f"{path}: there is no such folder or file", advice=_NAME_ONE)
        with path.open("rb") as stream:
            zipped = stream.read(4) == b"PK\x03\x04"
        return cls._load_zip(path) if zipped else cls._gather(path, _alone(path))

    def save(self, folder: Path) -> None:
        """Write the image into a new or empty folder, which appears whole or not at all.

        Raises `MisuseError` where anything is in the way, and an `OSError` that names the folder
        where it cannot be written.
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
        except OSError as error:  # it names a file that nobody has heard of, or none
            raise OSError(error.errno, error.strerror, str(folder)) from error
        finally:
            shutil.rmtree(made, ignore_errors=True)

    @classmethod
    def _load_zip(cls, path: Path) -> Self:
        if path.stat().st_size > MAX_IMAGE:
            raise MalformedError(str(path), f"is a zip of more than {MAX_IMAGE:,} octets")
        octets = path.read_bytes()
        try:
            _check_zip_directory(octets)
            with zipfile.ZipFile(io.BytesIO(octets)) as archive:
                return cls._gather(path, _in_zip(archive))
        except _ZIP_ERRORS as error:
            raise MalformedError(str(path), f"is a zip that cannot be read ({error})") from None

    @classmethod
    def _gather(cls, path: Path, entries: Iterator[tuple[str, _Opener]]) -> Self:
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
                octets = head + stream.read(MAX_FILE + 1 - len(head))
            total += len(octets)
            if len(octets) > MAX_FILE or total > MAX_IMAGE:
                raise MalformedError(f"{path}: {name}", "is too large for an elementary file")
            if kind in found:
                impostor = _impostor(kind, name, found[kind][0])
                if impostor is None:
                    also = f"is {_name_of(kind)}, and so is {found[kind][0]}"
                    raise MalformedError(f"{path}: {name}", also, advice="take one of them out")
                unrecognised.append(impostor)
                if impostor == name:
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


def require_free(folder: Path) -> None:
    """Raise `MisuseError` where an image cannot be saved: something stands there already."""
    if is_taken(folder):
        raise MisuseError(f"{folder}: already exists", advice="remove it or choose another folder")


def _nothing_in(path: Path) -> tuple[str, str]:
    """Why nothing was found, where it is plain, and what to do."""
    head = b"?"
    if path.is_file():
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    if not head:
        return "is empty", _NAME_ONE
    if len(head) > 1 and is_text(head):
        return "is text", "decode hexadecimal or base64 into a file of octets"
    return "holds no elementary file", _NAME_ONE


def _name_of(kind: FileID | Companion) -> str:
    return _COMPANIONS[kind] if isinstance(kind, Companion) else str(kind)


def _impostor(kind: FileID | Companion, *names: str) -> str | None:
    """Which of two files that begin alike has the name of another file; None for both or neither.

    A changed first octet makes one elementary file look like another.
    """
    right = _COMPANIONS[kind] if isinstance(kind, Companion) else FILES[kind].file_name
    ours = {file.file_name for file in FILES.values()} - {right}
    found = [name for name in names if name in ours]
    return found[0] if len(found) == 1 else None


def _in_folder(folder: Path) -> Iterator[tuple[str, _Opener]]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            yield path.name, lambda path=path: path.open("rb")  # type: ignore[misc]


def _in_zip(archive: zipfile.ZipFile) -> Iterator[tuple[str, _Opener]]:
    for entry in archive.infolist():
        name = PurePosixPath(entry.filename).name
        if entry.compress_type not in _ZIP_METHODS:  # LZMA alone may ask for 4 GB of memory
            raise zipfile.BadZipFile("a way of compressing that no image needs")
        is_folder = entry.filename.endswith("/")  # is_dir() fails where there is no name at all
        if not is_folder and not name.startswith("."):
            yield name, lambda entry=entry: archive.open(entry)  # type: ignore[misc]


def _alone(path: Path) -> Iterator[tuple[str, _Opener]]:
    yield path.name, lambda: path.open("rb")


def _check_zip_directory(octets: bytes) -> None:
    """Refuse a zip whose directory alone would fill the memory, before `zipfile` reads it."""
    end = octets.rfind(b"PK\x05\x06")
    if end < 0 or len(octets) - end < 22:
        raise zipfile.BadZipFile("no end of its directory")
    if octets[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise zipfile.BadZipFile("a zip of the 64-bit kind, which no image needs")
    if int.from_bytes(octets[end + 12 : end + 16], "little") > _MAX_ZIP_DIRECTORY:
        raise zipfile.BadZipFile("too many entries")


def _write(path: Path, octets: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(octets)
        stream.flush()
        os.fsync(stream.fileno())
