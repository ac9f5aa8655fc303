"""The keys of a ledger, in the PKI's folder and its HSM: outside the database and its backups.

    PKI/keys/ledger.p8, ledger.pub   signs checkpoints, and its public half
    PKI/keys/retention.p8            decrypts the files below
    PKI/retention/digest.key         the key of keyed digests (HMAC-SHA-256), encrypted
    PKI/retention/2026-11.key        the key of a retention period (AES-256), encrypted

If the PKI's settings name an HSM for the ledger, the keys of new periods are made there and never
leave it (`period_hsm`).

Each job has a key of its own, which is wrapped with the key of its retention period, the month of
its receipt.  Destroying a period's key is the erasure: no copy of the database opens then.
"""

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final

from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import decode_public_key, encode_public_key
from emrtd.crypto.signatures import EcPublicKey, PublicKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.enveloped import open_envelope, seal
from emrtd.pki.x509.certificate_writer import key_identifier
from personalise.ledger.chain import SCHEME
from personalise.ledger.keys.interface import PeriodKey
from personalise.ledger.keys.period_hsm import HsmPeriodKeys
from personalise.ledger.keys.period_software import KEY_SIZE, SoftwarePeriodKey
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
_MAX_FILE: Final = 64 * 1024


@dataclass(frozen=True)
class PkiLedgerKeys:
    """The keys of a ledger in a PKI's folder."""

    folder: Path
    custody: FileCustody
    hsm: HsmPeriodKeys | None = None
    can_sign: ClassVar[bool] = True

    @classmethod
    def of(
        cls,
        folder: Path,
        custody: FileCustody,
        hsm: HsmPeriodKeys | None = None,
        *,
        create: bool = False,
    ) -> "PkiLedgerKeys":
        """Return the keys; with `create` they are made if the PKI has none.

        `hsm` is where the keys of new periods are made, None for files.  Raises `MisuseError` if
        there are none.
        """
        keys = cls(folder, custody, hsm)
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
        _write_once(self._digest_file, self._sealed(secrets.token_bytes(KEY_SIZE)))

    def keyed_digest(self, octets: bytes) -> str:
        """Return the HMAC-SHA-256 of octets, in hexadecimal."""
        return hmac.new(self._digest_key.reveal(), octets, hashlib.sha256).hexdigest()

    def period_key(self, period: str, *, create: bool = False) -> PeriodKey:
        """Return the key of a retention period; raises `MisuseError` if it was destroyed.

        A period that was begun with a file keeps it, also if the settings name an HSM now.
        """
        path = self._period_file(period)
        if path.is_file():
            return SoftwarePeriodKey(self._unsealed(path))
        if self.hsm is not None and (self.hsm.has(period) or create):
            with locked_folder(self.folder):
                return self.hsm.key(period, create=create)
        if create:
            _write_once(path, self._sealed(secrets.token_bytes(KEY_SIZE)))
            return SoftwarePeriodKey(self._unsealed(path))
        raise MisuseError(
            f"{self.where(period)}: the key of this retention period does not exist",
            advice="what was received in the period cannot be read: it was purged, or the"
            " PKI's folder is not the one it was received with",
        )

    def destroy_period(self, period: str) -> None:
        """Destroy the key of a period, wherever it lies; no error if it does not exist."""
        path = self._period_file(period)
        if self.hsm is not None and self.hsm.has(period):
            self.hsm.destroy(period)
        if not path.is_file():
            return
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()

    def where(self, period: str) -> str:
        """Return where a period's key lies or lay, for messages."""
        path = self._period_file(period)
        return str(path) if self.hsm is None or path.is_file() else self.hsm.where(period)

    def backups(self, period: str) -> str:
        """Return which backups may still hold a period's key, for messages."""
        of_folder = f"backups of the PKI's folder that hold {self._period_file(period)}"
        return of_folder if self.hsm is None else f"{of_folder}, or of {self.hsm.where(period)}"

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
