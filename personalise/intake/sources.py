"""What a path given to the intake is: an application, a package, or a folder of these."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from personalise.preparing.application import FILE_NAME
from support.errors import MisuseError

_MAX_DEPTH: Final = 8
_WHAT_TO_NAME: Final = "name applications, encrypted packages, or folders of them"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file that is to be a package."""

    path: Path


@dataclass(frozen=True, slots=True)
class ApplicationFolder:
    """A folder with an `application.json`."""

    path: Path


@dataclass(frozen=True, slots=True)
class UnsearchedFolder:
    """A folder that is not searched; `reason` is a part of a sentence."""

    path: Path
    reason: str


Source = PackageFile | ApplicationFolder | UnsearchedFolder


def find_sources(path: Path) -> Iterator[Source]:
    """Yield every application and package at a path, in the order of their names.

    A folder with an `application.json` is an application.  In any other folder each folder is
    looked at in the same way, and each file is a package; names that begin with a dot are left out.
    A folder that cannot be searched does not stop the others.  Raises `MisuseError` if there is
    nothing at the path.
    """
    if not path.exists():
        raise MisuseError(f"{path}: does not exist", advice=_WHAT_TO_NAME)
    if not path.is_dir():
        yield PackageFile(path)
        return
    found = False
    for each in _find(path, ()):
        found = True
        yield each
    if not found:
        raise MisuseError(f"{path}: holds no application and no package", advice=_WHAT_TO_NAME)


def _find(folder: Path, around: tuple[Path, ...]) -> Iterator[Source]:
    """Yield what a folder holds; `around` are the folders around it, without links."""
    if len(around) > _MAX_DEPTH:
        yield UnsearchedFolder(folder, f"is nested deeper than {_MAX_DEPTH} folders")
        return
    try:
        real = folder.resolve()
        if real in around:
            yield UnsearchedFolder(folder, "is a link to a folder around it")
            return
        if (folder / FILE_NAME).is_file():
            yield ApplicationFolder(folder)
            return
        inside = [(each, each.is_dir()) for each in sorted(folder.iterdir()) if _is_seen(each)]
    except OSError as error:
        yield UnsearchedFolder(folder, f"cannot be read: {error.strerror}")
        return
    for path, is_folder in inside:
        if is_folder:
            yield from _find(path, (*around, real))
        else:
            yield PackageFile(path)


def _is_seen(path: Path) -> bool:
    return not path.name.startswith(".")
