"""Fixed-layout structures described with `construct`, which is untyped and reached through here.

A description is made and compiled when it is first used, since `construct` takes its time to be
imported.  Compiled descriptions neither notice that the octets end early nor that a size is
negative, so that only fixed sizes are described, and the octets are counted here.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from struct import error as StructError  # noqa: N812
from typing import Any

from support.errors import MalformedError, MisuseError


class FixedLayout:
    """A structure of a fixed size: read from octets into an object with one attribute a field.

    `describe` is given the `construct` module and returns the structure; `what` names it in
    errors, `size` is how many octets it takes.
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

        Raises `MalformedError` where the octets end first or a constant is another.
        """
        from construct import ConstructError

        part = octets[offset : offset + self.size]
        if len(part) < self.size:
            raise MalformedError(self.what, "is cut short", offset)
        try:
            return self._compiled.parse(part)
        except ConstructError:  # nothing but a constant can be wrong in a fixed size
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
            raise MisuseError(f"{self.what}: a field is not of its size")
        return octets


def image_octets(octets: bytes, start: int, size: int, what: str) -> bytes:
    """The octets of an image that is declared to be of this size; `MalformedError` if cut short."""
    end = start + size
    if end > len(octets):
        reason = f"is cut short: the image runs {end - len(octets)} octets past the end"
        raise MalformedError(what, reason, start)
    return octets[start:end]
