"""The service's configuration, a TOML file; an unknown key is an error that names it.

    [listen]                         as in `personalise/service/configuration.py`

    [signing]
    documents_per_signer = 100000    if it should be lower than the PKI's own limit
    store = "signatures.sqlite"

    [[client]]
    name = "data-preparation-1"
    certificate = "client-1.pem"
    document_types = ["IR", "P"]
    signatures_per_minute = 600
    signatures_per_day = 20000

Paths are relative to the file's folder.
"""

from pathlib import Path

from personalise.service.configuration import (
    MAX_FILE,
    Count,
    ListenRecord,
    certificate_of,
    require_distinct,
)
from personalise.sign_service.service import Client
from support.records import Record, from_toml, read_bounded


class _Signing(Record, frozen=True):
    documents_per_signer: Count | None = None
    store: str = "signatures.sqlite"


class _Client(Record, frozen=True):
    name: str
    certificate: str
    document_types: tuple[str, ...]
    signatures_per_minute: Count = 600
    signatures_per_day: Count = 20_000


class _File(Record, frozen=True):
    listen: ListenRecord
    client: tuple[_Client, ...]
    signing: _Signing = _Signing()


class Configuration:
    """A configuration file, read and checked."""

    def __init__(self, path: Path) -> None:
        raw = from_toml(read_bounded(path, MAX_FILE), _File, str(path))
        folder = path.parent
        self.listening = raw.listen.listening(folder)
        self.health_port = raw.listen.health_port
        self._documents_per_signer = raw.signing.documents_per_signer
        self.store = folder / raw.signing.store
        self.clients = tuple(_client(each, folder) for each in raw.client)
        require_distinct(self.clients, path)

    def limit(self, of_pki: int) -> int:
        """Return how many documents one Document Signer may sign; at most `of_pki`."""
        return min(of_pki, self._documents_per_signer or of_pki)


def _client(raw: _Client, folder: Path) -> Client:
    certificate = certificate_of(folder, raw.certificate)
    return Client(
        raw.name,
        certificate.fingerprint,
        frozenset(raw.document_types),
        raw.signatures_per_minute,
        raw.signatures_per_day,
        certificate.not_after,
    )
