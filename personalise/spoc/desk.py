"""What our SPOC answers to each message, without a web: octets in, status and octets out."""

import http
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.spoc import SpocRole
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from personalise.spoc.applicant import receive_certificates
from personalise.spoc.authority import ca_certificates, receive_request
from personalise.spoc.identity import objection
from personalise.spoc.messages import (
    GeneralMessage,
    GetCaCertificates,
    Message,
    Operation,
    RequestCertificate,
    Response,
    Result,
    SendCertificates,
    operation_of,
)
from personalise.spoc.partners import Partner, Partners
from personalise.spoc.soap import (
    MustUnderstandError,
    VersionMismatchError,
    decode,
    encode_fault,
    encode_response,
)
from personalise.spoc.states import Received
from personalise.spoc.store import MessageStore, ReceivedMessage
from support.errors import MalformedError
from support.files import locked_folder
from support.log import tell, text_of
from support.printable_text import printable
from support.values import Hidden, Value

OK: Final = int(http.HTTPStatus.OK)
UNAUTHORIZED: Final = int(http.HTTPStatus.UNAUTHORIZED)
FAULT: Final = int(http.HTTPStatus.INTERNAL_SERVER_ERROR)

_LOG: Final = logging.getLogger(__name__)
_EVENTS: Final = logging.getLogger(f"{__name__}.events")
"""Not that of the errors, of which a line appears once a minute."""
_KNOWN: Final = {each.value: each for each in Operation}


class Answer(Value, frozen=True):
    """The status of HTTP and the body; of a 401 the reason, which is for our log alone."""

    status: int
    body: Hidden[bytes] = b""
    reason: str = ""


class SpocDesk:
    """Answers messages; one call at a time.

    The PKI's folder is locked for each, and its settings and the registered States are read anew.
    """

    def __init__(self, pki: IssuingPki, store: MessageStore, clock: Callable[[], datetime]) -> None:
        self._pki = pki
        self._store = store
        self._clock = clock
        self._partners = Partners(pki.folder)

    def identify(self, certificate: bytes) -> Partner | str:
        """Return the State whose client has this certificate (DER), or why it is none."""
        try:
            parsed = Certificate.parse(certificate)
        except MalformedError:
            return "the client's certificate cannot be read"
        state = parsed.subject.country_as_written or ""
        partner = self._partners.find(state)
        if partner is None:
            return f"{printable(state)[:8]!r} is not a registered State"
        problem = objection(parsed, partner, SpocRole.CLIENT, self._clock())
        return partner if problem is None else f"{state}: {problem}"

    def answer(self, certificate: bytes, octets: bytes, action: str) -> Answer:
        """Answer a request; `action` is its SOAPAction, for what cannot be read otherwise."""
        partner = self.identify(certificate)
        if isinstance(partner, str):
            return Answer(UNAUTHORIZED, reason=partner)
        try:
            message = decode(octets)
        except MalformedError as error:
            what = f"spoc: {partner.state}: {printable(str(error))}"
            tell(_LOG, logging.WARNING, "malformed", what, client=partner.state)
            return _unreadable(error, action)
        if message.caller != partner.state:
            reason = f"{partner.state}: names itself {message.caller}"
            return Answer(UNAUTHORIZED, reason=reason)
        response = self._respond(partner, message)
        what = f"{partner.state}: {response.operation}, {response.result}"
        tell(
            _EVENTS,
            logging.INFO,
            "answered",
            what,
            client=partner.state,
            operation=response.operation,
        )
        return Answer(OK, encode_response(response))

    def _respond(self, partner: Partner, message: Message) -> Response:
        try:
            with locked_folder(self._pki.folder):
                at = self._clock().replace(microsecond=0)
                return self._dispatch(PkiOperations(self._pki.reread(), (), at), partner, message)
        except Exception as error:  # noqa: BLE001 - the last line of defence: the State is told
            what = f"spoc: {partner.state}: {text_of(error)}"
            tell(_LOG, logging.ERROR, "failed", what, client=partner.state)
            return Response(operation_of(message), Result.INTERNAL)

    def _dispatch(self, operations: PkiOperations, partner: Partner, message: Message) -> Response:
        match message:
            case RequestCertificate():
                return receive_request(operations, self._store, partner, message)
            case SendCertificates():
                return receive_certificates(operations, self._store, partner, message)
            case GetCaCertificates():
                return ca_certificates(operations)
            case GeneralMessage():
                return self._keep(operations, partner, message)

    def _keep(
        self, operations: PkiOperations, partner: Partner, message: GeneralMessage
    ) -> Response:
        """Keep a message for people; one that is repeated is kept once."""
        content = f"{message.subject}\n\n{message.body}".encode()
        before = self._store.find_received(partner.state, message.message_id)
        operation = Operation.GENERAL_MESSAGE
        if before is not None:
            same = (before.operation, before.content) == (operation, content)
            return Response(operation, Result.OK if same else Result.SYNTAX)
        received = ReceivedMessage(
            partner.state,
            message.message_id,
            operation,
            content,
            operations.at,
            Received.KEPT,
            Result.OK,
        )
        subject = {"state": partner.state, "message": message.message_id, "text": received.digest}
        operations.pki.audit_log.append("spoc.message", subject, "done", operations.at)
        self._store.enter_received(received)
        return Response(operation, Result.OK)


def _unreadable(error: MalformedError, action: str) -> Answer:
    """Answer what cannot be read: in the operation's own way, if the SOAPAction says which."""
    if isinstance(error, VersionMismatchError):
        return Answer(FAULT, encode_fault("VersionMismatch", "SOAP 1.1 is expected"))
    if isinstance(error, MustUnderstandError):
        return Answer(FAULT, encode_fault("MustUnderstand", "no header is understood"))
    operation = _KNOWN.get(action.strip().strip('"'))
    if operation is None:
        return Answer(FAULT, encode_fault("Client", "is not a message of this service"))
    return Answer(OK, encode_response(Response(operation, Result.SYNTAX)))
