"""Octets that must stay secret: keys, passwords, and values derived from them."""

from typing import NoReturn


class Secret:
    """Secret octets: no repr, no pickling or copying, comparison in constant time.

    `reveal()` is the only access to the octets, so that every use can be found by its name.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = bytes(octets)

    def reveal(self) -> bytes:
        """Return the octets, for the cryptographic primitive that uses them."""
        return self._octets

    def __repr__(self) -> str:
        return "Secret(...)"

    def __len__(self) -> int:
        return len(self._octets)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest

        return compare_digest(self._octets, other._octets)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
