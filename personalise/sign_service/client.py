"""The client of the signing service, used as a Document Signer: `prepare --sign-service URL`."""

import base64
import re
import ssl
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emrtd.errors import ProtocolError, TransportError
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import Sod
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.x509.certificates import Certificate
from personalise.sign_service.interface import (
    DOCUMENT_NUMBER,
    DOCUMENT_SIGNER_PATH,
    DOCUMENT_TYPE,
    IDEMPOTENCY_KEY,
    OCTETS,
    SignedFile,
)
from support.errors import MisuseError
from support.tls import load_key

if TYPE_CHECKING:
    import httpx

TRIES: Final = 4
"""How often a request is sent while the service does not answer; the service signs it only once."""

_TIMEOUT: Final = 10.0  # seconds
_LONGEST_WAIT: Final = 60  # seconds; a longer Retry-After is reported instead of waited for


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The client's certificate and key, and the CA of the service's certificate (PEM files)."""

    certificate: Path
    key: Path
    service_authority: Path


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
        self._wait = wait
        self._http = _open(url, credentials)

    def close(self) -> None:
        """Close the connection to the service."""
        self._http.close()

    @property
    def certificate(self) -> Certificate:
        """The certificate of the Document Signer that the service uses at present."""
        return self._verified(Certificate.parse(self._get(DOCUMENT_SIGNER_PATH)))

    @property
    def csca(self) -> Certificate:
        """The certificate of the CSCA whose key must have signed that certificate."""
        return self._csca

    def sign_security_object(self, security_object: SecurityObject, at: datetime) -> bytes:
        """Have the hashes of the data groups signed; returns the whole EF.SOD."""
        content = security_object.encode()
        encoded = self._post(SignedFile.SECURITY_OBJECT, content)
        self._check(Sod.parse(encoded).signed_data, content, at)
        return encoded

    def sign_card_security(self, security_infos: bytes, at: datetime) -> bytes:
        """Have SecurityInfos signed; returns the whole EF.CardSecurity."""
        encoded = self._post(SignedFile.CARD_SECURITY, security_infos)
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

    def _get(self, path: str) -> bytes:
        return self._exchange(lambda: self._http.get(path))

    def _post(self, kind: SignedFile, body: bytes) -> bytes:
        headers = {IDEMPOTENCY_KEY: str(uuid.uuid4()), "Content-Type": OCTETS}
        if kind is SignedFile.SECURITY_OBJECT:
            headers[DOCUMENT_NUMBER] = base64.b64encode(self._document.sealed_number).decode()
        parameters = {DOCUMENT_TYPE: self._document.type}
        return self._exchange(
            lambda: self._http.post(kind.path, content=body, headers=headers, params=parameters)
        )

    def _exchange(self, send: "Callable[[], httpx.Response]") -> bytes:
        """Send a request until it is answered; after 429 and 502 to 504 wait for Retry-After.

        A Retry-After above `_LONGEST_WAIT` raises `TransportError` at once.
        """
        import httpx

        problem = ""
        for number in range(TRIES):
            try:
                response = send()
            except httpx.RequestError as error:
                problem = f"does not answer ({type(error).__name__})"
                if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
                    problem = (
                        "closes the connection: it may have stopped, or it rejects the client's"
                        " certificate (expired, or issued by another CA)"
                    )
                self._wait(1 << number)
                continue
            if response.status_code == 200:
                return response.content
            problem = _reason(response)
            if response.status_code not in {429, 502, 503, 504}:
                raise MisuseError(f"{self._url}: the signing service refuses: {problem}")
            problem = f"cannot sign at present: {problem}"
            seconds = _seconds(response, 1 << number)
            if seconds > _LONGEST_WAIT:
                raise TransportError(
                    f"{self._url}: the signing service {problem}",
                    advice=f"try again in {seconds} seconds",
                )
            if number + 1 < TRIES:
                self._wait(seconds)
        raise TransportError(
            f"{self._url}: the signing service {problem}", advice="try again later"
        )


def _open(url: str, credentials: ClientCredentials) -> "httpx.Client":
    import httpx

    if not url.startswith("https://"):
        raise MisuseError(
            f"{url}: is not an https address", advice="use an address that begins with https://"
        )
    try:
        context = ssl.create_default_context(cafile=str(credentials.service_authority))
        load_key(context, credentials.certificate, credentials.key)
    except (OSError, ssl.SSLError) as error:
        raise MisuseError(f"the client's TLS certificate or key cannot be used: {error}") from None
    try:
        return httpx.Client(base_url=url, verify=context, timeout=_TIMEOUT)
    except httpx.InvalidURL as error:
        raise MisuseError(f"{url}: is not a valid address ({error})") from None


def _reason(response: "httpx.Response") -> str:
    try:
        return str(response.json()["error"])[:200]
    except (ValueError, KeyError, TypeError):
        return f"answers {response.status_code}"


def _seconds(response: "httpx.Response", default: int) -> int:
    text = response.headers.get("Retry-After", "")
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else default
