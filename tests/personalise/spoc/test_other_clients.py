"""The messages by other people's software: lxml's schema validation, and zeep as a client."""

from io import BytesIO
from typing import Any

import pytest

from personalise.spoc import soap
from personalise.spoc.messages import (
    RESULTS,
    STATUSES,
    Operation,
    RequestCertificate,
    Response,
    Result,
    SendCertificates,
)
from personalise.spoc.states import Received
from tests.personalise.spoc.states import State, Verifier
from tests.personalise.spoc.test_soap import MESSAGES

pytestmark = pytest.mark.interop
etree = pytest.importorskip("lxml.etree")
zeep = pytest.importorskip("zeep")
requests = pytest.importorskip("requests")

XS = "{http://www.w3.org/2001/XMLSchema}"
LOCATION = "https://spoc.example/SPOC"


@pytest.fixture(scope="module")
def schema() -> Any:
    return etree.XMLSchema(etree.fromstring(soap.wsdl(LOCATION)).find(f".//{XS}schema"))


def body(envelope: bytes) -> Any:
    return etree.fromstring(envelope).find(f"{{{soap.ENVELOPE}}}Body")[0]


def test_the_schema_accepts_every_message(schema: Any) -> None:
    for message in MESSAGES:
        schema.assertValid(body(soap.encode(message)))
    for status in STATUSES:
        certificates = (b"1",) if status in {Result.CERTIFICATES, Result.NOTIFICATION} else ()
        schema.assertValid(body(soap.encode(SendCertificates("UT", "m", status, certificates))))
    for operation in Operation:
        for result in RESULTS[operation]:
            certificates = (b"1", b"2") if result is Result.CERTIFICATES else ()
            response = Response(operation, result, certificates)
            schema.assertValid(body(soap.encode_response(response)))


def test_the_schema_refuses_what_we_refuse(schema: Any) -> None:
    valid = soap.encode(RequestCertificate("UT", "m", b"123"))
    for old, new in (
        (b"<messageID>m</messageID>", b""),
        (b"MTIz", b"MTI$"),
        (b"</certificateRequest>", b"</certificateRequest><x/>"),
        (b"lds2", b"lds3"),
    ):
        changed = valid.replace(old, new)
        assert not schema.validate(body(changed))
        with pytest.raises(Exception, match="SOAP"):
            soap.decode(changed)


def test_zeep_calls_every_operation(utopia: State, austria: State) -> None:
    class ToDesk(zeep.Transport):  # type: ignore[misc, name-defined]
        """Carries messages to Austria's SPOC as those of Utopia's client."""

        def post(self, address: str, message: bytes, headers: dict[str, str]) -> Any:
            assert address == LOCATION
            answer = austria.raw(utopia, message, headers["SOAPAction"])
            response = requests.Response()
            response.status_code, response._content = answer.status, answer.body
            response.headers["Content-Type"] = soap.CONTENT_TYPE
            return response

    client = zeep.Client(BytesIO(soap.wsdl(LOCATION)), transport=ToDesk())
    found = client.service.GetCACertificates(callerID="UT", messageID="z1")
    assert found.result == "ok_cert_available"
    assert found.certificateSequence.certificate == [austria.root.encode()]
    request = Verifier("UTDV", austria.root.holder_reference).request(1).encode()
    asked = client.service.RequestCertificate(
        callerID="UT", messageID="z2", certificateRequest=request
    )
    assert (asked.result, asked.certificateSequence) == ("ok_reception_ack", None)
    assert austria.store.received(Received.WAITING)[0].content == request
    text = "two\r\nlines & <more> \u00e9"
    said = client.service.GeneralMessage(callerID="UT", messageID="z3", subject="s", body=text)
    assert said == "ok"
    assert austria.store.received()[-1].content == f"s\n\n{text}".encode()
    sent = client.service.SendCertificates(
        callerID="UT", messageID="z9", statusInfo="failure_syntax"
    )
    assert sent == "failure_messageID_unknown"
    fault = etree.fromstring(soap.encode_fault("Client", "is not a message of this service"))
    with pytest.raises(zeep.exceptions.Fault, match="is not a message"):
        client.service._binding.process_error(fault, None)
