"""BER values read forwards from a stream, without holding long contents in memory (X.690).

A CMS object of hundreds of megabytes is read with this: its structure in order, its content in
chunks.  Definite and indefinite lengths are read; an OCTET STRING may be in segments.

    stream = BerStream(file, "package")
    stream.enter(der.SEQUENCE)
    kind = stream.value()
    ...
    stream.leave()
    stream.finish()
"""

from collections.abc import Iterator
from typing import Final, Protocol

from emrtd.asn1 import ber, der
from support.errors import MalformedError
from support.reasons import Reason

CHUNK: Final = 64 * 1024
"""Octets that are read from the source at once."""

MAX_VALUE: Final = 1024 * 1024
"""The longest value that `value` returns, in octets."""

_CONSTRUCTED: Final = 0x20
_INDEFINITE: Final = 0x80
_END_OF_CONTENTS: Final = b"\0\0"


class Readable(Protocol):
    """A source of octets, such as a file."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` octets; none at the end."""
        ...


class BerStream:
    """A position in a stream of BER; `what` names the stream in errors.

    Every method raises `MalformedError` for octets that are not the expected value.
    """

    def __init__(self, source: Readable, what: str) -> None:
        self._source = source
        self._what = what
        self._buffer = b""
        self._at = 0
        self._offset = 0
        self._ends: list[int | None] = []
        self._values = 0

    @property
    def offset(self) -> int:
        """The number of octets that have been read."""
        return self._offset

    def malformed(self, reason: str) -> MalformedError:
        """Return the error for the present position."""
        return MalformedError(self._what, reason, self._offset)

    def enter(self, *tags: int) -> int:
        """Read the header of a constructed value with one of these tags; return the tag."""
        tag, length, _ = self._header(tags)
        if not tag & _CONSTRUCTED:
            raise self.malformed(
                Reason("the value with tag {tag} is not constructed", tag=f"{tag:02X}")
            )
        self._push(length)
        return tag

    def leave(self) -> None:
        """Read the end of the value that was entered last; nothing may follow inside it."""
        if not self.at_end():
            if self._ends[-1] is None and len(self._peek(2)) < 2:
                raise self.malformed("a value of indefinite length has no end-of-contents octets")
            raise self.malformed("a value holds more than was expected")
        if self._ends.pop() is None:
            self._take(2)

    def at_end(self) -> bool:
        """Whether the value that was entered last ends here."""
        end = self._ends[-1]
        return self._peek(2) == _END_OF_CONTENTS if end is None else self._offset == end

    def next_tag(self) -> int | None:
        """Return the first octet of the next value's tag, or None at the end of what is entered."""
        if self._ends and self.at_end():
            return None
        return self._peek(1)[0] if self._peek(1) else None

    def value(self) -> bytes:
        """Return the next value, of at most `MAX_VALUE` octets, with definite lengths only."""
        parts: list[bytes] = []
        self._copy(parts, MAX_VALUE, 0)
        return ber.definite(b"".join(parts), self._what)

    def contents(self, *tags: int) -> Iterator[bytes]:
        """Yield the contents of an OCTET STRING with one of these tags, in chunks."""
        tag, length, _ = self._header(tags)
        if not tag & _CONSTRUCTED:
            if length is None:
                raise self.malformed("a primitive value of indefinite length")
            yield from self._chunks(length)
            return
        depth = len(self._ends)
        self._push(length)
        while len(self._ends) > depth:
            if self.at_end():
                self.leave()
                continue
            tag, length, _ = self._header((der.OCTET_STRING, der.OCTET_STRING | _CONSTRUCTED))
            if tag & _CONSTRUCTED:
                self._push(length)
            elif length is None:
                raise self.malformed("a primitive value of indefinite length")
            else:
                yield from self._chunks(length)

    def finish(self) -> None:
        """Check that nothing follows."""
        if self._peek(1):
            raise self.malformed("octets follow the value")

    def _push(self, length: int | None) -> None:
        if len(self._ends) >= ber.MAX_DEPTH:
            raise self.malformed(
                Reason("values nested deeper than {max_depth}", max_depth=ber.MAX_DEPTH)
            )
        self._ends.append(None if length is None else self._offset + length)

    def _header(self, tags: tuple[int, ...] = ()) -> tuple[int, int | None, bytes]:
        """Read the header of a value that ends inside what is entered.

        Returns the tag, the length (None: indefinite), and the header as it is encoded.
        """
        self._values += 1
        if self._values > ber.MAX_VALUES:
            raise self.malformed(Reason("more than {max_values} values", max_values=ber.MAX_VALUES))
        encoded = self._take(2)
        tag, length = encoded
        if tags and tag not in tags:
            expected = " or ".join(f"{each:02X}" for each in tags)
            raise self.malformed(
                Reason("tag {tag} instead of {expected}", tag=f"{tag:02X}", expected=expected)
            )
        if tag & 0x1F == 0x1F:
            raise self.malformed("a tag of several octets")
        if length == _INDEFINITE:
            return tag, None, encoded
        if length > _INDEFINITE:
            if length & 0x7F > 8:
                raise self.malformed(
                    Reason(
                        "a length field of {length} octets is too long", length=(length & 127) + 1
                    )
                )
            size = self._take(length & 0x7F)
            encoded, length = encoded + size, int.from_bytes(size, "big")
        end = next((each for each in reversed(self._ends) if each is not None), None)
        if end is not None and self._offset + length > end:
            raise self.malformed("a value is longer than the one around it")
        return tag, length, encoded

    def _copy(self, parts: list[bytes], room: int, depth: int) -> int:
        """Append the octets of the next value to `parts`; return the room that is left."""
        if depth > ber.MAX_DEPTH:
            raise self.malformed(
                Reason("values nested deeper than {max_depth}", max_depth=ber.MAX_DEPTH)
            )
        tag, length, encoded = self._header()
        parts.append(encoded)
        room -= len(encoded) + (length or 0)
        if room < 0:
            raise self.malformed(
                Reason("a value is longer than {max_value} octets", max_value=f"{MAX_VALUE:,}")
            )
        if length is not None:
            parts.append(self._take(length))
            return room
        if not tag & _CONSTRUCTED:
            raise self.malformed("a primitive value of indefinite length")
        while self._peek(2) != _END_OF_CONTENTS:
            room = self._copy(parts, room, depth + 1)
        parts.append(self._take(2))
        return room

    def _chunks(self, length: int) -> Iterator[bytes]:
        while length:
            size = min(length, CHUNK)
            yield self._take(size)
            length -= size

    def _peek(self, size: int) -> bytes:
        if len(self._buffer) - self._at < size:
            self._fill(size)
        return self._buffer[self._at : self._at + size]

    def _take(self, size: int) -> bytes:
        taken = self._peek(size)
        if len(taken) < size:
            raise self.malformed("is cut short")
        self._at += size
        self._offset += size
        return taken

    def _fill(self, size: int) -> None:
        parts = [self._buffer[self._at :]]
        have = len(parts[0])
        while have < size:
            part = self._source.read(max(CHUNK, size - have))
            if not part:
                break
            parts.append(part)
            have += len(part)
        self._buffer, self._at = b"".join(parts), 0
