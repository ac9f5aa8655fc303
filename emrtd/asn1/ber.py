"""ASN.1 values in BER (ITU-T X.690), read leniently and within bounds, faster than `emrtd.tlv`.

Certificates, CMS and CRLs of foreign States are read with this.  A `Value` refers to a part of the
source octets and copies them only on request.  Definite lengths of any form are read;
`SourceOctets.is_der` is false if one was not DER.  `definite` first converts indefinite lengths.
For any input, a reader either returns or raises `MalformedError`.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from emrtd.tlv import encode_length
from support.errors import MalformedError
from support.reasons import Reason

MAX_DEPTH: Final = 32
"""The maximum nesting of values of indefinite length; EF.SOD needs about 12."""

MAX_CHILDREN: Final = 20_000
"""The maximum number of values in `Value.children`; use `Value.each` for more."""

MAX_VALUES: Final = 1_000_000
"""The maximum number of values that `definite` looks at; the largest Master Lists need 20,000."""


class SourceOctets:
    """The octets that values are read from, their name for errors, and whether they are DER so far.

    `is_der` becomes False when a length field is read that is not the shortest (X.690, 10.1).
    """

    __slots__ = ("is_der", "octets", "what")

    def __init__(self, octets: bytes, what: str) -> None:
        self.octets = octets
        self.what = what
        self.is_der = True


class Value(msgspec.Struct, eq=False, gc=False):
    """One ASN.1 value: its identifier octets as a number, and its position in its source.

    `begin` is the offset of the tag, `start` and `end` bound the contents.
    """

    source: SourceOctets
    tag: int
    begin: int
    start: int
    end: int
    _children: "tuple[Value, ...] | None" = None

    def __repr__(self) -> str:  # the contents may be personal data
        return f"Value({self.tag:02X}, {self.end - self.start} octets)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # the one of msgspec shows every field
        return []

    @property
    def what(self) -> str:
        """The name of the source octets in errors."""
        return self.source.what

    @property
    def contents(self) -> bytes:
        """The contents octets."""
        return self.source.octets[self.start : self.end]

    @property
    def encoded(self) -> bytes:
        """The whole value, with tag and length, as encoded in the source."""
        return self.source.octets[self.begin : self.end]

    @property
    def constructed(self) -> bool:
        """Whether the contents are a sequence of values."""
        return bool(self.source.octets[self.begin] & 0x20)

    @property
    def children(self) -> "tuple[Value, ...]":
        """The values in the contents, at most `MAX_CHILDREN`."""
        if self._children is None:
            self._children = self._read_children()
        return self._children

    def _read_children(self) -> "tuple[Value, ...]":
        """Read the children, with a fast path for one octet of tag and one of length."""
        source, position, end = self.source, self.start, self.end
        octets = source.octets
        found: list[Value] = []
        append = found.append
        while position < end:
            tag = octets[position]
            length = octets[position + 1] if position + 1 < end else 0x80
            start = position + 2
            stop = start + length
            if length >= 0x80 or stop > end or tag & 0x1F == 0x1F:
                tag, start, stop = _header(source, position, end)
            append(Value(source, tag, position, start, stop))
            position = stop
            if len(found) > MAX_CHILDREN:
                raise self.malformed(
                    Reason("more than {max_children} values in one", max_children=MAX_CHILDREN)
                )
        return tuple(found)

    def each(self, limit: int) -> "Iterator[Value]":
        """Iterate over the values in the contents, at most `limit`, without storing them."""
        source, position = self.source, self.start
        count = 0
        while position < self.end:
            tag, start, stop = _header(source, position, self.end)
            count += 1
            if count > limit:
                raise self.malformed(Reason("more than {limit} values in one", limit=limit))
            yield Value(source, tag, position, start, stop)
            position = stop

    def malformed(self, reason: str) -> MalformedError:
        """Return the error for this value, with its offset."""
        return MalformedError(self.source.what, reason, self.begin)

    def expect(self, tag: int) -> "Value":
        """Return this value; raises `MalformedError` unless it has this tag."""
        if self.tag != tag:
            raise self.malformed(
                Reason("tag {tag} instead of {tag2}", tag=f"{self.tag:02X}", tag2=f"{tag:02X}")
            )
        return self


def read(octets: bytes, what: str) -> Value:
    """Read octets that are exactly one value of definite length."""
    value = read_first(octets, what)
    if value.end != len(octets):
        raise MalformedError(
            what,
            Reason("{octets} octets follow the value", octets=len(octets) - value.end),
            value.end,
        )
    return value


def read_first(octets: bytes, what: str) -> Value:
    """Read the value at the start of the octets; `Value.end` is the offset of its end."""
    source = SourceOctets(octets, what)
    tag, start, end = _header(source, 0, len(octets))
    return Value(source, tag, 0, start, end)


def is_der(value: Value) -> bool:
    """Whether a value and all values in it have lengths in the shortest form (X.690, 10.1).

    Raises `MalformedError` if a value in it is not whole, or has more values than `MAX_CHILDREN`.
    """
    source, position = value.source, value.begin
    octets = source.octets
    ends, counts = [value.end], [0]
    while ends:
        end = ends[-1]
        if position == end:
            ends.pop()
            counts.pop()
            continue
        counts[-1] += 1
        if counts[-1] > MAX_CHILDREN:
            raise value.malformed(
                Reason("more than {max_children} values in one", max_children=MAX_CHILDREN)
            )
        first = octets[position]
        length = octets[position + 1] if position + 1 < end else 0x80
        start = position + 2
        stop = start + length
        if length >= 0x80 or stop > end or first & 0x1F == 0x1F:
            _, start, stop = _header(source, position, end)
        if first & 0x20:  # constructed
            ends.append(stop)
            counts.append(0)
            position = start
        else:
            position = stop
    return source.is_der


def definite(octets: bytes, what: str) -> bytes:
    """Rewrite indefinite lengths as definite ones; returns the octets themselves if there are none.

    Constructed OCTET STRINGs of indefinite length become primitive ones.  Values that have only
    definite lengths are not changed, so that signatures over them stay valid.
    Raises `MalformedError` if the octets are not one whole value, or hold more than `MAX_VALUES`.
    """
    rewritten, end = _definite(octets, 0, len(octets), what, 0, budget=iter(range(MAX_VALUES)))
    if end != len(octets):
        raise MalformedError(
            what, Reason("{octets} octets follow the value", octets=len(octets) - end), end
        )
    return octets if rewritten is None else rewritten


def size_of(octets: bytes, what: str) -> int:
    """Return the size of the value at the start of the octets, whether its length is definite.

    Raises `MalformedError` if it is not whole.
    """
    return _definite(octets, 0, len(octets), what, 0, budget=iter(range(MAX_VALUES)))[1]


def is_indefinite(octets: bytes) -> bool:
    """Whether the octets begin with a tag of one octet and an indefinite length."""
    return len(octets) > 1 and octets[0] & 0x1F != 0x1F and octets[1] == 0x80


def _definite(
    octets: bytes, position: int, limit: int, what: str, depth: int, *, budget: Iterator[int]
) -> tuple[bytes | None, int]:
    """Return the rewritten value (None: unchanged) and the offset of its end.

    Each value takes one number of `budget`.
    """
    if next(budget, None) is None:
        raise MalformedError(
            what, Reason("more than {max_values} values", max_values=MAX_VALUES), position
        )
    if depth > MAX_DEPTH:
        raise MalformedError(
            what, Reason("values nested deeper than {max_depth}", max_depth=MAX_DEPTH), position
        )
    tag_end = _tag_end(octets, position, limit, what)
    constructed = bool(octets[position] & 0x20)
    indefinite = tag_end < limit and octets[tag_end] == 0x80
    if indefinite:
        if not constructed:
            raise MalformedError(what, "a primitive value of indefinite length", position)
        start, end = tag_end + 1, limit
    else:
        _, start, end = _header(SourceOctets(octets, what), position, limit)
        if not constructed:
            return None, end
    parts: list[bytes] = []
    changed, inner = False, start
    while not indefinite or octets[inner : inner + 2] != b"\0\0":
        if inner >= end:
            if indefinite:
                raise MalformedError(
                    what, "a value of indefinite length has no end-of-contents octets", position
                )
            break
        part, following = _definite(octets, inner, end, what, depth + 1, budget=budget)
        changed |= part is not None
        parts.append(octets[inner:following] if part is None else part)
        inner = following
    if not indefinite and not changed:
        return None, end
    contents = b"".join(parts)
    tag = octets[position:tag_end]
    if tag == b"\x24":  # a constructed OCTET STRING: its segments, joined (X.690, 8.7.3)
        tag, contents = b"\x04", joined(contents, what)
    return tag + encode_length(len(contents)) + contents, inner + 2 if indefinite else end


def joined(segments: bytes, what: str) -> bytes:
    """Return the contents of the OCTET STRINGs that a constructed one consists of (X.690, 8.7.3).

    Raises `MalformedError` if the octets are anything else.
    """
    whole = Value(SourceOctets(segments, what), 0x24, 0, 0, len(segments))
    return b"".join(segment.expect(0x04).contents for segment in whole.each(len(segments)))


def _tag_end(octets: bytes, position: int, limit: int, what: str) -> int:
    end = position + 1
    if position >= limit:
        raise MalformedError(what, "ends where a value should begin", position)
    if octets[position] & 0x1F == 0x1F:
        while True:
            if end >= limit or end - position == 4:
                raise MalformedError(what, "a tag is cut short or too long", position)
            end += 1
            if not octets[end - 1] & 0x80:
                break
    return end


def _header(source: SourceOctets, position: int, limit: int) -> tuple[int, int, int]:
    """Return the tag, and the start and end of the contents, which end within `limit`."""
    octets, what = source.octets, source.what
    try:
        tag = octets[position]
        start = position + 1
        if tag & 0x1F == 0x1F:
            start = _tag_end(octets, position, limit, what)
            tag = int.from_bytes(octets[position:start], "big")
        length = octets[start]
        start += 1
        if length >= 0x80:
            size = length & 0x7F
            if size == 0:
                raise MalformedError(what, "an indefinite length is not expected here", position)
            if size > 8:
                raise MalformedError(
                    what,
                    Reason("a length field of {size} octets is too long", size=size + 1),
                    position,
                )
            length = int.from_bytes(octets[start : start + size], "big")
            if length < 0x80 or length < 1 << 8 * (size - 1):
                source.is_der = False
            start += size
    except IndexError:
        raise MalformedError(what, "ends inside a tag or length field", position) from None
    end = start + length
    if end > limit:
        raise MalformedError(
            what, Reason("is cut short: {end} octets are missing", end=end - limit), position
        )
    return tag, start, end
