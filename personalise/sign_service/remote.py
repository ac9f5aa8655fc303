"""The signing service of one run of `prepare --sign-service URL`, and the client's credentials."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import sleep
from typing import Self

from emrtd.pki.x509.certificates import Certificate
from personalise.client.connection import ClientCredentials
from personalise.issuance import Issuance
from personalise.pki.clock import require_clock
from personalise.pki.issuing_pki import IssuingPki
from personalise.sign_service.client import DocumentToSign, RemoteDocumentSigner
from support.errors import MisuseError


@dataclass(frozen=True, slots=True)
class RemoteService:
    """A signing service: its address, and the client's credentials."""

    url: str
    credentials: ClientCredentials

    @classmethod
    def of(
        cls, url: str, certificate: Path | None, key: Path | None, authority: Path | None
    ) -> Self:
        """Return the service at an address; raises `MisuseError` if a credential is missing."""
        if certificate is None or key is None or authority is None:
            raise MisuseError(
                "--sign-service requires --tls-certificate, --tls-key and --tls-authority"
            )
        return cls(url, ClientCredentials(certificate, key, authority))


class RemoteIssuer:
    """Signs at a signing service, which registers what it signs; see `Issuer`."""

    def __init__(self, service: RemoteService, pki: IssuingPki) -> None:
        self._service = service
        self._pki = pki

    def issuance(self, code: str, number: str, at: datetime) -> Issuance:
        """See `Issuer.issuance`; nothing is signed here."""
        pki = self._pki
        require_clock(pki.folder, at, pki.settings.accepted_clock)
        signer = RemoteDocumentSigner(
            self._service.url,
            self._service.credentials,
            pki.certificate("csca"),
            DocumentToSign(code, pki.seal_number(number)),
            sleep,
        )
        return pki.issuance(signer)

    def register(self, signer: Certificate, at: datetime, sod: bytes, number: str) -> None:
        """Do nothing: the service has registered the document."""

    def close(self) -> None:
        """Do nothing: nothing was opened."""
