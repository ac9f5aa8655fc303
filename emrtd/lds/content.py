"""What the content of every elementary file has in common: octets in, the same octets out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Self

from support.errors import MisuseError


@dataclass(frozen=True, repr=False)
class FileContent(ABC):
    """The content of an elementary file, as plain typed fields.

    `decode` and `encode` take and return the whole file, tag and length included.  What was
    decoded encodes to the very octets it came from, also where these are not what we would have
    written (dates in BCD, surplus length octets, an unusual order): they are remembered.  A copy
    made with `dataclasses.replace` is encoded anew.

    `tolerated` names what was read past though the standard does not allow it.
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
        """The whole file; raises `MisuseError` for fields that cannot be encoded."""
        return self._encode() if self._as_read is None else self._as_read

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    @classmethod
    @abstractmethod
    def _decode(cls, octets: bytes) -> Self: ...

    @abstractmethod
    def _encode(self) -> bytes: ...
