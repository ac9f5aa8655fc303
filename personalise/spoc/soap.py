"""SOAP 1.1, document/literal, as the WSDL of Doc 9303-12, 8.3.3 has it: read and written.

    envelope = encode(message)                  encode_response(response)
    message = decode(octets)                    response = decode_response(octets, operation)

No header is understood and no extension used (8.3.1).  Both decoders raise `MalformedError`; a
response may also be a fault, which raises `FaultError`.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Final
from xml.sax.saxutils import escape

from emrtd.errors import ProtocolError
from personalise.spoc.messages import (
    MAX_CERTIFICATES,
    RESULTS,
    STATUSES,
    GeneralMessage,
    GetCaCertificates,
    Message,
    Operation,
    RequestCertificate,
    Response,
    Result,
    SendCertificates,
    check,
    operation_of,
)
from personalise.spoc.xml_reader import Element, read_xml
from support.errors import MalformedError, MisuseError
from support.printable_text import printable

NAMESPACE: Final = "http://namespaces.icao.int/lds2"
ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
CONTENT_TYPE: Final = "text/xml; charset=utf-8"
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED: Final = {"\r": "&#13;"}  # a reader would make a line feed of it
_WHAT: Final = "SOAP message"
_MAX_BINARY: Final = 64 * 1024


class FaultError(ProtocolError):
    """The other side answered with a SOAP fault; `code` is its faultcode without a prefix."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(f"the other State's service failed: {code} ({text})")


class MustUnderstandError(MalformedError):
    """A header entry must be understood, and none is."""


class VersionMismatchError(MalformedError):
    """The envelope is not of SOAP 1.1."""


def wsdl(location: str) -> bytes:
    """Return the service's description, with its address."""
    text = files("personalise.spoc").joinpath("spoc.wsdl").read_text("utf-8")
    return text.replace("http://spoc-server/SPOC", escape(location, {'"': "&quot;"})).encode()


def encode(message: Message) -> bytes:
    """Encode a message; raises `MisuseError` for text that XML cannot hold."""
    try:
        check(message)
    except MalformedError as error:
        raise MisuseError(f"{error.what}: {error.reason}") from None
    parts = [_text("callerID", message.caller)]
    if message.message_id is not None:
        parts.append(_text("messageID", message.message_id))
    match message:
        case RequestCertificate(request=request):
            parts.append(_binary("certificateRequest", request))
        case SendCertificates(status=status, certificates=certificates):
            parts += [_sequence(certificates), _text("statusInfo", status)]
        case GeneralMessage(subject=subject, body=body):
            parts += [_text("subject", subject), _text("body", body)]
        case GetCaCertificates():
            pass
    return _envelope(f"{operation_of(message)}Request", parts)


def encode_response(response: Response) -> bytes:
    """Encode a response."""
    if response.result not in RESULTS[response.operation]:
        raise MisuseError(f"{response.operation} has no result {response.result}")
    parts = [_sequence(response.certificates), _text("result", response.result)]
    return _envelope(f"{response.operation}Response", parts)


def encode_fault(code: str, text: str) -> bytes:
    """Encode a fault: for errors of transport only (8.3.1)."""
    inner = f"<faultcode>soap:{code}</faultcode><faultstring>{escape(text)}</faultstring>"
    return wrap(f"<soap:Fault>{inner}</soap:Fault>")


def decode(octets: bytes) -> Message:
    """Decode a message; raises `MalformedError`."""
    body = read_body(octets)
    operation = _operation(body, "Request")
    fields = _Fields(body)
    caller = fields.text("callerID")
    message: Message
    match operation:
        case Operation.REQUEST_CERTIFICATE:
            message_id, request = fields.text("messageID"), fields.binary("certificateRequest")
            message = RequestCertificate(caller, message_id, request)
        case Operation.SEND_CERTIFICATES:
            optional = fields.text("messageID") if fields.has("messageID") else None
            certificates = fields.sequence()
            status = fields.result("statusInfo", STATUSES)
            message = SendCertificates(caller, optional, status, certificates)
        case Operation.GET_CA_CERTIFICATES:
            message = GetCaCertificates(caller, fields.text("messageID"))
        case Operation.GENERAL_MESSAGE:
            message = GeneralMessage(
                caller, fields.text("messageID"), fields.text("subject"), fields.text("body")
            )
    fields.end()
    check(message)
    return message


def decode_response(octets: bytes, operation: Operation) -> Response:
    """Decode the response to an operation; raises `MalformedError` or `FaultError`."""
    body = read_body(octets)
    if (body.namespace, body.name) == (ENVELOPE, "Fault"):
        said = {each.name: each.text for each in body.children}
        code = said.get("faultcode", "").rpartition(":")[2]
        raise FaultError(printable(code)[:40], printable(said.get("faultstring", ""))[:200])
    if _operation(body, "Response") is not operation:
        raise MalformedError(_WHAT, f"is not the response to {operation}")
    fields = _Fields(body)
    certificates = fields.sequence() if Result.CERTIFICATES in RESULTS[operation] else ()
    result = fields.result("result", RESULTS[operation])
    fields.end()
    if bool(certificates) != (result is Result.CERTIFICATES):
        raise MalformedError(_WHAT, f"certificateSequence does not fit to {result}")
    return Response(operation, result, certificates)


class _Fields:
    """The children of an element, read in the order of the schema."""

    def __init__(self, parent: Element) -> None:
        self._rest: Iterator[Element] = iter(parent.children)
        self._next: Element | None = next(self._rest, None)

    def has(self, name: str) -> bool:
        return self._next is not None and _named(self._next, name)

    def _take(self, name: str) -> Element:
        found = self._next
        if found is None or not _named(found, name):
            raise MalformedError(_WHAT, f"{name} is expected")
        self._next = next(self._rest, None)
        return found

    def text(self, name: str) -> str:
        element = self._take(name)
        if element.children:
            raise MalformedError(_WHAT, f"{name} is not text")
        return element.text

    def binary(self, name: str) -> bytes:
        return from_base64(self.text(name), name)

    def sequence(self) -> tuple[bytes, ...]:
        if not self.has("certificateSequence"):
            return ()
        found = self._take("certificateSequence").children
        if not 1 <= len(found) <= MAX_CERTIFICATES or not all(
            _named(each, "certificate") and not each.children for each in found
        ):
            raise MalformedError(
                _WHAT, f"certificateSequence is not 1 to {MAX_CERTIFICATES} certificates"
            )
        return tuple(from_base64(each.text, "certificate") for each in found)

    def result(self, name: str, allowed: frozenset[Result]) -> Result:
        found = self.text(name)
        if found not in set(allowed):
            raise MalformedError(_WHAT, f"{name} is not a code of this operation")
        return Result(found)

    def end(self) -> None:
        if self._next is not None:
            raise MalformedError(_WHAT, "has an element that is not expected")


def _named(element: Element, name: str) -> bool:
    return (element.namespace, element.name) == (NAMESPACE, name)


def from_base64(text: str, name: str) -> bytes:
    """Decode xs:base64Binary, in which there may be spaces; raises `MalformedError`."""
    try:
        octets = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError(_WHAT, f"{name} is not base64") from None
    if not 1 <= len(octets) <= _MAX_BINARY:
        raise MalformedError(_WHAT, f"{name} is not 1 to {_MAX_BINARY:,} octets")
    return octets


def read_body(octets: bytes) -> Element:
    """Return the only element in the body of an envelope."""
    root = read_xml(octets)
    if root.name != "Envelope":
        raise MalformedError(_WHAT, "is not an envelope")
    if root.namespace != ENVELOPE:
        raise VersionMismatchError(_WHAT, "is not of SOAP 1.1")
    parts = list(root.children)
    if parts and (parts[0].namespace, parts[0].name) == (ENVELOPE, "Header"):
        for entry in parts.pop(0).children:
            if entry.attributes.get(f"{ENVELOPE} mustUnderstand", "0").strip() in {"1", "true"}:
                raise MustUnderstandError(_WHAT, "has a header that must be understood")
    if len(parts) != 1 or (parts[0].namespace, parts[0].name) != (ENVELOPE, "Body"):
        raise MalformedError(_WHAT, "an envelope with a body is expected")
    if len(parts[0].children) != 1:
        raise MalformedError(_WHAT, "a body with one element is expected")
    return parts[0].children[0]


def _operation(element: Element, suffix: str) -> Operation:
    name = element.name.removesuffix(suffix)
    known = {each.value for each in Operation}
    if element.namespace != NAMESPACE or name == element.name or name not in known:
        raise MalformedError(_WHAT, f"the body is not a {suffix.lower()} of this service")
    return Operation(name)


def _sequence(certificates: Sequence[bytes]) -> str:
    inner = "".join(_binary("certificate", each) for each in certificates)
    return f"<certificateSequence>{inner}</certificateSequence>" if inner else ""


def _binary(name: str, octets: bytes) -> str:
    return f"<{name}>{base64.b64encode(octets).decode()}</{name}>"


def _text(name: str, text: str) -> str:
    if _NOT_XML.search(text):
        raise MisuseError(f"{name} has a character that XML cannot hold")
    return f"<{name}>{escape(text, _ESCAPED)}</{name}>"


def _envelope(name: str, parts: Sequence[str]) -> bytes:
    return wrap(f'<{name} xmlns="{NAMESPACE}">{"".join(parts)}</{name}>')


def wrap(body: str) -> bytes:
    """Return an envelope round the content of a body."""
    envelope = f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>{body}</soap:Body>'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{envelope}</soap:Envelope>\n'.encode()
