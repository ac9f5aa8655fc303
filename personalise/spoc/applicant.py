"""Our Document Verifier's side: what we ask of other States' CVCAs, and their answers (8.2.2)."""

from collections.abc import Sequence
from typing import Final

from emrtd.errors import ProtocolError
from emrtd.pki.cvc.certificates import CvCertificate
from personalise.pki.foreign import ask, known_cvca, learn, take, waiting_request
from personalise.pki.operations import PkiOperations
from personalise.spoc.messages import (
    Operation,
    RequestCertificate,
    Response,
    Result,
    SendCertificates,
)
from personalise.spoc.partners import Partner
from personalise.spoc.states import AWAITED, Received, Sent
from personalise.spoc.store import MessageStore, SentMessage
from support.errors import MalformedError, MisuseError

ANSWER: Final = "spoc.answer"
_OPERATION: Final = Operation.SEND_CERTIFICATES


def prepare_request(
    operations: PkiOperations,
    store: MessageStore,
    state: str,
    brought: Sequence[CvCertificate],
    message_id: str,
    *,
    anew: bool = False,
    by_our_cvca: bool = False,
    name: str = "",
) -> RequestCertificate:
    """Return the message that asks a State for our Document Verifier's next certificate.

    A message without an answer is sent again as it was.  One that was acknowledged is awaited:
    `anew` replaces it.  `brought`, `by_our_cvca` and `name` are as in `foreign.ask`; without CVCA
    certificates those that are trusted are used.  Raises `MisuseError` or `ProtocolError`.
    """
    ours = operations.pki.settings.country
    open_ = [
        each
        for each in store.sent(*AWAITED)
        if each.state == state and each.operation is Operation.REQUEST_CERTIFICATE
    ]
    waiting = waiting_request(operations.pki, state)
    if (
        open_
        and waiting is not None
        and open_[-1].content == waiting.encode()
        and not (anew or name)
    ):
        last = open_[-1]
        if last.status is Sent.ACKNOWLEDGED:
            raise MisuseError(
                f"{state} has acknowledged the request of {last.at:%Y-%m-%d}, and will answer it",
                advice="wait, or replace it with --anew",
            )
        return RequestCertificate(ours, last.message_id, last.content)
    certificates = brought or known_cvca(operations.pki, state)
    if not certificates:
        raise MisuseError(
            f"no CVCA of {state} is trusted yet",
            advice="get its certificates with `personalise eac fetch`, compare them with that"
            " State, and give the self-signed one",
        )
    _require_of(state, certificates)
    asked = ask(operations, certificates, by_our_cvca=by_our_cvca, name=name)
    for former in open_:
        store.change_sent(former, Sent.REFUSED, operations.at, note="replaced by another request")
    message = RequestCertificate(ours, message_id, asked.encode())
    store.enter_sent(
        SentMessage(
            state,
            message_id,
            Operation.REQUEST_CERTIFICATE,
            message.request,
            operations.at,
            Sent.SENT,
            note=asked.holder_reference,
        )
    )
    return message


def take_response(
    operations: PkiOperations, store: MessageStore, state: str, message_id: str, response: Response
) -> SentMessage:
    """Take the response to a request of ours; return the message as it is now.

    The State may meanwhile have sent its answer to our server, which then stands.
    """
    sent = _sent(store, state, message_id)
    if sent.status in AWAITED and response.result is not Result.ACKNOWLEDGED:
        _settle(operations, store, sent, response.result, response.certificates)
    elif sent.status is Sent.SENT:
        store.change_sent(sent, Sent.ACKNOWLEDGED, operations.at, result=response.result)
    return _sent(store, state, message_id)


def _sent(store: MessageStore, state: str, message_id: str) -> SentMessage:
    found = store.find_sent(state, message_id)
    if found is None:
        raise MisuseError(f"no message {message_id} was sent to {state}")
    return found


def receive_certificates(
    operations: PkiOperations, store: MessageStore, partner: Partner, message: SendCertificates
) -> Response:
    """Take an answer that comes later, or news of CVCA certificates."""
    if message.status is Result.NOTIFICATION:  # its messageID is ignored (8.2.2)
        _take_news(operations, partner, message.certificates)
        return Response(_OPERATION, Result.RECEIVED)
    message_id = message.message_id or ""
    if message.status is Result.CERTIFICATE:
        return _take_objection(operations, store, partner, message_id)
    sent = store.find_sent(partner.state, message_id)
    if sent is None or sent.operation is not Operation.REQUEST_CERTIFICATE:
        return Response(_OPERATION, Result.MESSAGE_UNKNOWN)
    if sent.status not in AWAITED:
        same = (sent.result, sent.certificates) == (message.status, message.certificates)
        return Response(_OPERATION, Result.RECEIVED if same else Result.MESSAGE_UNKNOWN)
    _settle(operations, store, sent, message.status, message.certificates)
    return Response(_OPERATION, Result.RECEIVED)


def _settle(
    operations: PkiOperations,
    store: MessageStore,
    sent: SentMessage,
    result: Result,
    certificates: tuple[bytes, ...],
) -> None:
    """Import an answer, or enter the refusal."""
    at, status, note = operations.at, Sent.REFUSED, ""
    if result is Result.CERTIFICATES:
        try:
            made = take(operations, [CvCertificate.decode(each) for each in certificates])
        except (ProtocolError, MalformedError, MisuseError) as error:
            status, note = Sent.REJECTED, error.message
        else:
            status, note = Sent.IMPORTED, made.holder_reference
    _log(operations, sent.state, sent.message_id, result, status.name)
    store.change_sent(sent, status, at, result=result, certificates=certificates, note=note)


def _take_news(
    operations: PkiOperations, partner: Partner, certificates: tuple[bytes, ...]
) -> None:
    """Keep CVCA certificates that follow from the trusted root; log what does not."""
    outcome = "LEARNT"
    try:
        decoded = [CvCertificate.decode(each) for each in certificates]
        _require_of(partner.state, decoded)
        learn(operations, decoded)
    except (ProtocolError, MalformedError, MisuseError) as error:
        outcome = f"REJECTED: {error.message}"
    _log(operations, partner.state, "", Result.NOTIFICATION, outcome)


def _require_of(state: str, certificates: Sequence[CvCertificate]) -> None:
    for each in certificates:
        if each.holder_reference[:2] != state:
            raise MisuseError(f"{each.holder_reference} is not a certificate of {state}")


def _take_objection(
    operations: PkiOperations, store: MessageStore, partner: Partner, message_id: str
) -> Response:
    """Enter that a State found a certificate of ours wrong."""
    received = store.find_received(partner.state, message_id)
    if received is None or received.result is not Result.CERTIFICATES:
        return Response(_OPERATION, Result.MESSAGE_UNKNOWN)
    if received.status is Received.DELIVERED:
        _log(operations, partner.state, message_id, Result.CERTIFICATE, "OBJECTED")
        store.change_received(received, Received.OBJECTED, operations.at)
    return Response(_OPERATION, Result.RECEIVED)


def _log(
    operations: PkiOperations, state: str, message_id: str, result: Result, outcome: str
) -> None:
    subject = {"state": state, "message": message_id, "result": result.value, "outcome": outcome}
    operations.pki.audit_log.append(ANSWER, subject, "done", operations.at)
