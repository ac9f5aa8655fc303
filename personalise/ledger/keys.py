"""The keys of a ledger, in the PKI's folder: outside the database and its backups.

    PKI/keys/ledger.p8, ledger.pub   signs checkpoints, and its public half
    PKI/keys/retention.p8            decrypts the files below
    PKI/retention/digest.key         the key of keyed digests (HMAC-SHA-256), encrypted
    PKI/retention/2026-11.key        the key of a retention period (AES-256), encrypted

Each job has a key of its own, which is wrapped with the key of its retention period, the month of
its receipt.  Destroying a period's file is the erasure: no copy of the database opens then.
"""

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final, NoReturn, Protocol

from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import decode_public_key, encode_public_key
from emrtd.crypto.signatures import EcPublicKey, PublicKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.enveloped import open_envelope, seal
from emrtd.pki.x509.certificate_writer import key_identifier
from personalise.ledger.chain import SCHEME
from personalise.pki.keys.custody import FileCustody
from support.errors import MisuseError
from support.files import locked_folder, write_atomically
from support.records import read_bounded
from support.secret import Secret

SIGNING: Final = "ledger"
RETENTION: Final = "retention"
PUBLIC_NAME: Final = "ledger.pub"
_SIGNING_CURVE: Final = "secp256r1"
_RETENTION_CURVE: Final = "brainpoolP256r1"
_DIGEST: Final = "digest"
_SUFFIX: Final = ".key"
_PERIOD: Final = re.compile(r"\d{4}-\d\d(\.\d+)?")
_KEY_SIZE: Final = 32
_MAX_FILE: Final = 64 * 1024


class LedgerKeys(Protocol):
    """What a ledger needs of the keys around it."""

    @property
    def can_sign(self) -> bool:
        """Whether checkpoints can be signed."""
        ...

    def keyed_digest(self, octets: bytes) -> str:
        """Return the HMAC-SHA-256 of octets, in hexadecimal."""
        ...

    def period_key(self, period: str, *, create: bool = False) -> Secret:
        """Return the key of a retention period; raises `MisuseError` if it was destroyed."""
        ...

    def destroy_period(self, period: str) -> None:
        """Overwrite and remove the key of a period; no error if it does not exist."""
        ...

    def where(self, period: str) -> str:
        """Return the file of a period's key, for messages."""
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


@dataclass(frozen=True)
class PkiLedgerKeys:
    """The keys of a ledger in a PKI's folder."""

    folder: Path
    custody: FileCustody
    can_sign: ClassVar[bool] = True

    @classmethod
    def of(cls, folder: Path, custody: FileCustody, *, create: bool = False) -> "PkiLedgerKeys":
        """Return the keys; with `create` they are made if the PKI has none.

        Raises `MisuseError` if there are none.
        """
        keys = cls(folder, custody)
        if not keys._digest_file.is_file():
            if not create:
                raise MisuseError(
                    f"{folder}: has no keys for a ledger",
                    advice="run `personalise ledger init`, or take in applications first",
                )
            with locked_folder(folder):
                keys._make()
        return keys

    def _make(self) -> None:
        if self._digest_file.is_file():  # another process was faster
            return
        for label, curve in ((SIGNING, _SIGNING_CURVE), (RETENTION, _RETENTION_CURVE)):
            if label not in self.custody.labels():
                self.custody.generate(label, curve)
        public = encode_public_key(self.custody.private_key(SIGNING).public_key)
        write_atomically(self.folder / PUBLIC_NAME, public)
        _write_once(self._digest_file, self._sealed(secrets.token_bytes(_KEY_SIZE)))

    def keyed_digest(self, octets: bytes) -> str:
        """Return the HMAC-SHA-256 of octets, in hexadecimal."""
        return hmac.new(self._digest_key.reveal(), octets, hashlib.sha256).hexdigest()

    def period_key(self, period: str, *, create: bool = False) -> Secret:
        """Return the key of a retention period; raises `MisuseError` if it was destroyed."""
        path = self._period_file(period)
        if create and not path.is_file():
            _write_once(path, self._sealed(secrets.token_bytes(_KEY_SIZE)))
        if not path.is_file():
            raise MisuseError(
                f"{path}: the key of this retention period does not exist",
                advice="what was received in the period cannot be read: it was purged, or the"
                " PKI's folder is not the one it was received with",
            )
        return self._unsealed(path)

    def destroy_period(self, period: str) -> None:
        """Overwrite and remove the key of a period; no error if it does not exist."""
        path = self._period_file(period)
        if not path.is_file():
            return
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()

    def where(self, period: str) -> str:
        """Return the file of a period's key, for messages."""
        return str(self._period_file(period))

    def sign(self, message: bytes) -> bytes:
        """Sign a checkpoint."""
        return self._signer.sign(SCHEME, message)

    @cached_property
    def public_key(self) -> PublicKey:
        """The key that verifies checkpoints."""
        return decode_public_key(read_bounded(self.folder / PUBLIC_NAME, _MAX_FILE))

    @property
    def last_checkpoint(self) -> Path:
        """The file, outside the database, for the last checkpoint of this ledger."""
        return self.folder / "ledger-checkpoint.json"

    @property
    def _digest_file(self) -> Path:
        return self.folder / RETENTION / f"{_DIGEST}{_SUFFIX}"

    def _period_file(self, period: str) -> Path:
        if not _PERIOD.fullmatch(period):
            raise MisuseError(f"{period!r} is not a retention period", advice="enter 2026-11")
        return self.folder / RETENTION / f"{period}{_SUFFIX}"

    @cached_property
    def _digest_key(self) -> Secret:
        return self._unsealed(self._digest_file)

    @cached_property
    def _signer(self) -> EcPrivateKey:
        return self.custody.agreement_key(SIGNING)

    @cached_property
    def _retention_key(self) -> EcPrivateKey:
        return self.custody.agreement_key(RETENTION)

    def _sealed(self, octets: bytes) -> bytes:
        key = self._retention_key.public_key
        if not isinstance(key, EcPublicKey):
            raise MisuseError(f"{self.folder}: {RETENTION} is not an elliptic-curve key")
        return seal(octets, key, key_identifier(key))

    def _unsealed(self, path: Path) -> Secret:
        try:
            return open_envelope(read_bounded(path, _MAX_FILE), self._retention_key)
        except ProtocolError:
            raise MisuseError(
                f"{path}: is not encrypted for this PKI's key {RETENTION!r}",
                advice="use the file that belongs to this PKI's folder",
            ) from None


class NoLedgerKeys:
    """The keys of a ledger that is opened without a PKI; satisfies `LedgerKeys`.

    Jobs and cards can be listed and decided on; nothing can be received, decrypted or verified.
    """

    can_sign: ClassVar[bool] = False

    def keyed_digest(self, _octets: bytes) -> str:
        """Raise `MisuseError`."""
        self._refuse()

    def period_key(self, _period: str, *, create: bool = False) -> Secret:  # noqa: ARG002
        """Raise `MisuseError`."""
        self._refuse()

    def destroy_period(self, _period: str) -> None:
        """Raise `MisuseError`."""
        self._refuse()

    def where(self, _period: str) -> str:
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


def _write_once(path: Path, octets: bytes) -> None:
    """Write a file that is never replaced: of two processes, the first one prevails."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(unfinished, octets, mode=0o600)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
