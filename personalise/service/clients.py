"""The clients of a service: systems that authenticate with a certificate in its configuration."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from personalise.service.errors import ErrorKind, RefusedError


class ServiceClient(Protocol):
    """A client: its name, and the SHA-256 and the end of its certificate."""

    @property
    def name(self) -> str:
        """The name in the configuration."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the certificate."""
        ...

    @property
    def valid_until(self) -> datetime:
        """The end of the certificate."""
        ...


C = TypeVar("C", bound=ServiceClient)


class Clients(Generic[C]):
    """The clients of a service, found by their certificates."""

    def __init__(self, clients: Sequence[C]) -> None:
        self._clients: Mapping[bytes, C] = {each.fingerprint: each for each in clients}

    def find(self, certificate: bytes, at: datetime) -> C:
        """Return the client with this certificate (DER); raises `RefusedError`."""
        known = self._clients.get(hashlib.sha256(certificate).digest())
        if known is None:
            raise RefusedError(
                ErrorKind.UNKNOWN_CLIENT,
                "this client certificate is not in the service's configuration",
            )
        if at > known.valid_until:  # a connection may outlive the certificate
            raise RefusedError(
                ErrorKind.UNKNOWN_CLIENT, f"the certificate of {known.name} has expired"
            )
        return known
