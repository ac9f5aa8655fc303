"""Structures of a fixed size: constants, unsigned big-endian integers and octets, in order.

One table describes a structure.  `construct` writes it; no other module uses that library.  Reading
is written here: importing `construct` takes 35 ms, more than a whole inspection takes to read the
fingerprints of a document.
"""

from collections.abc import Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from support.errors import MalformedError, MisuseError
from support.reasons import Reason


class Octets(NamedTuple):
    """A field that holds so many octets as they are."""

    size: int


Field = int | Octets | bytes
"""The octets of an integer, a field of octets, or a constant."""


class FixedLayout:
    """A structure of a fixed size, read into an object with one attribute for each field.

    `what` names it in errors; `fields` are its fields by name, in order; `size` is in octets.
    """

    def __init__(self, what: str, fields: Mapping[str, Field]) -> None:
        self.what: Final = what
        self._fields: Final = fields
        self.size: Final = sum(map(_size, fields.values()))

    def read(self, octets: bytes, offset: int) -> SimpleNamespace:
        """Read the structure that begins at `offset`.

        Raises `MalformedError` if the octets end too early or a constant differs.
        """
        part = octets[offset : offset + self.size]
        if len(part) < self.size:
            raise MalformedError(self.what, "is cut short", offset)
        found = SimpleNamespace()
        start = 0
        for name, field in self._fields.items():
            end = start + _size(field)
            value = part[start:end]
            if isinstance(field, bytes) and value != field:
                reason = Reason(
                    "begins with {part}, which is another kind of record",
                    part=part[:4].hex().upper(),
                )
                raise MalformedError(self.what, reason, offset)
            setattr(found, name, int.from_bytes(value, "big") if isinstance(field, int) else value)
            start = end
        return found

    def write(self, values: Mapping[str, int | bytes]) -> bytes:
        """Write the structure, without naming its constants.

        Raises `MisuseError` for a value that does not fit its field.
        """
        from construct import ConstructError

        try:
            octets = bytes(self._structure.build(dict(values)))
        except (ConstructError, KeyError, TypeError, ValueError) as problem:
            reason = (str(problem).splitlines() or ["a field does not fit"])[-1]
            raise MisuseError(f"{self.what}: {reason}") from None
        if len(octets) != self.size:
            raise MisuseError(f"{self.what}: a field has the wrong size")
        return octets

    @cached_property
    def _structure(self) -> Any:
        import construct

        def described(field: Field) -> Any:
            match field:
                case int():
                    return construct.BytesInteger(field)
                case Octets():
                    return construct.Bytes(field.size)
                case _:
                    return construct.Const(field)

        return construct.Struct(*(name / described(each) for name, each in self._fields.items()))


def image_octets(octets: bytes, start: int, size: int, what: str) -> bytes:
    """Return the octets of an image of a declared size; raises `MalformedError` if cut short."""
    end = start + size
    if end > len(octets):
        reason = Reason(
            "is cut short: the image runs {end} octets past the end", end=end - len(octets)
        )
        raise MalformedError(what, reason, start)
    return octets[start:end]


def _size(field: Field) -> int:
    match field:
        case int():
            return field
        case Octets():
            return field.size
        case _:
            return len(field)
