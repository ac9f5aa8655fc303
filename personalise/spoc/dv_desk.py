"""What our Document Verifier answers to its terminals, without a web (TR-03129, 4.2)."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from emrtd.pki.cvc.authorization import Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.issuing import RequestError, RequestFault
from emrtd.pki.cvc.requests import CvRequest, NoDomainParametersError
from personalise.pki.cvca import DV_CERTIFICATE
from personalise.pki.cvca_operations import certify
from personalise.pki.cvca_requests import CvIssuer, cvca_certificates
from personalise.pki.foreign import document_verifiers, known_cvca
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.officers import Officers
from personalise.pki.operations import PkiOperations
from personalise.spoc.desk import FAULT, OK, UNAUTHORIZED, Answer
from personalise.spoc.dv_soap import (
    DvCode,
    DvMessage,
    DvOperation,
    DvResponse,
    DvSyntaxError,
    decode_message,
    encode_dv_response,
)
from personalise.spoc.soap import encode_fault
from personalise.spoc.terminals import Terminal, Terminals
from support.errors import MalformedError
from support.files import locked_folder
from support.log import tell, text_of

_LOG: Final = logging.getLogger(__name__)
_EVENTS: Final = logging.getLogger(f"{__name__}.events")
"""Not that of the errors, of which a line appears once a minute."""
_SEQUENCE: Final = 5
_CODES: Final = {
    RequestFault.INNER_SIGNATURE: DvCode.INNER_SIGNATURE,
    RequestFault.OUTER_SIGNATURE: DvCode.OUTER_SIGNATURE,
    RequestFault.EXPIRED: DvCode.EXPIRED,
    RequestFault.DOMAIN_PARAMETERS: DvCode.DOMAIN_PARAMETERS,
    RequestFault.NOT_ACCEPTED: DvCode.NOT_ACCEPTED,
}


class DvDesk:
    """Answers terminals, one call at a time, always at once."""

    def __init__(self, pki: IssuingPki, clock: Callable[[], datetime]) -> None:
        self._pki = pki
        self._clock = clock
        self._terminals = Terminals(pki.folder)

    def answer(self, certificate: bytes, octets: bytes) -> Answer:
        """Answer a request of the client with this certificate (DER)."""
        terminal = self._terminals.identify(certificate, self._clock())
        if isinstance(terminal, str):
            return Answer(UNAUTHORIZED, reason=terminal)
        try:
            message = decode_message(octets)
        except DvSyntaxError as error:
            return Answer(OK, encode_dv_response(DvResponse(error.operation, DvCode.SYNTAX)))
        except MalformedError:
            return Answer(FAULT, encode_fault("Client", "is not a message of this service"))
        response = self._respond(terminal, message)
        what = f"{terminal.name}: {response.operation}, {response.code}"
        tell(_EVENTS, logging.INFO, "answered", what, client=terminal.name)
        return Answer(OK, encode_dv_response(response))

    def _respond(self, terminal: Terminal, message: DvMessage) -> DvResponse:
        operation = message.operation
        try:
            with locked_folder(self._pki.folder):
                at = self._clock().replace(microsecond=0)
                operations = PkiOperations(self._pki.reread(), (), at)
                if operation is DvOperation.GET_CA_CERTIFICATES:
                    found = _authorities(operations)
                else:
                    found = [_certify(operations, terminal, message.request)]
        except RequestError as error:
            return DvResponse(operation, _CODES[error.fault])
        except NoDomainParametersError:
            return DvResponse(operation, DvCode.DOMAIN_PARAMETERS)
        except Exception as error:  # noqa: BLE001 - the last line of defence: the terminal is told
            what = f"spoc: {terminal.name}: {text_of(error)}"
            tell(_LOG, logging.ERROR, "failed", what, client=terminal.name)
            return DvResponse(operation, DvCode.INTERNAL)
        encoded = tuple(each.encode() for each in found)
        return DvResponse(operation, DvCode.CERTIFICATES, encoded)


def _certify(operations: PkiOperations, terminal: Terminal, request: bytes) -> CvCertificate:
    """Certify a terminal's key with the Document Verifier's key that it names."""
    try:
        asked = CvRequest.decode(request)
    except NoDomainParametersError:
        raise
    except MalformedError as error:
        raise RequestError(RequestFault.NOT_ACCEPTED, error.said) from None
    policy = terminal.policy
    if asked.holder_reference[:-_SEQUENCE] not in policy.holders:
        raise RequestError(
            RequestFault.NOT_ACCEPTED, f"{asked.holder_reference} is not {terminal.name}"
        )
    if "cv.certify" in Officers.load(operations.pki.folder).guarded:
        raise RequestError(RequestFault.NOT_ACCEPTED, "officers must approve each certificate")
    return certify(
        operations,
        asked,
        Role.TERMINAL,
        policy.right,
        timedelta(days=policy.days),
        issuer=_issuer(operations, asked.authority_reference),
    )


def _issuer(operations: PkiOperations, wanted: str | None) -> CvIssuer | None:
    """Return the key of our Document Verifier that a request names; None is the domestic one."""
    named = (each for each in document_verifiers(operations))
    return next((each for each in named if each.certificate.holder_reference == wanted), None)


def _authorities(operations: PkiOperations) -> list[CvCertificate]:
    """Return the CVCAs' certificates that are valid, and those of our Document Verifier."""
    pki, today = operations.pki, operations.at.date()
    found = [*cvca_certificates(operations), pki.cv_certificate(DV_CERTIFICATE)]
    for each in document_verifiers(operations):
        found += known_cvca(pki, each.certificate.authority_reference[:2])
        found.append(each.certificate)
    return [each for each in found if each.expiration >= today]
