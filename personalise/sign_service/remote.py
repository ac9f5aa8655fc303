"""Which signing service signs, and as whom it is asked: `prepare --sign-service URL`."""

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
    """A signing service, by its address and our credentials there."""

    url: str
    credentials: ClientCredentials

    @classmethod
    def of(
        cls, url: str, certificate: Path | None, key: Path | None, authority: Path | None
    ) -> Self:
        """The service at an address; raises `MisuseError` where a credential is missing."""
        if certificate is None or key is None or authority is None:
            raise MisuseError(
                "--sign-service needs --tls-certificate, --tls-key and --tls-authority beside it"
            )
        return cls(url, ClientCredentials(certificate, key, authority))

    def signer_for(self, pki: IssuingPki) -> Callable[[DocumentData], RemoteDocumentSigner]:
        """What makes the signer of one document of a PKI."""

        def signer(document: DocumentData) -> RemoteDocumentSigner:
            return RemoteDocumentSigner(
                self.url,
                self.credentials,
                pki.certificate("csca"),
                DocumentToSign(document.code, pki.seal_number(document.number)),
                sleep,
            )

        return signer
