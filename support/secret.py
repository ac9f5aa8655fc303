"""Octets that must not be seen: keys, passwords, and what they are derived from."""

import hmac
from typing import NoReturn


class Secret:
    """Octets of any length that have no repr, cannot be pickled and compare in constant time.

    `reveal()` is the only way to the octets, so that every use of a secret can be found.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = bytes(octets)

    def reveal(self) -> bytes:
        """Return the octets, for the primitive that needs them and for nothing else."""
        return self._octets

    def __repr__(self) -> str:
        return "Secret(...)"

    def __len__(self) -> int:
        return len(self._octets)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._octets, other._octets)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
