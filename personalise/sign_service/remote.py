"""The signing service of one run of `prepare --sign-service URL`, and the client's credentials."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Self

from personalise.pki.issuing_pki import IssuingPki
from personalise.preparing.application import DocumentData
from personalise.sign_service.client import (
    ClientCredentials,
    DocumentToSign,
    RemoteDocumentSigner,
)
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

    def signer_for(self, pki: IssuingPki) -> Callable[[DocumentData], RemoteDocumentSigner]:
        """Return a function that makes the remote signer of one document."""

        def signer(document: DocumentData) -> RemoteDocumentSigner:
            return RemoteDocumentSigner(
                self.url,
                self.credentials,
                pki.certificate("csca"),
                DocumentToSign(document.code, pki.seal_number(document.number)),
                sleep,
            )

        return signer
