"""The messages between Single Points of Contact, as values (Doc 9303-12, 8.2).

`personalise.spoc.soap` writes and reads them.
"""

import re
from enum import StrEnum, unique
from typing import Final

from support.errors import MalformedError
from support.values import Hidden, Value

MAX_TEXT: Final = 64 * 1024
"""The longest body of a general message, in characters."""

MAX_SUBJECT: Final = 1024
MAX_CERTIFICATES: Final = 64

_STATE: Final = re.compile(r"[A-Z]{2}")
_MESSAGE_ID: Final = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\x00-\x20\x7f])?")


@unique
class Operation(StrEnum):
    """The operations of the web service."""

    REQUEST_CERTIFICATE = "RequestCertificate"
    SEND_CERTIFICATES = "SendCertificates"
    GET_CA_CERTIFICATES = "GetCACertificates"
    GENERAL_MESSAGE = "GeneralMessage"


@unique
class Result(StrEnum):
    """Return codes, and the statuses of SendCertificates."""

    OK = "ok"
    CERTIFICATES = "ok_cert_available"
    ACKNOWLEDGED = "ok_reception_ack"
    RECEIVED = "ok_received_correctly"
    NOTIFICATION = "new_cert_available_notification"
    INNER_SIGNATURE = "failure_inner_signature"
    OUTER_SIGNATURE = "failure_outer_signature"
    SYNTAX = "failure_syntax"
    NOT_ACCEPTED = "failure_request_not_accepted"
    REQUEST_SYNTAX = "failure_request_syntax"
    EXPIRED = "failure_expired"
    DOMAIN_PARAMETERS = "failure_domain_parameters"
    CERTIFICATE = "failure_certificate"
    MESSAGE_UNKNOWN = "failure_messageID_unknown"
    INTERNAL = "failure_internal_error"


RESULTS: Final = {
    Operation.REQUEST_CERTIFICATE: frozenset(
        {
            Result.CERTIFICATES,
            Result.ACKNOWLEDGED,
            Result.INNER_SIGNATURE,
            Result.OUTER_SIGNATURE,
            Result.SYNTAX,
            Result.NOT_ACCEPTED,
            Result.REQUEST_SYNTAX,
            Result.EXPIRED,
            Result.DOMAIN_PARAMETERS,
            Result.INTERNAL,
        }
    ),
    Operation.SEND_CERTIFICATES: frozenset(
        {Result.RECEIVED, Result.SYNTAX, Result.MESSAGE_UNKNOWN, Result.INTERNAL}
    ),
    Operation.GET_CA_CERTIFICATES: frozenset(
        {Result.CERTIFICATES, Result.ACKNOWLEDGED, Result.SYNTAX, Result.INTERNAL}
    ),
    Operation.GENERAL_MESSAGE: frozenset({Result.OK, Result.SYNTAX, Result.INTERNAL}),
}
"""The return codes of each operation."""

STATUSES: Final = frozenset(
    {
        Result.NOTIFICATION,
        Result.CERTIFICATES,
        Result.INNER_SIGNATURE,
        Result.OUTER_SIGNATURE,
        Result.SYNTAX,
        Result.NOT_ACCEPTED,
        Result.CERTIFICATE,
        Result.INTERNAL,
    }
)
"""The values of statusInfo in SendCertificates."""

_LATER: Final = {
    Result.REQUEST_SYNTAX: Result.SYNTAX,
    Result.EXPIRED: Result.OUTER_SIGNATURE,
    Result.DOMAIN_PARAMETERS: Result.NOT_ACCEPTED,
}


def status_of(result: Result) -> Result:
    """Return the status that tells the result of a request later; it has fewer codes (8.2.2)."""
    return _LATER.get(result, result)


class RequestCertificate(Value, frozen=True):
    """A request for a certificate of a Document Verifier; `request` is the CV request (8.1.1)."""

    caller: str
    message_id: str
    request: Hidden[bytes]


class SendCertificates(Value, frozen=True):
    """The answer to an earlier message, or (NOTIFICATION) news of CVCA certificates.

    `certificates` are encoded card-verifiable certificates.
    """

    caller: str
    message_id: str | None
    status: Result
    certificates: Hidden[tuple[bytes, ...]] = ()


class GetCaCertificates(Value, frozen=True):
    """A request for all valid CVCA certificates of the receiver's State."""

    caller: str
    message_id: str


class GeneralMessage(Value, frozen=True):
    """A message for people, in English."""

    caller: str
    message_id: str
    subject: Hidden[str]
    body: Hidden[str]


Message = RequestCertificate | SendCertificates | GetCaCertificates | GeneralMessage


class Response(Value, frozen=True):
    """The response to a message of any operation."""

    operation: Operation
    result: Result
    certificates: Hidden[tuple[bytes, ...]] = ()


def operation_of(message: Message) -> Operation:
    """Return the operation that a message calls."""
    match message:
        case RequestCertificate():
            return Operation.REQUEST_CERTIFICATE
        case SendCertificates():
            return Operation.SEND_CERTIFICATES
        case GetCaCertificates():
            return Operation.GET_CA_CERTIFICATES
        case GeneralMessage():
            return Operation.GENERAL_MESSAGE


def check(message: Message) -> None:
    """Check what the schema cannot; raises `MalformedError`, which names the field."""
    what = operation_of(message).value
    if not _STATE.fullmatch(message.caller):
        raise MalformedError(what, "callerID is not two capital letters")
    if message.message_id is not None and not _MESSAGE_ID.fullmatch(message.message_id):
        raise MalformedError(what, "messageID is not 1 to 200 printable characters")
    if isinstance(message, SendCertificates):
        _check_answer(message)
    if isinstance(message, GeneralMessage):
        if not message.subject.strip() or len(message.subject) > MAX_SUBJECT:
            raise MalformedError(what, f"the subject is not 1 to {MAX_SUBJECT:,} characters")
        if len(message.body) > MAX_TEXT:
            raise MalformedError(what, f"the body is longer than {MAX_TEXT:,} characters")


def _check_answer(message: SendCertificates) -> None:
    what = Operation.SEND_CERTIFICATES.value
    brings = message.status in {Result.CERTIFICATES, Result.NOTIFICATION}
    if brings != bool(message.certificates):
        raise MalformedError(what, f"certificateSequence does not fit to {message.status}")
    if message.message_id is None and message.status is Result.CERTIFICATES:
        raise MalformedError(what, "messageID is missing from an answer")
