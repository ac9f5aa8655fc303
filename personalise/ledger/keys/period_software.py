"""The key of a retention period in memory, read from its file."""

from dataclasses import dataclass
from typing import Final

from support.secret import Secret

KEY_SIZE: Final = 32


@dataclass(frozen=True)
class SoftwarePeriodKey:
    """Wraps keys of jobs (RFC 3394); satisfies `PeriodKey`."""

    _key: Secret

    def wrap(self, key: Secret) -> bytes:
        """Return a key of 32 octets, wrapped (40 octets)."""
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap

        return aes_key_wrap(self._key.reveal(), key.reveal())

    def unwrap(self, wrapped: bytes) -> Secret | None:
        """Return the key that `wrap` wrapped; None if this key does not open it."""
        from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

        try:
            return Secret(aes_key_unwrap(self._key.reveal(), wrapped))
        except (InvalidUnwrap, ValueError):
            return None
