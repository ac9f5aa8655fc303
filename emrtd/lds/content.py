"""The base class of file contents, which encode to the octets that they were decoded from."""

from typing import ClassVar, Self

from support.values import PartlyCompared, Uncompared, Undisclosed


class FileContent(Undisclosed, PartlyCompared, frozen=True, kw_only=True, dict=True):
    """The content of an elementary file, as plain typed fields.

    `decode` reads and `encode` returns the whole file, tag and length included.  A decoded file
    encodes to the octets it was decoded from, which are kept: they may differ from what this class
    writes (dates in BCD, surplus length octets, an unusual order).  A copy made with
    `msgspec.structs.replace` is encoded anew.

    `tolerated` names the quirks: deviations from the standard that were read past.
    """

    tolerated: Uncompared[tuple[str, ...]] = ()

    _as_read: ClassVar[bytes | None] = None
    """The octets that an instance was decoded from: no field, so that no copy has them."""

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read a whole file; raises `MalformedError`."""
        content = cls._decode(octets)
        vars(content)["_as_read"] = bytes(octets)
        return content

    def encode(self) -> bytes:
        """Return the whole file; raises `MisuseError` for a field that cannot be encoded."""
        return self._encode() if self._as_read is None else self._as_read

    @classmethod
    def _decode(cls, octets: bytes) -> Self:
        raise NotImplementedError

    def _encode(self) -> bytes:
        raise NotImplementedError
