"""An LDS image: the elementary files of one chip, in a folder, in a zip, or one file alone."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

from emrtd.lds.files import FILES, FileID
from emrtd.lds.recognition import HEAD, Companion, is_text, recognise, without_padding
from support.errors import MalformedError, MisuseError
from support.files import is_taken
from support.values import Hidden, Value

if TYPE_CHECKING:
    from emrtd.lds.zip_entries import Opener

CHIP_KEYS_NAME: Final = "chip_keys.p7m"
EVIDENCE_NAME: Final = "evidence.json"
MAX_FILE: Final = 4 * 1024 * 1024
"""Octets: the largest size of one file of an image."""
MAX_IMAGE: Final = 16 * 1024 * 1024
"""Octets: the largest size of all files of an image together, and of a zip."""
MAX_ENTRIES: Final = 256
"""The most entries of a folder or a zip."""

_BLOCK: Final = 1 << 16
"""Octets that are read at once: a buffer for the largest file would take longer than most files."""

_NAME_ONE: Final = "name an LDS image"
_COMPANIONS: Final = {Companion.CHIP_KEYS: CHIP_KEYS_NAME, Companion.EVIDENCE: EVIDENCE_NAME}


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
        if not zipped:
            return cls.gather(path, _alone(path))
        from emrtd.lds.zip_entries import entries_of_one

        with entries_of_one(path, MAX_IMAGE) as entries:
            return cls.gather(path, entries)

    def save(self, folder: Path) -> None:
        """Write the image to a new or empty folder atomically: it appears complete or not.

        Raises `MisuseError` if the folder is not empty or its name is taken, and an `OSError` that
        names the folder if it cannot be written.
        """
        import shutil
        import tempfile

        require_free(folder)
        target = folder.resolve()  # a link to an empty folder stays a link
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            for file_id, octets in self.files.items():
                _write(made / FILES[file_id].file_name, octets)
            if self.chip_keys is not None:
                _write(made / CHIP_KEYS_NAME, self.chip_keys)
            if self.evidence is not None:
                _write(made / EVIDENCE_NAME, self.evidence)
            made.rename(target)
        except OSError as error:  # it names a temporary file, or no file
            raise OSError(error.errno, error.strerror, str(folder)) from error
        finally:
            shutil.rmtree(made, ignore_errors=True)

    @classmethod
    def gather(cls, path: Path, entries: "Iterator[tuple[str, Opener]]") -> Self:
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


def require_free(folder: Path) -> None:
    """Raise `MisuseError` if an image cannot be saved there.

    The name is taken, or it is the current folder, which the image would replace.
    """
    if is_taken(folder):
        raise MisuseError(f"{folder}: already exists", advice="remove it or choose another folder")
    if folder.resolve() == Path.cwd():
        raise MisuseError(f"{folder}: is the current folder", advice="name a new folder")


def require_separate(folder: Path) -> None:
    """Raise `MisuseError` if an image cannot be saved there, or would lie inside another image.

    The other image's folder would then hold the files of two chips.
    """
    require_free(folder)
    parent = folder.resolve().parent
    if any((parent / each.file_name).exists() for each in FILES.values()):
        raise MisuseError(
            f"{folder}: would lie inside an image", advice="choose a folder beside that image"
        )


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


def _in_folder(folder: Path) -> "Iterator[tuple[str, Opener]]":
    with os.scandir(folder) as entries:
        found = sorted((entry.name, entry.path) for entry in entries if entry.is_file())
    for name, path in found:
        if not name.startswith("."):
            yield name, lambda path=path: open(path, "rb", buffering=0)  # type: ignore[misc]  # noqa: PTH123, SIM115


def _alone(path: Path) -> "Iterator[tuple[str, Opener]]":
    yield path.name, lambda: path.open("rb")


def _write(path: Path, octets: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(octets)
        stream.flush()
        os.fsync(stream.fileno())
