"""Structures of a fixed size, described with `construct`; no other module uses that library.

A structure is described and compiled at its first use, since `construct` is slow to import.
Compiled code checks neither that there are enough octets nor that a size is positive.  Therefore
only fixed sizes are described, and this module checks the number of octets.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from struct import error as StructError  # noqa: N812
from typing import Any

from support.errors import MalformedError, MisuseError


class FixedLayout:
    """A structure of a fixed size, read into an object with one attribute for each field.

    `describe` is called with the module `construct` and returns the structure; `what` names it in
    errors; `size` is in octets.
    """

    def __init__(self, what: str, size: int, describe: Callable[[Any], Any]) -> None:
        self.what = what
        self.size = size
        self._describe = describe

    @cached_property
    def _compiled(self) -> Any:
        import construct

        return self._describe(construct).compile()

    def read(self, octets: bytes, offset: int) -> Any:
        """Read the structure that begins at `offset`.

        Raises `MalformedError` if the octets end too early or a constant differs.
        """
        from construct import ConstructError

        part = octets[offset : offset + self.size]
        if len(part) < self.size:
            raise MalformedError(self.what, "is cut short", offset)
        try:
            return self._compiled.parse(part)
        except ConstructError:  # in a fixed size only a constant can be wrong
            reason = f"begins with {part[:4].hex().upper()}, which is another kind of record"
            raise MalformedError(self.what, reason, offset) from None

    def write(self, fields: Mapping[str, object]) -> bytes:
        """Write the structure; raises `MisuseError` for a field that does not fit."""
        from construct import ConstructError

        try:
            octets = bytes(self._compiled.build(dict(fields)))
        except (ConstructError, StructError, ValueError) as problem:
            reason = (str(problem).splitlines() or ["a field does not fit"])[-1]
            raise MisuseError(f"{self.what}: {reason}") from None
        if len(octets) != self.size:
            raise MisuseError(f"{self.what}: a field has the wrong size")
        return octets


def image_octets(octets: bytes, start: int, size: int, what: str) -> bytes:
    """Return the octets of an image of a declared size; raises `MalformedError` if cut short."""
    end = start + size
    if end > len(octets):
        reason = f"is cut short: the image runs {end - len(octets)} octets past the end"
        raise MalformedError(what, reason, start)
    return octets[start:end]
