"""Tar archives, as POSIX (ustar, pax) and GNU tar write them (IEEE 1003.1, pax, "ustar")."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from personalise.intake.archive_rules import Limits, Names, damaged, too_large, unsafe
from personalise.intake.refusals import RefusedPackageError
from personalise.intake.spool import BLOCK, Spool

_RECORD: Final = 512
_ZEROS: Final = bytes(_RECORD)
_MAX_EXTENDED: Final = 16 * 1024
"""Octets of a pax header or a long name."""
_FILES: Final = frozenset({b"0", b"\0", b"7"})
_FOLDER: Final = b"5"
_EXTENDED: Final = frozenset({b"x", b"g", b"L", b"K"})
_OTHERS: Final = {
    b"1": "is a hard link",
    b"2": "is a symbolic link",
    b"3": "is a device",
    b"4": "is a device",
    b"6": "is a pipe",
    b"S": "is a sparse file",
}


def is_tar(begin: bytes) -> bool:
    """Whether the first 512 octets are the header of a tar, by its checksum."""
    return len(begin) == _RECORD and begin != _ZEROS and _has_checksum(begin)


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    size: int


class TarArchive:
    """The files of a tar; satisfies `personalise.intake.archive_rules.Archive`."""

    def __init__(self, content: Spool, limits: Limits) -> None:
        self._content = content
        self._places = _read_directory(content, Names(limits))

    @property
    def names(self) -> Collection[str]:
        """The names of all files."""
        return self._places.keys()

    def read(self, name: str, limit: int) -> bytes:
        """Return a file of at most `limit` octets."""
        place = self._places[name]
        if place.size > limit:
            raise too_large(limit)
        self._content.seek(place.offset)
        return self._content.read(place.size)


def _read_directory(content: Spool, names: Names) -> dict[str, _Place]:
    found: dict[str, _Place] = {}
    extended: dict[str, str] = {}
    position, number = 0, 0
    while (header := _read_header(content, position)) != _ZEROS:
        kind, size = header[156:157], _number(header[124:136])
        if kind in _EXTENDED:
            if size > _MAX_EXTENDED:
                raise damaged("has a header that is too long")
            extended |= _read_extended(kind, content.read(size))
        else:
            number += 1
            if kind not in _FILES and kind != _FOLDER:
                how = _OTHERS.get(kind, "is no file")
                raise unsafe(number, f"a kind that is not read: it {how}")
            name = extended.get("path") or _name(header)
            is_folder = kind == _FOLDER or name.endswith("/")
            size = 0 if is_folder else int(extended.get("size", size))
            extended = {}
            if not (is_folder and name in {".", "./"}):
                plain = names.add(name, size)
                if not is_folder:
                    found[plain] = _Place(position + _RECORD, size)
        position += _RECORD + size + -size % _RECORD
        if position > len(content):
            raise damaged("is cut short")
    _require_zeros(content)
    return found


def _read_header(content: Spool, position: int) -> bytes:
    content.seek(position)
    header = content.read(_RECORD)
    if len(header) < _RECORD:
        raise damaged("is cut short")
    if header != _ZEROS and not _has_checksum(header):
        raise damaged("has a damaged header")
    return header


def _read_extended(kind: bytes, octets: bytes) -> dict[str, str]:
    if kind == b"x":
        return _pax(octets)
    if kind == b"L":
        return {"path": _text(octets.rstrip(b"\0"))}
    return {}  # defaults for all entries, or the target of a link


def _require_zeros(content: Spool) -> None:
    while rest := content.read(BLOCK):
        if rest.strip(b"\0"):
            raise damaged("has octets behind its end")


def _has_checksum(header: bytes) -> bool:
    try:
        stated = _number(header[148:156])
    except RefusedPackageError:
        return False
    return stated == sum(header[:148]) + 8 * 0x20 + sum(header[156:])


def _number(field: bytes) -> int:
    """Read a number: octal, or base 256 as GNU tar writes large ones."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise damaged("has a number that is not octal")
    return int(digits or b"0", 8)


def _name(header: bytes) -> str:
    name = header[:100].split(b"\0")[0]
    if header[257:263] == b"ustar\0" and (prefix := header[345:500].split(b"\0")[0]):
        name = prefix + b"/" + name
    return _text(name)


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise damaged("has a name that is not UTF-8") from None


def _pax(octets: bytes) -> dict[str, str]:
    """Read the records of a pax header, "LENGTH KEY=VALUE\\n"; only `path` and `size` matter."""
    found = {}
    while octets:
        length, space, _ = octets[:8].partition(b" ")
        if not space or not length.isdigit() or not len(length) + 2 < int(length) <= len(octets):
            raise damaged("has a pax header that is not one")
        record, octets = octets[len(length) + 1 : int(length)], octets[int(length) :]
        key, _, value = record.removesuffix(b"\n").partition(b"=")
        if key == b"path":
            found["path"] = _text(value)
        elif key == b"size":
            if not value.isdigit() or len(value) > 15:
                raise damaged("has a size that is not a number")
            found["size"] = value.decode("ascii")
        elif key.startswith(b"GNU.sparse"):
            raise damaged("has a sparse file")
    return found
