"""The files in a package: a zip, a tar, or a tar compressed with gzip.

The directory of an archive is read and checked whole before any file is: what could be read in two
ways, or hurt, refuses the package.  A file is decompressed up to a limit, whatever size is stated.
"""

import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from personalise.intake.archive_rules import (
    FILES_PER_APPLICATION,
    MAKE_IT_ANEW,
    Archive,
    Limits,
    damaged,
)
from personalise.intake.refusals import Refusal, RefusedPackageError
from personalise.intake.spool import BLOCK, Spool
from personalise.intake.tar import TarArchive, is_tar
from personalise.intake.zip import ZipArchive
from personalise.preparing.application import FILE_NAME


def open_archive(content: Spool, limits: Limits) -> Archive:
    """Open an archive; raises `RefusedPackageError`."""
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
        advice=MAKE_IT_ANEW,
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
