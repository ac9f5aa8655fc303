"""BER-TLV data objects (ISO/IEC 7816-4, 5.2; ITU-T X.690), read strictly and within bounds.

A tag is an integer whose octets are the tag field: 0x61, 0x5F1F, 0x7F4E.  Lengths are definite.
For any input, a reader either returns data objects or raises `MalformedError`.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from support.errors import MalformedError
from support.reasons import Reason

MAX_DEPTH: Final = 16
"""The maximum nesting of constructed data objects; no EF of Doc 9303 needs half of it."""

MAX_OBJECTS: Final = 20_000
"""The maximum number of data objects in one level."""


class DataObject(msgspec.Struct, frozen=True):
    """One data object: its tag, its value, and the offset of the value in the octets read."""

    tag: int
    value: bytes
    offset: int = 0
    what: str = "data object"
    depth: int = 0

    def __repr__(self) -> str:  # the value may be personal data
        return f"DataObject({self.tag:02X}, {len(self.value)} octets)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # the one of msgspec shows every field
        return []

    @property
    def constructed(self) -> bool:
        """Whether the tag marks the value as a sequence of data objects."""
        first = self.tag >> 8 * (_octets_of(self.tag) - 1)
        return bool(first & 0x20)

    def children(self) -> "DataObjects":
        """Read the value as data objects; raises `MalformedError`, also beyond `MAX_DEPTH`."""
        return DataObjects(self.value, self.what, self.offset, self.depth + 1)

    def malformed(self, reason: str) -> MalformedError:
        """Return the error for this data object, with its tag and offset."""
        return MalformedError(
            self.what,
            Reason("data object {tag}: {reason}", tag=f"{self.tag:02X}", reason=reason),
            self.offset,
        )


class DataObjects:
    """The data objects of one level, in order."""

    __slots__ = ("_objects", "_offset", "_what")

    def __init__(self, octets: bytes, what: str, offset: int = 0, depth: int = 0) -> None:
        if depth > MAX_DEPTH:
            raise MalformedError(
                what,
                Reason("data objects nested deeper than {max_depth}", max_depth=MAX_DEPTH),
                offset,
            )
        self._what = what
        self._offset = offset
        self._objects = tuple(_read_each(octets, what, offset, depth))

    def __iter__(self) -> Iterator[DataObject]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def __getitem__(self, index: int) -> DataObject:
        return self._objects[index]

    def all(self, tag: int) -> tuple[DataObject, ...]:
        """Return every data object with this tag, in order."""
        return tuple(each for each in self._objects if each.tag == tag)

    def get(self, tag: int) -> DataObject | None:
        """Return the data object with this tag, or None; two are a `MalformedError`."""
        found = self.all(tag)
        if len(found) > 1:
            raise found[1].malformed("occurs twice")
        return found[0] if found else None

    def one(self, tag: int) -> DataObject:
        """Return the data object with this tag; none or two are a `MalformedError`."""
        found = self.get(tag)
        if found is None:
            raise MalformedError(
                self._what, Reason("data object {tag} is missing", tag=f"{tag:02X}"), self._offset
            )
        return found


def encode(tag: int, *parts: bytes) -> bytes:
    """Encode one data object whose value is the concatenation of the parts."""
    value = parts[0] if len(parts) == 1 else b"".join(parts)
    if tag < 0x100 and len(value) < 0x80:
        return bytes((tag, len(value))) + value
    return tag.to_bytes(_octets_of(tag), "big") + encode_length(len(value)) + value


def encode_length(length: int) -> bytes:
    """Encode a length field in its shortest form (1 to 5 octets)."""
    if length < 0x80:
        return bytes((length,))
    size = _octets_of(length)
    return bytes((0x80 | size,)) + length.to_bytes(size, "big")


def read(octets: bytes, what: str) -> DataObject:
    """Read octets that are exactly one data object; raises `MalformedError` for anything else."""
    data_object, end = read_first(octets, what)
    if end != len(octets):
        raise MalformedError(
            what, Reason("{octets} octets follow the data object", octets=len(octets) - end), end
        )
    return data_object


def read_first(octets: bytes, what: str) -> tuple[DataObject, int]:
    """Read the data object at the start of the octets; return it and the offset of its end."""
    tag, start, end = _read_header(octets, 0, what, 0)
    if end > len(octets):
        raise MalformedError(
            what, Reason("is cut short: {end} octets declared", end=end), len(octets)
        )
    return DataObject(tag, octets[start:end], start, what), end


def read_expected(octets: bytes, tag: int, what: str) -> DataObject:
    """Read exactly one data object, which must have this tag."""
    data_object = read(octets, what)
    if data_object.tag != tag:
        raise MalformedError(
            what,
            Reason(
                "begins with tag {tag} instead of {tag2}",
                tag=f"{data_object.tag:02X}",
                tag2=f"{tag:02X}",
            ),
            0,
        )
    return data_object


def read_all(octets: bytes, what: str) -> DataObjects:
    """Read octets that are a sequence of data objects and nothing else."""
    return DataObjects(octets, what)


def read_padded(octets: bytes, what: str) -> DataObjects:
    """Read a sequence of data objects that zeros may follow, as in files of a fixed size."""
    end = 0
    while end < len(octets) and octets[end]:
        end += declared_size(octets[end : end + 9], what)
    if any(octets[end:]):
        raise MalformedError(what, "data follow the padding zeros", end)
    return DataObjects(octets[:end], what)


def declared_size(head: bytes, what: str) -> int:
    """Return the size in octets, header included, of the data object that begins with `head`.

    `head` needs only the tag and length fields (at most 9 octets).  The size is the declared one
    and may be far more than exists: check it against a bound before use.
    """
    return _read_header(head, 0, what, 0)[2]


def _octets_of(number: int) -> int:
    return max(1, (number.bit_length() + 7) // 8)


def _read_each(octets: bytes, what: str, base: int, depth: int) -> Iterator[DataObject]:
    position, count = 0, 0
    while position < len(octets):
        count += 1
        if count > MAX_OBJECTS:
            raise MalformedError(
                what,
                Reason("more than {max_objects} data objects", max_objects=MAX_OBJECTS),
                base + position,
            )
        tag, start, end = _read_header(octets, position, what, base)
        if end > len(octets):
            raise MalformedError(
                what,
                Reason(
                    "data object {tag} runs {end} octets past the end",
                    tag=f"{tag:02X}",
                    end=end - len(octets),
                ),
                base + position,
            )
        yield DataObject(tag, octets[start:end], base + start, what, depth)
        position = end


def _read_header(octets: bytes, position: int, what: str, base: int) -> tuple[int, int, int]:
    """Return the tag, and the start and the declared end of the value."""
    start = position
    try:
        tag = octets[position]
        position += 1
        if tag & 0x1F == 0x1F:  # X.690, 8.1.2.4: the tag number follows
            more = True
            while more:
                if position - start == 4:
                    raise MalformedError(what, "tag field longer than 4 octets", base + start)
                more = bool(octets[position] & 0x80)
                tag = tag << 8 | octets[position]
                position += 1
        length = octets[position]
        position += 1
    except IndexError:
        raise MalformedError(what, "ends inside a tag or length field", base + start) from None
    if length < 0x80:
        return tag, position, position + length
    size = length & 0x7F
    if not 1 <= size <= 4:
        reason = (
            "indefinite length"
            if size == 0
            else Reason("length field of {size} octets", size=size + 1)
        )
        raise MalformedError(
            what, Reason("{reason} is not allowed", reason=reason), base + position - 1
        )
    field = octets[position : position + size]
    if len(field) < size:
        raise MalformedError(what, "ends inside a tag or length field", base + start)
    position += size
    return tag, position, position + int.from_bytes(field, "big")
