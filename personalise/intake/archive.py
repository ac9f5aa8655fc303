"""The files in a package: a zip, a tar, or a tar compressed with gzip.

The directory of an archive is read and checked whole before any file is: what could be read in two
ways, or hurt, refuses the package.  A file is decompressed up to a limit, whatever size is stated.
"""

import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Protocol

from personalise.intake.refusals import Refusal, RefusedPackageError
from personalise.intake.spool import BLOCK, Spool
from personalise.preparing.application import FILE_NAME

MAX_APPLICATIONS: Final = 1000
MAX_OCTETS: Final = 256 * 1024 * 1024
FILES_PER_APPLICATION: Final = 64
_EXPANSION: Final = 4
_MAX_NAME: Final = 1024
_BINARY: Final = "make it anew; `openssl cms` needs `-binary` to sign and to encrypt an archive"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one package may hold: applications, and octets before and after encryption."""

    applications: int = MAX_APPLICATIONS
    octets: int = MAX_OCTETS

    @property
    def entries(self) -> int:
        """How many files and folders."""
        return FILES_PER_APPLICATION * self.applications

    @property
    def decompressed(self) -> int:
        """How many octets all files have together; images hardly compress."""
        return _EXPANSION * self.octets


class Archive(Protocol):
    """The files of an archive by name, with `/` between folders."""

    @property
    def names(self) -> Collection[str]:
        """The names of all files, in their order in the archive."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """Return a file of at most `limit` octets.

        Raises `RefusedPackageError` if it is damaged or larger.
        """
        ...


def open_archive(content: Spool, limits: Limits) -> Archive:
    """Open an archive; raises `RefusedPackageError`."""
    from personalise.intake.tar import TarArchive, is_tar
    from personalise.intake.zip import ZipArchive

    content.seek(0)
    begin = content.read(512)
    if begin[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return ZipArchive(content, limits)
    if begin[:2] == b"\x1f\x8b":
        return TarArchive(_gunzipped(content, limits), limits)
    if is_tar(begin):
        return TarArchive(content, limits)
    raise RefusedPackageError(
        Refusal.DAMAGED_CONTENT,
        "the content of the package is neither a zip file nor a tar, plain or with gzip",
        advice=_BINARY,
    )


@dataclass(frozen=True, slots=True)
class PackedApplication:
    """An application in an archive: its place among the applications, from 1, and its folder.

    `folder` is empty if the archive has no top folder, and else ends with `/`.
    """

    position: int
    folder: str


def find_applications(names: Collection[str], limits: Limits) -> tuple[PackedApplication, ...]:
    """Return the applications of an archive: every folder with an `application.json`.

    Raises `RefusedPackageError` if there are none or too many, or one inside the folder of another.
    """
    folders = [name[: -len(FILE_NAME)] for name in names if PurePosixPath(name).name == FILE_NAME]
    if not folders:
        raise RefusedPackageError(Refusal.NO_APPLICATION, f"the package holds no {FILE_NAME}")
    if len(folders) > limits.applications:
        raise RefusedPackageError(
            Refusal.TOO_LARGE,
            f"the package holds {len(folders):,} applications, more than {limits.applications:,}",
            advice="divide it into several packages",
        )
    counts = dict.fromkeys(folders, 0)
    for name in names:
        owners = [each for each in _folders_around(name) if each in counts]
        if len(owners) > 1 and name.endswith(FILE_NAME):
            raise RefusedPackageError(
                Refusal.UNSAFE_CONTENT, "the package has an application in the folder of another"
            )
        for owner in owners:
            counts[owner] += 1
    if max(counts.values()) > FILES_PER_APPLICATION:
        raise RefusedPackageError(
            Refusal.TOO_LARGE,
            f"the package has an application of more than {FILES_PER_APPLICATION} files",
        )
    return tuple(PackedApplication(number, each) for number, each in enumerate(folders, 1))


def _folders_around(name: str) -> Iterator[str]:
    """Yield the folder of a file and every folder around that, the outermost (empty) first."""
    yield ""
    place = name.find("/")
    while place >= 0:
        yield name[: place + 1]
        place = name.find("/", place + 1)


class Names:
    """Collects the names of an archive's entries, and refuses those that are not safe."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seen: set[str] = set()
        self._octets = 0

    def add(self, name: str, size: int) -> str:
        """Check the name and the stated size of the next entry; return the name in plain form."""
        number = len(self._seen) + 1
        if number > self._limits.entries:
            raise RefusedPackageError(
                Refusal.TOO_LARGE, f"the package holds more than {self._limits.entries:,} entries"
            )
        plain = name.removeprefix("./") if name not in {".", "./"} else name
        parts = plain.rstrip("/").split("/")
        for forbidden, what in (
            (plain.startswith("/") or plain[1:2] == ":", "an absolute name"),
            (".." in parts, "a name with `..`"),
            ("\\" in plain, "a name with a backslash"),
            (not plain or "" in parts, "an empty name"),
            (not plain.isprintable(), "a name with characters that cannot be printed"),
            (len(plain) > _MAX_NAME, f"a name of more than {_MAX_NAME} characters"),
            (plain.rstrip("/") in self._seen, "the name of an entry before it"),
        ):
            if forbidden:
                raise unsafe(number, what)
        self._octets += size
        if size < 0 or self._octets > self._limits.decompressed:
            raise RefusedPackageError(
                Refusal.TOO_LARGE,
                f"the files of the package have more than {self._limits.decompressed:,} octets",
                advice="divide it into several packages",
            )
        self._seen.add(plain.rstrip("/"))
        return plain


def unsafe(number: int, what: str) -> RefusedPackageError:
    """Return the refusal for entry `number` of an archive; its name may be a person's."""
    return RefusedPackageError(Refusal.UNSAFE_CONTENT, f"entry {number} of the package has {what}")


def damaged(what: str) -> RefusedPackageError:
    """Return the refusal of an archive that cannot be read."""
    return RefusedPackageError(
        Refusal.DAMAGED_CONTENT, f"the archive in the package {what}", advice=_BINARY
    )


def too_large(limit: int) -> RefusedPackageError:
    """Return the refusal of a file that has more octets than its kind may have."""
    return RefusedPackageError(Refusal.TOO_LARGE, f"a file has more than {limit:,} octets")


def _gunzipped(content: Spool, limits: Limits) -> Spool:
    """Decompress gzip into another spool, which replaces the first."""
    unpacked = Spool()
    most = limits.decompressed
    content.seek(0)
    try:
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            pending = unpacker.unconsumed_tail or content.read(BLOCK)
            if not pending:
                raise damaged("is cut short")
            unpacked.write(unpacker.decompress(pending, BLOCK))
            if len(unpacked) > most:
                raise RefusedPackageError(
                    Refusal.TOO_LARGE, f"the archive has more than {most:,} octets, decompressed"
                )
    except zlib.error:
        raise damaged("is not valid gzip") from None
    if unpacker.unused_data or content.read(1):
        raise damaged("has octets behind its end")
    content.close()
    return unpacked
