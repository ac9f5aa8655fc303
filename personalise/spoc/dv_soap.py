"""The messages of a terminal to its Document Verifier (TR-03129 1.1, 4.2), over SOAP.

The guideline's WSDL is rpc/literal: the parts of a request have no namespace, their contents that
of the basic types.  A part in the namespace of the operation is read too, as some clients write it.
"""

import base64
from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Final
from xml.sax.saxutils import escape

from personalise.spoc.soap import from_base64, read_body, wrap
from personalise.spoc.xml_reader import Element
from support.errors import MalformedError
from support.values import Hidden, Value

PROTOCOL: Final = "uri:EAC-PKI-DV-Protocol/1.1"
TYPES: Final = "uri:eacBT/1.1"
_WHAT: Final = "TR-03129 message"
_POSSIBLE, _NOT_POSSIBLE = "callback_possible", "callback_not_possible"
_MAX_CERTIFICATES: Final = 256


@unique
class DvOperation(StrEnum):
    """What a Document Verifier offers its terminals (4.4.2)."""

    REQUEST_CERTIFICATE = "RequestCertificate"
    GET_CA_CERTIFICATES = "GetCACertificates"


@unique
class DvCode(StrEnum):
    """The return codes of both."""

    CERTIFICATES = "ok_cert_available"
    INNER_SIGNATURE = "failure_inner_signature"
    OUTER_SIGNATURE = "failure_outer_signature"
    EXPIRED = "failure_expired"
    DOMAIN_PARAMETERS = "failure_domain_parameters"
    NOT_ACCEPTED = "failure_request_not_accepted"
    SYNTAX = "failure_syntax"
    INTERNAL = "failure_internal_error"


class DvMessage(Value, frozen=True):
    """A message; `request` is the CV request of RequestCertificate, and empty otherwise."""

    operation: DvOperation
    request: Hidden[bytes] = b""


class DvResponse(Value, frozen=True):
    """The response to a message."""

    operation: DvOperation
    code: DvCode
    certificates: Hidden[tuple[bytes, ...]] = ()


class DvSyntaxError(MalformedError):
    """A message of a known operation that is not as the guideline has it."""

    def __init__(self, operation: DvOperation, reason: str) -> None:
        self.operation = operation
        super().__init__(_WHAT, reason)


def encode_message(message: DvMessage) -> bytes:
    """Encode a message; we are answered at once, so it has no messageID and no address."""
    parts = f"<callbackIndicator>{_NOT_POSSIBLE}</callbackIndicator><messageID/><responseURL/>"
    if message.operation is DvOperation.REQUEST_CERTIFICATE:
        parts += f"<certReq>{_base64(message.request)}</certReq>"
    return _in_protocol(message.operation, parts)


def decode_message(octets: bytes) -> DvMessage:
    """Decode a message; raises `DvSyntaxError` if its operation is known, or `MalformedError`."""
    body = read_body(octets)
    if body.namespace != PROTOCOL or body.name not in {each.value for each in DvOperation}:
        raise MalformedError(_WHAT, "is not a message of this service")
    operation = DvOperation(body.name)
    expected = ["callbackIndicator", "messageID", "responseURL"]
    if operation is DvOperation.REQUEST_CERTIFICATE:
        expected.append("certReq")
    names = [each.name for each in body.children]
    if names != expected or any(each.namespace not in {"", PROTOCOL} for each in body.children):
        raise DvSyntaxError(operation, f"the parts are not {', '.join(expected)}")
    indicator, *_ = body.children
    if indicator.text.strip() not in {_POSSIBLE, _NOT_POSSIBLE}:
        raise DvSyntaxError(operation, "callbackIndicator is unknown")
    if operation is DvOperation.GET_CA_CERTIFICATES:
        return DvMessage(operation)
    try:
        return DvMessage(operation, from_base64(body.children[3].text, "certReq"))
    except MalformedError as error:
        raise DvSyntaxError(operation, error.reason) from None


def encode_dv_response(response: DvResponse) -> bytes:
    """Encode a response."""
    certificates = ""
    if response.certificates:
        encoded = map(_base64, response.certificates)
        inner = "".join(f"<t:certificate>{each}</t:certificate>" for each in encoded)
        certificates = f"<t:certificateSeq>{inner}</t:certificateSeq>"
    code = f"<t:returnCode>{escape(response.code)}</t:returnCode>"
    result = f'<Result xmlns:t="{TYPES}">{code}{certificates}</Result>'
    return _in_protocol(f"{response.operation}Response", result)


def decode_dv_response(octets: bytes, operation: DvOperation) -> DvResponse:
    """Decode the response to an operation; raises `MalformedError`."""
    body = read_body(octets)
    if (body.namespace, body.name) != (PROTOCOL, f"{operation}Response"):
        raise MalformedError(_WHAT, f"is not the response to {operation}")
    parts = body.children[0].children if len(body.children) == 1 else ()
    if not parts or not _is_type(parts[0], "returnCode") or len(parts) > 2:
        raise MalformedError(_WHAT, "the result has no return code")
    if parts[0].text not in {each.value for each in DvCode}:
        raise MalformedError(_WHAT, "the return code is unknown")
    return DvResponse(operation, DvCode(parts[0].text), _certificates(parts[1:]))


def _certificates(parts: Sequence[Element]) -> tuple[bytes, ...]:
    if not parts:
        return ()
    found = parts[0].children
    fits = _is_type(parts[0], "certificateSeq") and len(found) <= _MAX_CERTIFICATES
    if not fits or not all(_is_type(each, "certificate") for each in found):
        raise MalformedError(_WHAT, "certificateSeq is not a sequence of certificates")
    return tuple(from_base64(each.text, "certificate") for each in found)


def _is_type(element: Element, name: str) -> bool:
    return (element.namespace, element.name) == (TYPES, name)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _in_protocol(name: str, parts: str) -> bytes:
    return wrap(f'<p:{name} xmlns:p="{PROTOCOL}">{parts}</p:{name}>')
