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


Source = PackageFile | ApplicationFolder


def find_sources(path: Path) -> Iterator[Source]:
    """Yield every application and package at a path, in the order of their names.

    A folder with an `application.json` is an application.  In any other folder each folder is
    looked at in the same way, and each file is a package; names that begin with a dot are left out.
    Raises `MisuseError` if there is nothing at the path.
    """
    if not path.exists():
        raise MisuseError(f"{path}: does not exist", advice=_WHAT_TO_NAME)
    if not path.is_dir():
        yield PackageFile(path)
        return
    found = False
    for each in _find(path, 0):
        found = True
        yield each
    if not found:
        raise MisuseError(f"{path}: holds no application and no package", advice=_WHAT_TO_NAME)


def _find(folder: Path, depth: int) -> Iterator[Source]:
    if (folder / FILE_NAME).is_file():
        yield ApplicationFolder(folder)
        return
    if depth == _MAX_DEPTH:
        raise MisuseError(f"{folder}: is nested deeper than {_MAX_DEPTH} folders")
    for name in sorted(each.name for each in folder.iterdir() if not each.name.startswith(".")):
        path = folder / name
        if path.is_dir():
            yield from _find(path, depth + 1)
        else:
            yield PackageFile(path)
