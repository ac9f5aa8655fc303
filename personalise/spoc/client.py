"""The TLS client: one message to another State's SPOC, and its response (Doc 9303-12, 8.3)."""

import http.client
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from emrtd.errors import ProtocolError, TransportError
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.spoc import SpocRole
from personalise.pki.issuing_pki import IssuingPki
from personalise.spoc.identity import objection
from personalise.spoc.messages import Message, Operation, Response, operation_of
from personalise.spoc.partners import Partner
from personalise.spoc.soap import CONTENT_TYPE, decode_response, encode
from personalise.spoc.tls import client_context
from personalise.spoc.xml_reader import MAX_OCTETS
from support.errors import MalformedError

SECONDS: Final = 30.0
_FAULT: Final = 500


def call(pki: IssuingPki, partner: Partner, message: Message, at: datetime) -> Response:
    """Send a message to a State's SPOC and return the response.

    Raises `TransportError` if the State cannot be reached, `ProtocolError` if it is another,
    refuses us or answers with something else (`FaultError`: a SOAP fault), `MisuseError` if our own
    certificates are unusable.
    """
    octets, operation = encode(message), operation_of(message)
    url = partner.policy.url
    where = f"{partner.state}: {url}"
    context = client_context(pki, partner)

    def require(certificate: bytes) -> None:
        _require_server(certificate, partner, where, at)

    status, body = post(url, context, octets, operation, where, require)
    return _read(status, body, operation, where)


def post(  # noqa: PLR0917 - where, and what
    url: str,
    context: ssl.SSLContext,
    octets: bytes,
    action: str,
    where: str,
    require: Callable[[bytes], None],
) -> tuple[int, bytes]:
    """Post a SOAP message; return the status of HTTP, and the body.

    `require` is given the server's certificate (DER) before anything is sent, and raises an error
    to close the connection.  `where` names the server in errors.  Raises `TransportError`.
    """
    address = urlsplit(url)
    connection = http.client.HTTPSConnection(
        address.hostname or "", address.port, timeout=SECONDS, context=context
    )
    try:
        connection.connect()
        require(connection.sock.getpeercert(binary_form=True) or b"")
        headers = {"Content-Type": CONTENT_TYPE, "SOAPAction": f'"{action}"'}
        connection.request("POST", address.path, octets, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_OCTETS + 1)
    except (OSError, http.client.HTTPException) as error:
        raise TransportError(f"{where}: {_reason(error)}", advice="try again later") from None
    finally:
        connection.close()


def _require_server(certificate: bytes, partner: Partner, where: str, at: datetime) -> None:
    """Check the server's certificate before anything is sent."""
    try:
        problem = objection(Certificate.parse(certificate), partner, SpocRole.SERVER, at)
    except MalformedError:
        problem = "its certificate cannot be read"
    if problem is not None:
        raise ProtocolError(f"{where}: is not this State's server: {problem}")


def _read(status: int, body: bytes, operation: Operation, where: str) -> Response:
    if status == http.client.UNAUTHORIZED:
        raise ProtocolError(
            f"{where}: does not accept our certificate",
            advice="ask that State which certificates and revocation list it has of ours",
        )
    if status not in {http.client.OK, _FAULT}:
        raise TransportError(f"{where}: answers with status {status}")
    try:
        return decode_response(body, operation)
    except MalformedError as error:
        raise ProtocolError(
            f"{where}: its answer is not a response of this service ({error})"
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its TLS certificate does not verify ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS fails ({error.reason or error}); it may not trust our certificate"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be reached ({error.strerror})"
    return f"cannot be reached ({type(error).__name__})"
