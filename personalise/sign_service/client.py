"""The client of the signing service, used as a Document Signer: `prepare --sign-service URL`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from emrtd.errors import ProtocolError
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import Sod
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.x509.certificates import Certificate
from personalise.client.connection import ClientCredentials
from personalise.client.signing import SigningClient
from personalise.service.signing import SignedFile
from support.errors import MisuseError

_TIMEOUT: Final = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class DocumentToSign:
    """The document's code, and its number, encrypted for the PKI's register."""

    type: str
    sealed_number: bytes


class RemoteDocumentSigner:
    """Has files signed by the service, and verifies each answer before it is used.

    `csca` is the certificate whose key must have signed the Document Signer's certificate.
    """

    def __init__(
        self,
        url: str,
        credentials: ClientCredentials,
        csca: Certificate,
        document: DocumentToSign,
        wait: Callable[[int], None],
    ) -> None:
        self._url = url
        self._csca = csca
        self._document = document
        self._service = SigningClient(url, credentials, wait=wait, timeout=_TIMEOUT)

    def close(self) -> None:
        """Close the connection to the service."""
        self._service.close()

    @property
    def certificate(self) -> Certificate:
        """The certificate of the Document Signer that the service uses at present."""
        return self._verified(Certificate.parse(self._service.document_signer()))

    @property
    def csca(self) -> Certificate:
        """The certificate of the CSCA whose key must have signed that certificate."""
        return self._csca

    def sign_security_object(self, security_object: SecurityObject, at: datetime) -> bytes:
        """Have the hashes of the data groups signed; returns the whole EF.SOD."""
        content = security_object.encode()
        encoded = self._service.sign(
            SignedFile.SECURITY_OBJECT,
            content,
            self._document.type,
            self._document.sealed_number,
        )
        self._check(Sod.parse(encoded).signed_data, content, at)
        return encoded

    def sign_card_security(self, security_infos: bytes, at: datetime) -> bytes:
        """Have SecurityInfos signed; returns the whole EF.CardSecurity."""
        encoded = self._service.sign(SignedFile.CARD_SECURITY, security_infos, self._document.type)
        self._check(SignedData.parse(encoded, "EF.CardSecurity"), security_infos, at)
        return encoded

    def _check(self, signed: SignedData, content: bytes, at: datetime) -> None:
        if signed.content != content or len(signed.signers) != 1:
            raise ProtocolError(f"{self._url}: the service did not sign the content of the request")
        signer = signed.signers[0]
        named = signed.certificate_of(signer)
        if named is None:
            raise ProtocolError(f"{self._url}: the signer's certificate is not enclosed")
        certificate = self._verified(named)
        if not certificate.not_before <= at <= certificate.not_after:
            raise ProtocolError(f"{self._url}: the Document Signer's certificate is not valid now")
        if certificate.public_key is None:
            raise ProtocolError(
                f"{self._url}: the Document Signer's public key is of an unsupported kind"
            )
        signer.verify(signed.content_type, content, certificate.public_key)

    def _verified(self, certificate: Certificate) -> Certificate:
        if self._csca.public_key is None:
            raise MisuseError("the CSCA's public key is of an unsupported kind")
        certificate.verify_signed_by(self._csca.public_key)
        return certificate
