"""What the configuration files of the services have in common: where they listen, and to whom.

    [listen]
    host = "127.0.0.1"                address and port of the service
    port = 8443
    certificate = "service.pem"       of the service (PEM), and its key
    key = "service.key"
    client_authorities = "ca.pem"     the CAs that issue the certificates of clients
    health_port = 9443                health and metrics without TLS on 127.0.0.1; none by default

Paths are relative to the file's folder.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from emrtd.pki.x509.certificates import Certificate
from personalise.pki.certificate_file import read_certificate
from personalise.service.clients import ServiceClient
from support.errors import MisuseError
from support.https_server import Listening
from support.records import Record

MAX_FILE: Final = 1 << 20

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class ListenRecord(Record, frozen=True):
    """The table `[listen]`."""

    certificate: str
    key: str
    client_authorities: str
    host: str = "127.0.0.1"
    port: Port = 8443
    health_port: Port | None = None

    def listening(self, folder: Path) -> Listening:
        """Return where to listen; the paths are relative to `folder`."""
        return Listening(
            self.host,
            self.port,
            folder / self.certificate,
            folder / self.key,
            folder / self.client_authorities,
        )


def require_distinct(clients: Sequence[ServiceClient], path: Path) -> None:
    """Raise `MisuseError` if two clients have the same name or the same certificate."""
    if len({each.name for each in clients}) < len(clients):
        raise MisuseError(f"{path}: two clients have the same name")
    if len({each.fingerprint for each in clients}) < len(clients):
        raise MisuseError(f"{path}: two clients have the same certificate")


def certificate_of(folder: Path, name: str) -> Certificate:
    """Read a client's certificate."""
    return read_certificate(folder / name)
