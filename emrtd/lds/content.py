"""The base class of file contents, which encode to the octets that they were decoded from."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Self

from support.errors import MisuseError


@dataclass(frozen=True, repr=False)
class FileContent(ABC):
    """The content of an elementary file, as plain typed fields.

    `decode` reads and `encode` returns the whole file, tag and length included.  A decoded file
    encodes to the octets it was decoded from, even if these differ from what this class writes
    (dates in BCD, surplus length octets, an unusual order): they are kept.  A copy made with
    `dataclasses.replace` is encoded anew.

    `tolerated` names the quirks: deviations from the standard that were read past.
    """

    tolerated: tuple[str, ...] = field(default=(), kw_only=True, compare=False)
    _as_read: bytes | None = field(default=None, init=False, compare=False)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read a whole file; raises `MalformedError`."""
        content = cls._decode(octets)
        try:
            same = content._encode() == octets
        except MisuseError:
            same = False
        if not same:
            object.__setattr__(content, "_as_read", bytes(octets))
        return content

    def encode(self) -> bytes:
        """Return the whole file; raises `MisuseError` for a field that cannot be encoded."""
        return self._encode() if self._as_read is None else self._as_read

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    @classmethod
    @abstractmethod
    def _decode(cls, octets: bytes) -> Self: ...

    @abstractmethod
    def _encode(self) -> bytes: ...
