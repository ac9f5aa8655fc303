"""Our CVCA's side: requests of other States' Document Verifiers (Doc 9303-12, 8.2.1 and 8.2.3).

What the State's policy allows is certified at once; everything else waits for an officer's
decision, which `personalise.spoc.delivery` sends.
"""

from datetime import timedelta
from typing import Final

from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import Right, Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.issuing import RequestError, RequestFault
from emrtd.pki.cvc.requests import CvRequest, NoDomainParametersError
from personalise.pki.cvca_operations import certify, check
from personalise.pki.cvca_requests import cvca_certificates
from personalise.pki.foreign import known_cvca
from personalise.pki.officers import Officers
from personalise.pki.operations import PkiOperations
from personalise.spoc.messages import (
    Operation,
    RequestCertificate,
    Response,
    Result,
)
from personalise.spoc.partners import Partner, Partners
from personalise.spoc.states import Received
from personalise.spoc.store import MessageStore, ReceivedMessage
from support.errors import MalformedError, MisuseError

RECEIVE: Final = "spoc.request"
REFUSE: Final = "spoc.refuse"

_OPERATION: Final = Operation.REQUEST_CERTIFICATE
_RESULTS: Final = {
    RequestFault.INNER_SIGNATURE: Result.INNER_SIGNATURE,
    RequestFault.OUTER_SIGNATURE: Result.OUTER_SIGNATURE,
    RequestFault.EXPIRED: Result.EXPIRED,
    RequestFault.DOMAIN_PARAMETERS: Result.DOMAIN_PARAMETERS,
    RequestFault.NOT_ACCEPTED: Result.NOT_ACCEPTED,
}


def receive_request(
    operations: PkiOperations, store: MessageStore, partner: Partner, message: RequestCertificate
) -> Response:
    """Check a request, and certify it or keep it for an officer.

    A message that is repeated has the same result as before, and with its certificates once there
    are any; a used messageID with another request is not accepted.
    """
    before = store.find_received(partner.state, message.message_id)
    if before is not None:
        return _again(before, message)
    received = ReceivedMessage(
        partner.state,
        message.message_id,
        _OPERATION,
        message.request,
        operations.at,
        Received.ARRIVED,
    )
    try:
        asked = _read(message.request, partner)
        authenticated = check(operations, asked, _cvca_of(operations, partner, asked))
    except (RequestError, MalformedError) as error:
        return _refuse(operations, store, received, error)
    guarded = "cv.certify" in Officers.load(operations.pki.folder).guarded
    if not partner.policy.automatic or not authenticated or guarded:
        note = f"{asked.holder_reference}, {'authenticated' if authenticated else 'first'}"
        _log(operations, received, Result.ACKNOWLEDGED)
        store.enter_received(_with(received, Received.WAITING, Result.ACKNOWLEDGED, note=note))
        return Response(_OPERATION, Result.ACKNOWLEDGED)
    answer = _answer(operations, partner, asked, partner.policy.right, partner.policy.days)
    _log(operations, received, Result.CERTIFICATES)
    store.enter_received(
        _with(received, Received.DELIVERED, Result.CERTIFICATES, answer, asked.holder_reference)
    )
    return Response(_OPERATION, Result.CERTIFICATES, answer)


def find_waiting(store: MessageStore, state: str, message_id: str | None) -> ReceivedMessage:
    """Return the request of a State that is to be decided: the only one, if none is named.

    Raises `MisuseError`.
    """
    if message_id is not None:
        found = store.find_received(state, message_id)
        if found is None:
            raise MisuseError(
                f"{state} has sent no message {message_id}", advice="run `personalise eac requests`"
            )
        return found
    waiting = [each for each in store.received(Received.WAITING) if each.state == state]
    if not waiting:
        raise MisuseError(f"no request of {state} waits for a decision")
    if len(waiting) != 1:
        raise MisuseError(
            f"{len(waiting)} requests of {state} wait for a decision, not one",
            advice="name the message; `personalise eac requests` lists them",
        )
    return waiting[0]


def accept(
    operations: PkiOperations,
    store: MessageStore,
    waiting: ReceivedMessage,
    *,
    rights: Right | None = None,
    days: int | None = None,
) -> ReceivedMessage:
    """Certify a request that waits, at most as the State's policy allows.

    Raises `MisuseError` for a message that does not wait, `RequestError` if it has become wrong.
    """
    partner = Partners(operations.pki.folder).get(waiting.state)
    _require_waiting(waiting)
    policy = partner.policy
    days = policy.days if days is None else days
    if not 1 <= days <= policy.days:
        raise MisuseError(f"{waiting.state} may have certificates for 1 to {policy.days} days")
    granted = policy.right if rights is None else rights
    if granted & ~policy.right:
        raise MisuseError(f"{waiting.state} may have no more than {' '.join(policy.rights)}")
    asked = _read(waiting.content, partner)
    answer = _answer(operations, partner, asked, granted, days)
    store.change_received(
        waiting,
        Received.DECIDED,
        operations.at,
        result=Result.CERTIFICATES,
        certificates=answer,
        note=asked.holder_reference,
    )
    return _found(store, waiting)


def refuse(
    operations: PkiOperations, store: MessageStore, waiting: ReceivedMessage, reason: str
) -> ReceivedMessage:
    """Refuse a request that waits; the reason stays here, in the audit log."""
    _require_waiting(waiting)
    if not reason.strip():
        raise MisuseError("a request is refused for a reason", advice="give --reason")
    subject = {"state": waiting.state, "message": waiting.message_id, "request": waiting.digest}
    with operations.operation(REFUSE, subject | {"reason": reason.strip()}):
        store.change_received(
            waiting,
            Received.DECIDED,
            operations.at,
            result=Result.NOT_ACCEPTED,
            note=reason.strip(),
        )
    return _found(store, waiting)


def ca_certificates(operations: PkiOperations) -> Response:
    """Answer a request for CVCA certificates."""
    found = valid_cvca(operations)
    return Response(Operation.GET_CA_CERTIFICATES, Result.CERTIFICATES, found)


def valid_cvca(operations: PkiOperations) -> tuple[bytes, ...]:
    """Return all valid certificates of our CVCA, in the order of their effective dates."""
    today = operations.at.date()
    certificates = cvca_certificates(operations)
    return tuple(each.encode() for each in certificates if each.expiration >= today)


def _answer(
    operations: PkiOperations, partner: Partner, asked: CvRequest, rights: Right, days: int
) -> tuple[bytes, ...]:
    """Certify a request; return the certificate, and those of the CVCA if it has another key."""
    authority = _cvca_of(operations, partner, asked)
    made = certify(
        operations,
        asked,
        Role.DV_FOREIGN,
        rights,
        timedelta(days=days),
        authenticated_by=authority,
    )
    others = () if made.authority_reference == asked.authority_reference else valid_cvca(operations)
    return (made.encode(), *others)


def _read(request: bytes, partner: Partner) -> CvRequest:
    """Decode a request; the holder must be of the State that sends it (7.2.2)."""
    asked = CvRequest.decode(request)
    if asked.holder_reference[:2] != partner.state:
        raise RequestError(
            RequestFault.NOT_ACCEPTED, f"{asked.holder_reference} is not of {partner.state}"
        )
    return asked


def _cvca_of(operations: PkiOperations, partner: Partner, asked: CvRequest) -> CvCertificate | None:
    """Return the State's CVCA certificate that a first request names as its signer, if known."""
    known = known_cvca(operations.pki, partner.state)
    found = (each for each in known if each.holder_reference == asked.outer_reference)
    return next((each for each in found if each.is_self_signed), None)


def _again(before: ReceivedMessage, message: RequestCertificate) -> Response:
    if before.operation is not _OPERATION or before.content != message.request:
        return Response(_OPERATION, Result.NOT_ACCEPTED)
    result = before.result or Result.INTERNAL
    if result is Result.CERTIFICATES:
        return Response(_OPERATION, result, before.certificates)
    return Response(_OPERATION, result)


def _refuse(
    operations: PkiOperations,
    store: MessageStore,
    received: ReceivedMessage,
    error: ProtocolError | MalformedError,
) -> Response:
    result = Result.REQUEST_SYNTAX
    if isinstance(error, RequestError):
        result = _RESULTS[error.fault]
    elif isinstance(error, NoDomainParametersError):
        result = Result.DOMAIN_PARAMETERS
    _log(operations, received, result)
    store.enter_received(_with(received, Received.DELIVERED, result, note=error.message))
    return Response(_OPERATION, result)


def _with(
    received: ReceivedMessage,
    status: Received,
    result: Result,
    certificates: tuple[bytes, ...] = (),
    note: str = "",
) -> ReceivedMessage:
    return ReceivedMessage(
        received.state,
        received.message_id,
        received.operation,
        received.content,
        received.at,
        status,
        result,
        certificates,
        note,
    )


def _log(operations: PkiOperations, received: ReceivedMessage, result: Result) -> None:
    subject = {"state": received.state, "message": received.message_id}
    subject |= {"request": received.digest, "result": result.value}
    operations.pki.audit_log.append(RECEIVE, subject, "done", operations.at)


def _require_waiting(message: ReceivedMessage) -> None:
    if message.status is not Received.WAITING:
        raise MisuseError(
            f"the message {message.message_id} of {message.state} does not wait for a decision"
        )


def _found(store: MessageStore, message: ReceivedMessage) -> ReceivedMessage:
    found = store.find_received(message.state, message.message_id)
    if found is None:
        raise MisuseError("the message has gone from the store")
    return found
