"""The service's configuration, a TOML file; an unknown key is an error that names it.

    [listen]                         [[client]]
    host = "127.0.0.1"               name = "data-preparation-1"
    port = 8443                      certificate = "client-1.pem"
    certificate = "service.pem"      document_types = ["IR", "P"]
    key = "service.key"              signatures_per_minute = 600
    client_authorities = "ca.pem"    signatures_per_day = 20000

    [signing]
    documents_per_signer = 100000    if it should be lower than the PKI's own limit
    store = "signatures.sqlite"

Paths are relative to the file's folder.
"""

from pathlib import Path
from typing import Annotated, Final

import msgspec

from personalise.pki.certificate_file import read_certificate
from personalise.sign_service.service import Client
from support.errors import MisuseError
from support.https_server import Listening
from support.records import Record, from_toml, read_bounded

_MAX_FILE: Final = 1 << 20

_Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
_Count = Annotated[int, msgspec.Meta(ge=1)]


class _Listen(Record, frozen=True):
    certificate: str
    key: str
    client_authorities: str
    host: str = "127.0.0.1"
    port: _Port = 8443


class _Signing(Record, frozen=True):
    documents_per_signer: _Count | None = None
    store: str = "signatures.sqlite"


class _Client(Record, frozen=True):
    name: str
    certificate: str
    document_types: tuple[str, ...]
    signatures_per_minute: _Count = 600
    signatures_per_day: _Count = 20_000


class _File(Record, frozen=True):
    listen: _Listen
    client: tuple[_Client, ...]
    signing: _Signing = _Signing()


class Configuration:
    """A configuration file, read and checked."""

    def __init__(self, path: Path) -> None:
        raw = from_toml(read_bounded(path, _MAX_FILE), _File, str(path))
        folder = path.parent
        listen = raw.listen
        self.listening = Listening(
            listen.host,
            listen.port,
            folder / listen.certificate,
            folder / listen.key,
            folder / listen.client_authorities,
        )
        self._documents_per_signer = raw.signing.documents_per_signer
        self.store = folder / raw.signing.store
        self.clients = tuple(_client(each, folder) for each in raw.client)
        if len({each.name for each in self.clients}) < len(self.clients):
            raise MisuseError(f"{path}: two clients have the same name")
        if len({each.fingerprint for each in self.clients}) < len(self.clients):
            raise MisuseError(f"{path}: two clients have the same certificate")

    def limit(self, of_pki: int) -> int:
        """Return how many documents one Document Signer may sign; at most `of_pki`."""
        return min(of_pki, self._documents_per_signer or of_pki)


def _client(raw: _Client, folder: Path) -> Client:
    certificate = read_certificate(folder / raw.certificate)
    return Client(
        raw.name,
        certificate.fingerprint,
        frozenset(raw.document_types),
        raw.signatures_per_minute,
        raw.signatures_per_day,
        certificate.not_after,
    )
