"""Terminals ask our Document Verifier for certificates (TR-03129), without a network."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import Right, Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.keys import kind_of
from emrtd.pki.cvc.validation import TrustState, find_chain
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.spoc import SpocRole
from personalise.pki.cvca_operations import certify, renew_cvca, renew_document_verifier
from personalise.pki.foreign import ask as ask_foreign
from personalise.pki.foreign import take
from personalise.pki.officers import Officers
from personalise.spoc.dv_desk import DvDesk
from personalise.spoc.dv_soap import (
    PROTOCOL,
    TYPES,
    DvCode,
    DvMessage,
    DvOperation,
    DvResponse,
    decode_dv_response,
    decode_message,
    encode_dv_response,
    encode_message,
)
from personalise.spoc.terminal_client import renew_terminal
from personalise.spoc.terminals import TerminalPolicy, Terminals
from support.errors import MalformedError, MisuseError
from tests.helpers import damaged
from tests.personalise.spoc.states import PASSPHRASE, State, Verifier

REQUEST, AUTHORITIES = DvOperation.REQUEST_CERTIFICATE, DvOperation.GET_CA_CERTIFICATES
POLICY = TerminalPolicy(("UTGATE", "UTGATEAT"), ("dg3",), 9)


@dataclass
class Gate:
    """A terminal, by the certificate of its TLS client."""

    state: State
    own: Certificate

    def __call__(self, message: DvMessage) -> DvResponse:
        answer = DvDesk(self.state.pki, lambda: self.state.at).answer(
            self.own.der, encode_message(message)
        )
        assert answer.status == 200, answer
        response = decode_dv_response(answer.body, message.operation)
        if response.code is not DvCode.CERTIFICATES:
            raise ProtocolError(f"answers {response.code}")
        return response

    def code(self, request: bytes) -> str:
        try:
            return self(DvMessage(REQUEST, request)).code
        except ProtocolError as error:
            return error.message.removeprefix("answers ")

    def renew(self, folder: Path, state: str, holder: str) -> CvCertificate:
        today = self.state.at.date()
        return renew_terminal(folder, PASSPHRASE, self, state=state, holder=holder, today=today)


@pytest.fixture
def gate(utopia: State) -> Gate:
    own = utopia.certificate(SpocRole.SERVER)  # any certificate that OpenSSL takes
    Terminals(utopia.pki.folder).add(utopia.operations, "gate", POLICY, own)
    return Gate(utopia, own)


def rights_on_chip(trust_point: CvCertificate, folder: Path, end: str) -> Right:
    found = [CvCertificate.decode(path.read_bytes()) for path in folder.glob("*.cvcert")]
    state = TrustState.initial([trust_point], None)
    key = state.trust_points[0]
    for each in find_chain(found, state.references, end):
        state, key = state.validate(each, key)
    assert key.role is Role.TERMINAL
    return key.authorization.rights


def test_a_terminal_renews_itself(gate: Gate, tmp_path: Path) -> None:
    utopia, folder = gate.state, tmp_path / "gate"
    for number in (1, 2):
        made = gate.renew(folder, "UT", "UTGATE")
        assert made.holder_reference == f"UTGATE{number:05}"
        assert made.expiration - made.effective == timedelta(days=9)
        assert rights_on_chip(utopia.root, folder, made.holder_reference) == Right.READ_DG3
    assert {path.name for path in folder.iterdir()} >= {"is.p8", "is.cvcert", "dv.cvcert"}
    utopia.at += timedelta(days=20)  # its last certificate has expired: as for the first time
    assert gate.renew(folder, "UT", "UTGATE").holder_reference == "UTGATE00003"
    with pytest.raises(MisuseError, match="holds the terminal UTGATE00003"):
        gate.renew(folder, "UT", "UTGATEAT")
    with pytest.raises(MisuseError, match="has no certificate of AT"):
        gate.renew(tmp_path / "other", "AT", "UTGATEAT")


def test_a_terminal_gets_certificates_for_another_states_documents(
    gate: Gate, austria: State, tmp_path: Path
) -> None:
    utopia, folder = gate.state, tmp_path / "gate-at"
    old = austria.root
    renew_cvca(austria.operations, kind="RSA-2048", mnemonic="EACROOT")
    link = CvCertificate.decode(
        (austria.pki.folder / "terminal" / "cvca-link-ATEACROOT00001.cvcert").read_bytes()
    )
    asked = ask_foreign(utopia.operations, [old, link])
    role, days = Role.DV_FOREIGN, timedelta(days=30)
    answer = certify(austria.operations, asked, role, Right.READ_DG3, days)
    take(utopia.operations, [answer])
    made = gate.renew(folder, "AT", "UTGATEAT")
    assert made.authority_reference == "UTDVAT001"
    assert kind_of(made.public_key) == "RSA-2048"
    for trust_point in (old, austria.root):
        assert rights_on_chip(trust_point, folder, made.holder_reference) == Right.READ_DG3
    assert gate.renew(folder, "AT", "UTGATEAT").holder_reference == "UTGATEAT00002"


def test_each_fault_has_its_code(gate: Gate) -> None:
    verifier = Verifier("UTGATE", "UTDV00001")
    first = verifier.request(1).encode()
    assert gate.code(first) == DvCode.CERTIFICATES
    stranger = generate_private_key("brainpoolP256r1")
    cases = {
        damaged(Verifier("UTGATEAT", "UTDV00001").request(1).encode()): DvCode.INNER_SIGNATURE,
        verifier.request(2).encode(): DvCode.OUTER_SIGNATURE,
        verifier.signed(verifier.request(2), stranger, "UTGATE00001").encode():
            DvCode.OUTER_SIGNATURE,
        verifier.request(3, holder="UTOTHER00001").encode(): DvCode.NOT_ACCEPTED,
        verifier.request(3, authority="UTDV00009").encode(): DvCode.NOT_ACCEPTED,
        verifier.request(3, kind="secp256r1").encode(): DvCode.DOMAIN_PARAMETERS,
        b"garbage": DvCode.NOT_ACCEPTED,
    }  # fmt: skip
    for request, code in cases.items():
        assert gate.code(request) == code
    signed = verifier.signed(verifier.request(4), verifier.keys[0], "UTGATE00001").encode()
    gate.state.at += timedelta(days=10)
    assert gate.code(signed) == DvCode.EXPIRED
    Officers(1, frozenset({"cv.certify"})).save(gate.state.pki.folder)
    assert gate.code(verifier.request(5).encode()) == DvCode.NOT_ACCEPTED
    (gate.state.pki.folder / "terminal" / "dv.cvcert").write_bytes(b"damaged")
    Officers().save(gate.state.pki.folder)
    assert gate.code(verifier.request(6).encode()) == DvCode.INTERNAL


def test_after_a_renewal_the_newest_document_verifier_certifies(gate: Gate, tmp_path: Path) -> None:
    utopia = gate.state
    old = utopia.root
    gate.renew(tmp_path / "gate", "UT", "UTGATE")
    renew_cvca(utopia.operations)
    utopia.at += timedelta(days=1)
    renew_document_verifier(utopia.operations, Right.READ_DG3)
    made = gate.renew(tmp_path / "gate", "UT", "UTGATE")
    assert made.authority_reference == "UTDV00002"
    assert rights_on_chip(old, tmp_path / "gate", made.holder_reference) == Right.READ_DG3


def test_only_registered_terminals_are_answered(gate: Gate, austria: State) -> None:
    utopia = gate.state
    terminals, desk = Terminals(utopia.pki.folder), DvDesk(utopia.pki, lambda: utopia.at)
    octets = encode_message(DvMessage(AUTHORITIES))
    assert desk.answer(gate.own.der, octets).status == 200
    assert desk.answer(austria.certificate().der, octets).status == 401
    with pytest.raises(MisuseError, match="has this certificate or this holder"):
        terminals.add(utopia.operations, "gate-2", POLICY, austria.certificate())
    with pytest.raises(MisuseError, match="is not a name"):
        terminals.add(utopia.operations, "../gate", POLICY, gate.own)
    utopia.at += timedelta(days=400)
    assert "not valid now" in desk.answer(gate.own.der, octets).reason
    utopia.at -= timedelta(days=400)
    terminals.remove(utopia.operations, "gate")
    assert desk.answer(gate.own.der, octets).status == 401
    with pytest.raises(MisuseError, match="no terminal gate"):
        terminals.remove(utopia.operations, "gate")


def test_messages_are_read_as_they_are_written() -> None:
    for message in (DvMessage(REQUEST, b"123"), DvMessage(AUTHORITIES)):
        assert decode_message(encode_message(message)) == message
    for operation in DvOperation:
        for code in DvCode:
            certificates = (b"1", b"22") if code is DvCode.CERTIFICATES else ()
            response = DvResponse(operation, code, certificates)
            assert decode_dv_response(encode_dv_response(response), operation) == response


def test_what_other_clients_write_is_read() -> None:
    """KD Soap qualifies two of the parts; others send a messageID and an address."""
    qualified = (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<n1:GetCACertificates xmlns:n1="{PROTOCOL}">'
        "<callbackIndicator>callback_not_possible</callbackIndicator><n1:messageID/>"
        "<n1:responseURL/></n1:GetCACertificates></soap:Body></soap:Envelope>"
    )
    assert decode_message(qualified.encode()) == DvMessage(AUTHORITIES)
    with_callback = encode_message(DvMessage(REQUEST, b"123")).decode()
    with_callback = with_callback.replace("callback_not_possible", "callback_possible").replace(
        "<messageID/>", f'<messageID><t:messageID xmlns:t="{TYPES}">m</t:messageID></messageID>'
    )
    assert decode_message(with_callback.encode()) == DvMessage(REQUEST, b"123")


def test_what_is_no_message_is_refused(gate: Gate) -> None:
    desk = DvDesk(gate.state.pki, lambda: gate.state.at)
    good = encode_message(DvMessage(REQUEST, b"123"))
    for old, new in (
        (b"<messageID/>", b""),
        (b"callback_not_possible", b"perhaps"),
        (b"MTIz", b"MTI$"),
        (b"<certReq>", b"<x/><certReq>"),
    ):
        answer = desk.answer(gate.own.der, good.replace(old, new))
        assert decode_dv_response(answer.body, REQUEST).code is DvCode.SYNTAX
    for octets in (b"garbage", good.replace(b"1.1", b"1.0"), good.replace(b"</p:", b"</q:")):
        assert desk.answer(gate.own.der, octets).status == 500
    response = encode_dv_response(DvResponse(REQUEST, DvCode.CERTIFICATES, (b"1",)))
    for old, new in (
        (b"ok_cert_available", b"ok"),
        (b"t:certificateSeq", b"t:other"),
        (b"<t:certificate>MQ==</t:certificate>", b"<x/>"),
        (b"<t:returnCode>ok_cert_available</t:returnCode>", b""),
    ):
        with pytest.raises(MalformedError):
            decode_dv_response(response.replace(old, new), REQUEST)
    with pytest.raises(MalformedError):
        decode_dv_response(response, AUTHORITIES)
