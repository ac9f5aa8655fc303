"""What a ledger needs of the keys around it."""

import hashlib
from pathlib import Path
from typing import ClassVar, NoReturn, Protocol

from emrtd.crypto.signatures import PublicKey
from support.errors import MisuseError
from support.secret import Secret


class PeriodKey(Protocol):
    """The key of a retention period (AES-256): it wraps the keys of jobs (RFC 3394)."""

    def wrap(self, key: Secret) -> bytes:
        """Return a key of 32 octets, wrapped (40 octets)."""
        ...

    def unwrap(self, wrapped: bytes) -> Secret | None:
        """Return the key that `wrap` wrapped; None if this key does not open it."""
        ...


def key_check(period: str, key: PeriodKey) -> bytes:
    """Return what tells the key of a retention period from another one (40 octets); no secret."""
    return key.wrap(Secret(hashlib.sha256(f"retention period {period}".encode()).digest()))


class LedgerKeys(Protocol):
    """What a ledger needs of the keys around it."""

    @property
    def can_sign(self) -> bool:
        """Whether checkpoints can be signed."""
        ...

    def keyed_digest(self, octets: bytes) -> str:
        """Return the HMAC-SHA-256 of octets, in hexadecimal."""
        ...

    def period_key(self, period: str, *, create: bool = False) -> PeriodKey:
        """Return the key of a retention period; raises `MisuseError` if it was destroyed."""
        ...

    def destroy_period(self, period: str) -> None:
        """Destroy the key of a period, wherever it lies; no error if it does not exist."""
        ...

    def where(self, period: str) -> str:
        """Return where a period's key lies or lay, for messages."""
        ...

    def backups(self, period: str) -> str:
        """Return which backups may still hold a period's key, for messages."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign a checkpoint."""
        ...

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies checkpoints."""
        ...

    @property
    def last_checkpoint(self) -> Path:
        """The file, outside the database, for the last checkpoint of this ledger."""
        ...


class NoLedgerKeys:
    """The keys of a ledger that is opened without a PKI; satisfies `LedgerKeys`.

    Jobs and cards can be listed and decided on; nothing can be received, decrypted or verified.
    """

    can_sign: ClassVar[bool] = False

    def keyed_digest(self, _octets: bytes) -> str:
        """Raise `MisuseError`."""
        self._refuse()

    def period_key(self, _period: str, *, create: bool = False) -> PeriodKey:  # noqa: ARG002
        """Raise `MisuseError`."""
        self._refuse()

    def destroy_period(self, _period: str) -> None:
        """Raise `MisuseError`."""
        self._refuse()

    def where(self, _period: str) -> str:
        """Raise `MisuseError`."""
        self._refuse()

    def backups(self, _period: str) -> str:
        """Raise `MisuseError`."""
        self._refuse()

    def sign(self, _message: bytes) -> bytes:
        """Raise `MisuseError`."""
        self._refuse()

    @property
    def public_key(self) -> PublicKey:
        """Raise `MisuseError`."""
        self._refuse()

    @property
    def last_checkpoint(self) -> Path:
        """Raise `MisuseError`."""
        self._refuse()

    @staticmethod
    def _refuse() -> NoReturn:
        raise MisuseError(
            "the keys of the ledger are in the PKI's folder, and none was named",
            advice="name it with --pki",
        )
