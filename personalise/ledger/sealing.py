"""Sealing what belongs to a job: AES-256-GCM under a key of the job's own.

The job's key is wrapped (RFC 3394) with the key of its retention period.  The job's id and the kind
of content are authenticated, so that no blob passes for another.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from emrtd.iso7816.procedure import Random
from personalise.ledger.keys.interface import PeriodKey
from support.errors import MalformedError
from support.secret import Secret

APPLICATION: Final = "application"
IMAGE: Final = "image"

_KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12


class AlteredError(MalformedError):
    """What belongs to a job was altered in the database, or is missing there."""


@dataclass(frozen=True, slots=True)
class JobKey:
    """The key of one job."""

    job: str
    _key: Secret

    @classmethod
    def new(cls, job: str, random: Random = secrets.token_bytes) -> "JobKey":
        """Draw a key."""
        return cls(job, Secret(random(_KEY_SIZE)))

    @classmethod
    def unwrap(cls, job: str, wrapped: bytes, period_key: PeriodKey) -> "JobKey":
        """Return the key of a job; raises `AlteredError` if `period_key` does not open it."""
        key = period_key.unwrap(wrapped)
        if key is None or len(key.reveal()) != _KEY_SIZE:
            raise AlteredError(f"{job}: its key", "was altered in the ledger")
        return cls(job, key)

    def wrap(self, period_key: PeriodKey) -> bytes:
        """Return the key, wrapped with the key of a retention period (40 octets)."""
        return period_key.wrap(self._key)

    def seal(self, kind: str, content: bytes, random: Random = secrets.token_bytes) -> bytes:
        """Return the nonce (12 octets), the ciphertext and the tag (16 octets)."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = random(_NONCE_SIZE)
        return nonce + AESGCM(self._key.reveal()).encrypt(nonce, content, self._bound_to(kind))

    def open(self, kind: str, sealed: bytes) -> bytes:
        """Decrypt what `seal` returned; raises `AlteredError` if it was altered."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, ciphertext = sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:]
        try:
            return AESGCM(self._key.reveal()).decrypt(nonce, ciphertext, self._bound_to(kind))
        except (InvalidTag, ValueError):
            raise AlteredError(f"{self.job}: {kind}", "was altered in the ledger") from None

    def _bound_to(self, kind: str) -> bytes:
        return f"{self.job} {kind}".encode()


def ciphertext_digest(sealed: bytes) -> str:
    """Return the SHA-256 of a sealed blob, in hexadecimal."""
    return hashlib.sha256(sealed).hexdigest()
