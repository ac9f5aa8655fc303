"""The register of documents: which Document Signer signed which document.

When a Document Signer is compromised, the State must know every document that it signed.  A
document is identified by its EF.SOD, and stored once however often it is entered.  Its number is
personal data, so it is encrypted for the PKI's register key; the Document Signer, the time and the
SHA-256 of EF.SOD are in clear.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from emrtd.crypto.public_keys import decode_public_key
from emrtd.crypto.signatures import EcPublicKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.enveloped import recipients_of
from emrtd.pki.cms.recipients import Recipient
from emrtd.pki.x509.certificate_writer import key_identifier
from support.database import Database, Layout
from support.errors import MalformedError, MisuseError
from support.records import read_bounded
from support.secret import Secret

FILE_NAME: Final = "register.sqlite"
KEY_NAME: Final = "register.pub"
_MAX_KEY: Final = 64 * 1024

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS document (
    signer BLOB NOT NULL,         -- SHA-256 of the Document Signer's certificate
    at TEXT NOT NULL,             -- UTC
    sod BLOB NOT NULL,            -- SHA-256 of EF.SOD
    number BLOB NOT NULL          -- the document's number, sealed (CMS)
) STRICT;
CREATE INDEX IF NOT EXISTS document_by_signer ON document (signer, sod);
"""

_FIRST: Final = "SELECT signer, at, sod, number FROM document LIMIT 0"
_LAYOUT: Final = Layout(
    "register of documents", _SCHEMA, 0x43485352, 1, records=True, migrations={0: _FIRST}
)

_COUNT: Final = "SELECT count(*) FROM document WHERE signer = ?"
_COUNT_OF_SOD: Final = f"{_COUNT} AND sod = ?"


@dataclass(frozen=True, slots=True)
class RegisteredDocument:
    """A document that a Document Signer signed: time, SHA-256 of EF.SOD, number (personal data).

    `number` is None if it cannot be decrypted; the document counts as affected nevertheless.
    """

    signed: datetime
    sod: bytes = field(repr=False)
    number: Secret | None


def read_register_key(folder: Path) -> EcPublicKey:
    """Return the public key for which the numbers in a PKI's register are encrypted."""
    key = decode_public_key(read_bounded(folder / KEY_NAME, _MAX_KEY))
    if not isinstance(key, EcPublicKey):
        raise MisuseError(f"{folder}: the register's key is not an elliptic-curve key")
    return key


def _unsealed(sealed: bytes, unseal: Callable[[bytes], Secret]) -> Secret | None:
    try:
        return unseal(sealed)
    except (MalformedError, ProtocolError):
        return None


class Register:
    """The register of one PKI; raises what `Database` raises if its file is unusable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counts: dict[bytes, int] = {}
        self._version = -1
        self._database = Database(folder / FILE_NAME, _LAYOUT, create=True)

    def takes(self, sealed_number: bytes) -> bool:
        """Whether a number is encrypted for this register; `MalformedError` if not an envelope."""
        recipient = Recipient(key_identifier=key_identifier(read_register_key(self._folder)))
        return recipient in recipients_of(sealed_number)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from entering documents; all entries of the block are made, or none.

        Between counting a signer's documents and entering the next one, nobody else enters one.
        """
        try:
            with self._database.transaction():
                yield
        except BaseException:
            self._counts.clear()  # they may include entries that were not made
            raise

    def contains(self, signer: bytes, sod: bytes) -> bool:
        """Whether a document of this signer is entered, by the SHA-256 of its EF.SOD."""
        return self._database.number(_COUNT_OF_SOD, signer, sod) > 0

    def enter(
        self,
        signer: bytes,
        at: datetime,
        sod: bytes,
        sealed_number: bytes,
        *,
        limit: int | None = None,
    ) -> bool:
        """Enter one document, durably; `signer` and `sod` are SHA-256 digests.

        Returns False, and enters nothing, if the signer has already signed `limit` other documents.
        """
        database = self._database
        with database.transaction():  # other processes register documents meanwhile
            if self.contains(signer, sod):
                return True
            if limit is not None and database.number(_COUNT, signer) >= limit:
                return False
            row = signer, at.isoformat(), sod, sealed_number
            database.run("INSERT INTO document VALUES (?, ?, ?, ?)", *row)
        if signer in self._counts:
            self._counts[signer] += 1
        return True

    def count(self, signer: bytes) -> int:
        """Return how many documents a Document Signer has signed, by all processes."""
        version = self._database.version_of_data()
        if version != self._version:
            self._counts.clear()
            self._version = version
        if signer not in self._counts:
            self._counts[signer] = self._database.number(_COUNT, signer)
        return self._counts[signer]

    def by_day(self, begin: datetime, end: datetime) -> list[tuple[bytes, str, int]]:
        """Return how many documents each signer signed on each day (UTC) from `begin` to `end`.

        A signer is the SHA-256 of its certificate, a day is YYYY-MM-DD; `end` is not included.
        """
        query = (
            "SELECT signer, substr(at, 1, 10), count(*) FROM document WHERE at >= ? AND at < ?"
            " GROUP BY 1, 2 ORDER BY 2, 1"
        )
        return self._database.rows(query, begin.isoformat(), end.isoformat())

    def latest(self) -> datetime | None:
        """Return the time of the latest document; None if there is none."""
        # Entered nearly in order of time; one that a service enters late has an earlier time.
        query = "SELECT max(at) FROM (SELECT at FROM document ORDER BY rowid DESC LIMIT 100)"
        for (at,) in self._database.rows(query):
            return None if at is None else datetime.fromisoformat(at)
        return None

    def signed_by(
        self, signer: bytes, unseal: Callable[[bytes], Secret]
    ) -> Iterator[RegisteredDocument]:
        """Yield every document that a Document Signer has signed, in order of time."""
        statement = "SELECT at, sod, number FROM document WHERE signer = ? ORDER BY at, sod"
        for at, sod, sealed in self._database.each_row(statement, signer):
            yield RegisteredDocument(datetime.fromisoformat(at), sod, _unsealed(sealed, unseal))

    def close(self) -> None:
        """Close the register."""
        self._database.close()
