"""The messages on the wire: what is written is read, and what is no message is refused."""

import re
import xml.etree.ElementTree as ET
from importlib.resources import files

import pytest

from personalise.spoc import soap, xml_reader
from personalise.spoc.messages import (
    MAX_TEXT,
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
    operation_of,
    status_of,
)
from personalise.spoc.soap import (
    FaultError,
    MustUnderstandError,
    VersionMismatchError,
    decode,
    decode_response,
    encode,
    encode_fault,
    encode_response,
)
from support.errors import MalformedError, MisuseError

MESSAGES: list[Message] = [
    RequestCertificate("UT", "a1", b"\x7f\x21"),
    SendCertificates("UT", "a1", Result.CERTIFICATES, (b"1", b"22")),
    SendCertificates("UT", None, Result.NOTIFICATION, (b"1",)),
    SendCertificates("UT", "a1", Result.NOT_ACCEPTED),
    GetCaCertificates("UT", "id with <&> and \u00e9"),
    GeneralMessage("UT", "a1", "subject", "two\r\nlines & ]]> <body/> \U0001f600"),
]
XS = "{http://www.w3.org/2001/XMLSchema}"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: operation_of(each).value)
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("operation", Operation)
def test_a_response_is_read_as_it_was_written(operation: Operation) -> None:
    for result in RESULTS[operation]:
        certificates = (b"1", b"2") if result is Result.CERTIFICATES else ()
        response = Response(operation, result, certificates)
        assert decode_response(encode_response(response), operation) == response
    with pytest.raises(MalformedError):
        decode_response(
            encode_response(Response(operation, Result.INTERNAL)),
            next(each for each in Operation if each is not operation),
        )
    with pytest.raises(MisuseError):
        encode_response(Response(operation, Result.NOTIFICATION))


def test_the_codes_are_those_of_the_printed_schema() -> None:
    text = files("personalise.spoc").joinpath("spoc.wsdl").read_text("utf-8")
    elements = ET.fromstring(text).iter(f"{XS}element")  # noqa: S314 - our own
    codes = {
        each.get("name", ""): {one.get("value") for one in each.iter(f"{XS}enumeration")}
        for each in elements
    }
    for operation in Operation:
        assert codes[f"{operation}Response"] == {each.value for each in RESULTS[operation]}
    assert codes["SendCertificatesRequest"] == {each.value for each in STATUSES}
    later = {status_of(each) for each in RESULTS[Operation.REQUEST_CERTIFICATE]}
    assert later - {Result.ACKNOWLEDGED} <= STATUSES


def test_the_description_has_the_address() -> None:
    text = soap.wsdl('https://spoc.example:8444/SPOC?a=1&b="2"').decode()
    assert 'location="https://spoc.example:8444/SPOC?a=1&amp;b=&quot;2&quot;"' in text
    assert "spoc-server" not in text
    ET.fromstring(text)  # noqa: S314 - our own


def changed(pattern: str, by: str, message: Message = MESSAGES[0]) -> bytes:
    text = encode(message).decode()
    found = re.sub(pattern, by, text, count=1, flags=re.DOTALL)
    assert found != text
    return found.encode()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"garbage",
        b"<a/>",
        b"\xff\xfe\x00",
        changed("</soap:Envelope>", ""),
        changed("<soap:Body>", "<soap:Body>text"),
        changed("UT", "ut"),
        changed("UT", "UTO"),
        changed("UT", ""),
        changed("a1", ""),
        changed("a1", "x" * 201),
        changed("a1", " a1"),
        changed("<messageID>.*</messageID>", ""),
        changed("(<callerID>.*</callerID>)(<messageID>.*</messageID>)", r"\2\1"),
        changed("fyE=", "f"),
        changed("fyE=", ""),
        changed("fyE=", "fy$E="),
        changed("fyE=", "<x/>"),
        changed("</RequestCertificateRequest>", "<more/></RequestCertificateRequest>"),
        changed("</soap:Body>", "<more/></soap:Body>"),
        changed("lds2", "lds3"),
        changed("ok_cert_available", "ok", MESSAGES[1]),
        changed("ok_cert_available", "failure_syntax", MESSAGES[1]),
        changed("<certificateSequence>.*</certificateSequence>", "", MESSAGES[1]),
        changed("<messageID>.*</messageID>", "", MESSAGES[1]),
        changed("<certificate>.*</certificate>", "", MESSAGES[2]),
        changed("subject</subject>", "</subject>", MESSAGES[5]),
        changed("<body>", "<body>" + "x" * MAX_TEXT, MESSAGES[5]),
        changed("(<certificate>.*?</certificate>)", r"\1" * 65, MESSAGES[1]),
        encode_response(Response(Operation.GENERAL_MESSAGE, Result.OK)),
    ],
)
def test_what_is_no_message_is_refused(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(octets)


def test_what_others_may_write_differently_is_read() -> None:
    encoded = encode(MESSAGES[1]).decode()
    assert decode(encoded.encode("utf-16").replace(b"u\0t\0f\0-\0008\0", b"u\0t\0f\0-\0001\0006\0"))
    with_prefix = encoded.replace("soap:", "S:").replace("xmlns:soap", "xmlns:S")
    spaced = re.sub(r">(?=<)", ">\n  ", with_prefix).replace("MQ==", " MQ\n == ")
    assert decode(spaced.encode()) == MESSAGES[1]
    headed = encoded.replace("<soap:Body>", "<soap:Header><x y='1'/></soap:Header><soap:Body>")
    assert decode(headed.encode()) == MESSAGES[1]


def test_errors_of_soap_have_faults_of_their_own() -> None:
    encoded = encode(MESSAGES[1]).decode()
    must = '<soap:Header><x soap:mustUnderstand="1"/></soap:Header><soap:Body>'
    with pytest.raises(MustUnderstandError):
        decode(encoded.replace("<soap:Body>", must).encode())
    other = encoded.replace(soap.ENVELOPE, "http://www.w3.org/2003/05/soap-envelope")
    with pytest.raises(VersionMismatchError):
        decode(other.encode())
    with pytest.raises(FaultError) as raised:
        decode_response(encode_fault("Client", "a < b"), Operation.GENERAL_MESSAGE)
    assert raised.value.code == "Client"


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
LATIN = '<?xml version="1.0" encoding="iso-8859-1"?><x>\xe9</x>'.encode("latin-1")


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (BOMB, "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "document type"),
        (b"<x><?php x?></x>", "processing instruction"),
        (b"<x>&a;</x>", "undefined entity"),
        (LATIN, "encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?><x/>', "encoding"),
        (b'<?xml version="1.0" encoding="idna"?><x/>', "encoding"),
        (b"<x>" * 17 + b"</x>" * 17, "levels"),
        (b"<x>" + b"<y/>" * 512 + b"</x>", "elements"),
        (b"<x>" + b" " * xml_reader.MAX_OCTETS + b"</x>", "longer than"),
        (b"<x>text<y/></x>", "beside text"),
        (b"<x><y/>text</x>", "beside an element"),
        (b"<x xmlns:a='b'><c:d/></x>", "unbound prefix"),
        (b"<x a='1' a='2'/>", "duplicate attribute"),
        (b"<x/><y/>", "junk after document element"),
        (b"<x>\x00</x>", "not well-formed"),
    ],
)
def test_xml_is_bounded_and_plain(octets: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        xml_reader.read_xml(octets)


def test_text_that_xml_cannot_hold_is_not_written() -> None:
    with pytest.raises(MisuseError, match="XML cannot hold"):
        encode(GeneralMessage("UT", "a", "s", "\x00"))
    with pytest.raises(MisuseError, match="callerID"):
        encode(GetCaCertificates("ut", "a"))
