"""Find the LDS images that a command names: in folders, in zips, and in lists of paths.

They are found while others are judged, so that the number of images costs no memory.  What cannot
be an image is found too, with the reason: nothing is lost without a row.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import msgspec

from emrtd.lds.files import FILES
from emrtd.lds.image import MAX_IMAGE
from emrtd.lds.recognition import HEAD, is_text, recognise
from emrtd.lds.zipped_images import ZippedImages
from support.errors import ChipsealError, MisuseError

_ZIP: Final = b"PK"
_IMAGE_SUFFIXES: Final = (".zip", ".dtc")
_MAX_LINE: Final = 8192
_OUR_NAMES: Final = frozenset(file.file_name for file in FILES.values())


class Found(msgspec.Struct, frozen=True, array_like=True):
    """An image, or what is in the place of one.

    `name` identifies it in its row: its path, and in a zip of many the folder after it.  `within`
    is that folder, None for an image that has a path of its own.  `objection` says why there is no
    image to read, empty if there may be one.
    """

    name: str
    path: str
    within: str | None = None
    objection: str = ""


def find_images(
    paths: Iterable[Path], standard_input: Sequence[str] = (), *, ignored: Sequence[Path] = ()
) -> Iterator[Found]:
    """Yield the images that the paths name, in no order that is promised.

    A folder without folders and zips in it is one image, as is every file that begins with the tag
    of an elementary file.  In a folder with several EF.SOD and no other file of an image, each of
    them is an image; the same holds for any other one kind.  A zip is one image, or many if the
    same name occurs in several of its folders.  Any other file is a list of paths, one on each line
    (or each ended by a zero octet).
    `-` stands for the paths of `standard_input`.  The files in `ignored` are not looked at.
    Each folder that links lead to is looked into once.

    Raises `MisuseError` if a path does not exist or is no list.
    """
    left_out = {os.path.realpath(each) for each in ignored}
    for path in paths:
        if str(path) == "-":
            for line in standard_input:
                yield from _listed(line, left_out)
        elif path.is_dir():
            yield from _in_folder(str(path), left_out)
        elif not path.exists():
            raise MisuseError(
                f"{path}: no such folder or file", advice="name folders, zips or lists of images"
            )
        elif _is_an_image(path):
            yield from _in_file(str(path))
        else:
            yield from _in_list(path, left_out)


def read_list(stream: IO[bytes]) -> Iterator[str]:
    """Yield the paths of a list: one on each line, or each ended by a zero octet."""
    rest, separator = b"", b""
    while block := stream.read(1 << 16):
        rest += block
        separator = separator or (b"\0" if b"\0" in rest else b"\n")
        *lines, rest = rest.split(separator)
        if len(rest) > _MAX_LINE:
            raise MisuseError("the list of paths has a line of more than 8,192 octets")
        yield from _decoded(lines)
    yield from _decoded([rest])


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for line in lines:
        path = os.fsdecode(line.removesuffix(b"\r"))
        if path:
            yield path


def _in_list(path: Path, left_out: set[str]) -> Iterator[Found]:
    with path.open("rb") as stream:
        for count, line in enumerate(read_list(stream)):
            if not count and not os.path.lexists(line):
                raise MisuseError(
                    f"{path}: is neither an image nor a list of paths",
                    advice="a list has one path on each line, from the current folder",
                )
            yield from _listed(line, left_out)


def _listed(line: str, left_out: set[str]) -> Iterator[Found]:
    if Path(line).is_dir():
        yield from _in_folder(line, left_out)
    else:
        yield from _in_file(line)


def _in_folder(folder: str, left_out: set[str]) -> Iterator[Found]:
    """Yield the images in a folder, deeper folders after it."""
    waiting = [folder]
    visited = {_identity(folder)}
    while waiting:
        current = waiting.pop()
        files: list[str] = []
        inner: list[str] = []
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        place = _identity(entry.path) if entry.is_symlink() else None
                        if place is None or place not in visited:
                            inner.append(entry.name)
                            visited |= {place} if place is not None else set()
                    elif os.path.realpath(entry.path) not in left_out:
                        files.append(entry.name)
        except OSError as error:
            yield Found(_name(current), current, None, error.strerror or str(error))
            continue
        waiting += (os.path.join(current, name) for name in sorted(inner, reverse=True))  # noqa: PTH118
        yield from _among(current, sorted(files), is_collection=bool(inner))


def _among(folder: str, files: list[str], *, is_collection: bool) -> Iterator[Found]:
    """Yield the images that the files of one folder make up."""
    zips = [name for name in files if name.lower().endswith(_IMAGE_SUFFIXES)]
    others = [name for name in files if name not in set(zips)] if zips else files
    for name in zips:
        yield from _in_file(os.path.join(folder, name))  # noqa: PTH118
    if not zips and not is_collection and not _are_of_one_kind(folder, others):
        yield Found(_name(folder), folder)
        return
    loose = [(name, _head(os.path.join(folder, name))) for name in others]  # noqa: PTH118
    kinds = [recognise(head) for _, head in loose if head is not None]
    known = [kind for kind in kinds if kind is not None]
    if len(set(known)) > 1:  # an image, and folders or zips beside it
        yield Found(_name(folder), folder)
        return
    for name, head in loose:
        if head is None or not head or not is_text(head):
            yield from _in_file(os.path.join(folder, name))  # noqa: PTH118


def _are_of_one_kind(folder: str, files: list[str]) -> bool:
    """Whether two or more of the files are of one kind, and none is another file of an image."""
    if len(files) < 2 or not _OUR_NAMES.isdisjoint(files):
        return False
    heads = (_head(os.path.join(folder, name)) for name in files)  # noqa: PTH118
    known = [kind for head in heads if head is not None and (kind := recognise(head)) is not None]
    return len(known) > 1 and len(set(known)) == 1


def _identity(path: str) -> tuple[int, int]:
    """Return what identifies a folder, whatever its path; zeros if it is gone."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


def _in_file(path: str) -> Iterator[Found]:
    """Yield the image that a file is, or the many that a zip holds."""
    head = _head(path)
    if head is not None and head.startswith(_ZIP):
        try:
            with ZippedImages(Path(path)) as zipped:
                folders = zipped.folders
        except ChipsealError as error:
            if _size(path) > MAX_IMAGE:
                yield Found(_name(path), path, None, _without_place(error, path))
                return
            folders = ()  # reading it says what is wrong
        except OSError as error:
            yield Found(_name(path), path, None, error.strerror or str(error))
            return
        for folder in folders:
            yield Found(f"{_name(path)}/{_name(folder)}", path, folder)
        if folders:
            return
    yield Found(_name(path), path)


def _is_an_image(path: Path) -> bool:
    """Whether a file that a command names is a zip or an elementary file, and not a list."""
    head = _head(str(path))
    if head is None or not head:
        return True  # reading it says what is wrong
    is_companion = recognise(head) is not None
    return head.startswith(_ZIP) or is_companion or path.name.lower().endswith(_IMAGE_SUFFIXES)


def _head(path: str) -> bytes | None:
    """Return the first octets of a file; None if it cannot be read."""
    try:
        if not Path(path).is_file():
            return None
        with open(path, "rb") as stream:  # noqa: PTH123 - one of a million
            return stream.read(HEAD)
    except OSError:
        return None


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _without_place(error: ChipsealError, path: str) -> str:
    return error.message.removeprefix(f"{path}: ")


def _name(path: str) -> str:
    """Return a path as text; an octet that is not UTF-8 is written `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
