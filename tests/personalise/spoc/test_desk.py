"""What one SPOC answers to another, without a network: each code of Doc 9303-12, 8.2."""

import logging
from datetime import timedelta

import pytest

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.pki.cvc.authorization import Right, Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.requests import CvRequest
from emrtd.pki.x509.spoc import CURVE, SpocCa, SpocRole
from personalise.pki.cvca_operations import renew_cvca
from personalise.pki.destroying import destroy_key
from personalise.pki.foreign import ask, learn
from personalise.pki.officers import Officers
from personalise.pki.status.due import due
from personalise.pki.status.overview import read_overview
from personalise.spoc.applicant import prepare_request, take_response
from personalise.spoc.authority import accept, find_waiting, refuse
from personalise.spoc.certificates import (
    CRL_NAME,
    FOLDER,
    create_spoc,
    issue_spoc_crl,
    renew_spoc,
)
from personalise.spoc.delivery import deliver
from personalise.spoc.messages import (
    GeneralMessage,
    GetCaCertificates,
    Message,
    Operation,
    RequestCertificate,
    Response,
    Result,
    SendCertificates,
)
from personalise.spoc.soap import FaultError, decode_response, encode
from personalise.spoc.states import Received, Sent
from personalise.spoc.status import with_spoc
from personalise.spoc.store import listed
from support.errors import MisuseError
from tests.helpers import damaged, replaced
from tests.personalise.spoc.states import State, Verifier

REQUEST = Operation.REQUEST_CERTIFICATE


def asking(utopia: State, austria: State, message_id: str = "m1") -> RequestCertificate:
    """Return Utopia's message to Austria, as `eac send` makes it."""
    return prepare_request(
        utopia.operations, utopia.store, "AT", [austria.root], message_id, by_our_cvca=True
    )


def knows(state: State, other: State) -> None:
    """Have a State trust another one's CVCA, as after a request of its own."""
    ask(state.operations, [other.root])


def test_an_authenticated_request_is_answered_at_once_by_rule(
    utopia: State, austria: State
) -> None:
    knows(austria, utopia)
    austria.register(utopia, automatic=True, days=14)
    message = asking(utopia, austria)
    response = austria.asked_by(utopia, message)
    assert response.result is Result.CERTIFICATES
    (made,) = map(CvCertificate.decode, response.certificates)
    assert (made.role, made.chat.rights) == (Role.DV_FOREIGN, Right.READ_DG3)
    assert made.expiration - made.effective == timedelta(days=14)
    made.verify(austria.root.public_key)
    now = take_response(utopia.operations, utopia.store, "AT", "m1", response)
    assert now.status is Sent.IMPORTED
    assert (utopia.pki.folder / "foreign" / "AT" / "dv.cvcert").read_bytes() == made.encode()
    assert austria.asked_by(utopia, message) == response  # a repetition certifies nothing
    assert austria.operations_logged()[-1] == ("spoc.request", "ok_cert_available")
    assert utopia.operations_logged()[-1] == ("spoc.answer", "ok_cert_available")
    further = asking(utopia, austria, "m2")  # signed with the key that is certified now
    assert austria.asked_by(utopia, further).result is Result.CERTIFICATES


def test_what_no_rule_answers_waits_for_an_officer(utopia: State, austria: State) -> None:
    message = asking(utopia, austria)
    response = austria.asked_by(utopia, message)
    assert response == Response(REQUEST, Result.OUTER_SIGNATURE)  # its CVCA is not known here
    now = take_response(utopia.operations, utopia.store, "AT", "m1", response)
    assert (now.status, now.result) == (Sent.REFUSED, Result.OUTER_SIGNATURE)
    message = prepare_request(utopia.operations, utopia.store, "AT", [austria.root], "m2")
    response = austria.asked_by(utopia, message)
    assert response == Response(REQUEST, Result.ACKNOWLEDGED)
    assert austria.asked_by(utopia, message) == response
    now = take_response(utopia.operations, utopia.store, "AT", "m2", response)
    assert now.status is Sent.ACKNOWLEDGED
    with pytest.raises(MisuseError, match="has acknowledged the request"):
        asking(utopia, austria, "m3")
    (waiting,) = austria.store.received(Received.WAITING)
    for rights, days in ((Right.READ_DG4, 30), (Right.READ_DG3, 31)):
        with pytest.raises(MisuseError, match="may have"):
            accept(austria.operations, austria.store, waiting, rights=rights, days=days)
    decided = accept(austria.operations, austria.store, waiting, days=7)
    assert decided.status is Received.DECIDED
    with pytest.raises(MisuseError, match="does not wait"):
        refuse(austria.operations, austria.store, decided, "second thoughts")

    def unreachable(_: str, __: Message) -> Response:
        raise FaultError("Server", "closed")

    (failed,) = deliver(austria.store, "AT", unreachable, austria.at)
    assert "closed" in failed.problem
    (sent,) = deliver(
        austria.store, "AT", lambda _, message: utopia.asked_by(austria, message), austria.at
    )
    assert not sent.problem
    assert [each.status for each in utopia.store.sent()][-1] is Sent.IMPORTED
    assert list(deliver(austria.store, "AT", unreachable, austria.at)) == []
    rows = {(each["state"], each["message"]): each["status"] for each in listed(austria.store)}
    assert rows["UT", "m2"] == "delivered"


def test_which_request_is_decided(utopia: State, austria: State) -> None:
    def find(message_id: str | None = None) -> str:
        return find_waiting(austria.store, "UT", message_id).message_id

    with pytest.raises(MisuseError, match="no request of UT waits"):
        find()
    verifier = Verifier("UTDV", austria.root.holder_reference)
    for number in (1, 2):
        asked = verifier.request(number).encode()
        austria.asked_by(utopia, RequestCertificate("UT", f"m{number}", asked))
        assert find(f"m{number}") == f"m{number}"
        if number == 1:
            assert find() == "m1"
    with pytest.raises(MisuseError, match="2 requests of UT wait"):
        find()
    with pytest.raises(MisuseError, match="has sent no message m3"):
        find("m3")


def test_a_refusal_is_delivered_too(utopia: State, austria: State) -> None:
    message = prepare_request(utopia.operations, utopia.store, "AT", [austria.root], "m1")
    austria.asked_by(utopia, message)
    (waiting,) = austria.store.received(Received.WAITING)
    with pytest.raises(MisuseError, match="for a reason"):
        refuse(austria.operations, austria.store, waiting, " ")
    refuse(austria.operations, austria.store, waiting, "no agreement")
    list(deliver(austria.store, "AT", lambda _, each: utopia.asked_by(austria, each), austria.at))
    (sent,) = utopia.store.sent()
    assert (sent.status, sent.result) == (Sent.REFUSED, Result.NOT_ACCEPTED)
    again = asking(utopia, austria, "m2")  # with a new key
    assert again.request != message.request
    renamed = prepare_request(utopia.operations, utopia.store, "AT", [], "m3", name="GATES")
    assert CvRequest.decode(renamed.request).holder_reference == "UTGATESAT001"
    assert [each.status for each in utopia.store.sent()] == [Sent.REFUSED, Sent.REFUSED, Sent.SENT]


def test_each_fault_of_a_request_has_its_code(utopia: State, austria: State) -> None:
    knows(austria, utopia)
    austria.register(utopia, automatic=True)
    verifier = Verifier("UTDV", austria.root.holder_reference)
    first = verifier.request(1)
    key = first.public_key.encode()
    without = replaced(first.encode(), key, first.public_key.encode(domain_parameters=False))
    cases = {
        first.encode(): Result.ACKNOWLEDGED,
        damaged(verifier.request(1).encode()): Result.INNER_SIGNATURE,
        without: Result.DOMAIN_PARAMETERS,
        verifier.request(1, kind="secp256r1").encode(): Result.DOMAIN_PARAMETERS,
        verifier.request(1, holder="XXDV00001").encode(): Result.NOT_ACCEPTED,
        verifier.request(1, authority="ATOTHER00001").encode(): Result.NOT_ACCEPTED,
        b"\x7f\x21\x00": Result.REQUEST_SYNTAX,
        b"garbage": Result.REQUEST_SYNTAX,
        first.encode() + b"\0": Result.REQUEST_SYNTAX,
        verifier.signed(
            verifier.request(1), generate_private_key("brainpoolP256r1"), "UTCVCA00001"
        ).encode(): Result.OUTER_SIGNATURE,
        verifier.signed(verifier.request(1), verifier.keys[0], "UTDV00009").encode():
            Result.OUTER_SIGNATURE,
    }  # fmt: skip
    for number, (request, result) in enumerate(cases.items()):
        message = RequestCertificate("UT", f"m{number}", request)
        assert austria.asked_by(utopia, message).result is result, (number, result)
        assert austria.asked_by(utopia, message).result is result, "repeated"
    # The messageID of another message, with another request: not accepted, and nothing changes.
    other = RequestCertificate("UT", "m0", verifier.request(1).encode())
    assert austria.asked_by(utopia, other).result is Result.NOT_ACCEPTED
    (waiting,) = austria.store.received(Received.WAITING)
    assert waiting.content == first.encode()


def test_an_expired_key_signs_no_further_request(utopia: State, austria: State) -> None:
    verifier = Verifier("UTDV", austria.root.holder_reference)
    first = verifier.request(1)
    austria.asked_by(utopia, RequestCertificate("UT", "m1", first.encode()))
    (waiting,) = austria.store.received(Received.WAITING)
    accept(austria.operations, austria.store, waiting, days=3)
    unsigned = RequestCertificate("UT", "m2", verifier.request(2).encode())
    assert austria.asked_by(utopia, unsigned).result is Result.OUTER_SIGNATURE
    further = verifier.signed(verifier.request(2), verifier.keys[0], "UTDV00001")
    austria.at += timedelta(days=4)
    expired = RequestCertificate("UT", "m3", further.encode())
    assert austria.asked_by(utopia, expired).result is Result.EXPIRED
    afresh = RequestCertificate("UT", "m4", verifier.request(3).encode())
    assert austria.asked_by(utopia, afresh).result is Result.ACKNOWLEDGED


def test_links_come_with_the_answer_and_by_notification(utopia: State, austria: State) -> None:
    old = austria.root
    knows(austria, utopia)
    austria.register(utopia, automatic=True)
    message = asking(utopia, austria)
    renew_cvca(austria.operations, mnemonic="EACROOT", kind="RSA-2048")
    response = austria.asked_by(utopia, message)
    assert response.result is Result.DOMAIN_PARAMETERS  # an RSA key signs for RSA keys alone
    get = GetCaCertificates("UT", "m2")
    found = [CvCertificate.decode(each) for each in austria.asked_by(utopia, get).certificates]
    assert [(each.holder_reference, each.authority_reference) for each in found] == [
        ("ATCVCA00001", "ATCVCA00001"),
        ("ATEACROOT00001", "ATCVCA00001"),
        ("ATEACROOT00001", "ATEACROOT00001"),
    ]
    news = SendCertificates("AT", None, Result.NOTIFICATION, tuple(e.encode() for e in found))
    assert utopia.asked_by(austria, news).result is Result.RECEIVED
    assert learn(utopia.operations, found) == []  # it is there already
    again = prepare_request(utopia.operations, utopia.store, "AT", [], "m3", anew=True)
    response = austria.asked_by(utopia, again)
    assert response.result is Result.ACKNOWLEDGED  # a first one of an RSA key, without our CVCA's
    (waiting,) = austria.store.received(Received.WAITING)
    renew_cvca(austria.operations)
    decided = accept(austria.operations, austria.store, waiting)
    made, *others = map(CvCertificate.decode, decided.certificates)
    assert made.authority_reference == "ATEACROOT00002"
    assert [each.holder_reference[2:] for each in others] == [
        "CVCA00001", "EACROOT00001", "EACROOT00001", "EACROOT00002", "EACROOT00002",
    ]  # fmt: skip
    assert others[0] == old
    list(deliver(austria.store, "AT", lambda _, each: utopia.asked_by(austria, each), austria.at))
    assert utopia.store.sent()[-1].status is Sent.IMPORTED


def test_an_answer_must_be_awaited_and_right(utopia: State, austria: State) -> None:
    message = asking(utopia, austria)
    own = SendCertificates("AT", "m1", Result.CERTIFICATES, (austria.root.encode(),))
    unknown = SendCertificates("AT", "m9", Result.CERTIFICATES, (austria.root.encode(),))
    assert utopia.asked_by(austria, unknown).result is Result.MESSAGE_UNKNOWN
    assert utopia.asked_by(austria, own).result is Result.RECEIVED
    (sent,) = utopia.store.sent()
    assert sent.status is Sent.REJECTED
    assert utopia.asked_by(austria, own).result is Result.RECEIVED  # the same again
    other = SendCertificates("AT", "m1", Result.CERTIFICATES, (b"\x7f\x21\x00",))
    assert utopia.asked_by(austria, other).result is Result.MESSAGE_UNKNOWN
    told: list[Message] = []

    def call(_: str, message: Message) -> Response:
        told.append(message)
        return austria.asked_by(utopia, message)

    list(deliver(utopia.store, "UT", call, utopia.at))
    assert told == [SendCertificates("UT", "m1", Result.CERTIFICATE)]
    assert utopia.store.sent()[0].status is Sent.OBJECTED
    assert message.message_id == "m1"


def test_an_objection_to_our_answer_is_kept(utopia: State, austria: State) -> None:
    first = Verifier("UTDV", austria.root.holder_reference).request(1)
    austria.asked_by(utopia, RequestCertificate("UT", "m1", first.encode()))
    objection = SendCertificates("UT", "m1", Result.CERTIFICATE)
    assert austria.asked_by(utopia, objection).result is Result.MESSAGE_UNKNOWN
    (waiting,) = austria.store.received(Received.WAITING)
    accept(austria.operations, austria.store, waiting)
    received = Response(Operation.SEND_CERTIFICATES, Result.RECEIVED)
    list(deliver(austria.store, "AT", lambda _, __: received, austria.at))
    assert austria.asked_by(utopia, objection).result is Result.RECEIVED
    assert austria.asked_by(utopia, objection).result is Result.RECEIVED
    assert [each.status for each in austria.store.received()] == [Received.OBJECTED]


def test_news_that_does_not_follow_from_the_root_changes_nothing(
    utopia: State, austria: State
) -> None:
    news = SendCertificates("AT", None, Result.NOTIFICATION, (austria.root.encode(),))
    assert utopia.asked_by(austria, news).result is Result.RECEIVED
    assert not (utopia.pki.folder / "foreign").exists()  # nobody has compared this root
    ours = SendCertificates("AT", None, Result.NOTIFICATION, (utopia.root.encode(),))
    assert utopia.asked_by(austria, ours).result is Result.RECEIVED
    assert not (utopia.pki.folder / "foreign").exists()


def test_officers_who_must_approve_are_not_passed_by(utopia: State, austria: State) -> None:
    knows(austria, utopia)
    austria.register(utopia, automatic=True)
    Officers(1, frozenset({"cv.certify"})).save(austria.pki.folder)
    message = asking(utopia, austria)
    assert austria.asked_by(utopia, message).result is Result.ACKNOWLEDGED
    (waiting,) = austria.store.received(Received.WAITING)
    with pytest.raises(MisuseError, match="requires 1 officers"):
        accept(austria.operations, austria.store, waiting)


def test_a_text_is_kept_once(utopia: State, austria: State) -> None:
    message = GeneralMessage("UT", "m1", "maintenance", "closed on Sunday")
    for _ in range(2):
        assert austria.asked_by(utopia, message).result is Result.OK
    changed = GeneralMessage("UT", "m1", "maintenance", "open on Sunday")
    assert austria.asked_by(utopia, changed).result is Result.SYNTAX
    (kept,) = listed(austria.store)
    assert kept["text"] == "maintenance\n\nclosed on Sunday"


def test_what_cannot_be_read_has_the_code_of_its_operation(utopia: State, austria: State) -> None:
    for operation in Operation:
        answer = austria.raw(utopia, b"garbage", f'"{operation}"')
        assert decode_response(answer.body, operation).result is Result.SYNTAX
    for action in ("", '"Other"'):
        answer = austria.raw(utopia, b"garbage", action)
        assert answer.status == 500
        with pytest.raises(FaultError, match="Client"):
            decode_response(answer.body, REQUEST)


def test_an_error_of_ours_is_an_internal_error(
    utopia: State, austria: State, caplog: pytest.LogCaptureFixture
) -> None:
    (austria.pki.folder / "terminal" / "cvca.cvcert").write_bytes(b"damaged")
    response = austria.asked_by(utopia, GetCaCertificates("UT", "m1"))
    assert response.result is Result.INTERNAL
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert "card-verifiable certificate" in record.getMessage()
    assert getattr(record, "chipseal_event", "") == "failed"


def test_who_is_not_the_registered_state_is_refused(utopia: State, austria: State) -> None:
    get = encode(GetCaCertificates("UT", "m1"))

    def refusal() -> str:
        answer = austria.raw(utopia, get)
        assert (answer.status == 401) == bool(answer.reason)
        return answer.reason

    assert not refusal()
    assert "names itself XX" in austria.raw(utopia, encode(GetCaCertificates("XX", "m1"))).reason
    server = utopia.certificate(SpocRole.SERVER)
    assert "is not for a SPOC TLS client" in austria.desk.answer(server.der, get, "").reason
    own = austria.desk.answer(austria.certificate().der, get, "").reason
    assert "'AT' is not a registered State" in own
    assert "cannot be read" in austria.desk.answer(b"", get, "").reason
    before = utopia.certificate()
    renew_spoc(utopia.operations, revoke=True)
    austria.register(utopia)  # with the new list
    assert "revoked on" in austria.desk.answer(before.der, get, "").reason
    assert not refusal()
    austria.at += timedelta(days=91)
    assert "CRL" in refusal()  # out of date
    utopia.at = austria.at
    issue_spoc_crl(utopia.operations)
    austria.register(utopia)
    assert not refusal()
    austria.at += timedelta(days=300)
    assert "not valid now" in refusal()


def test_a_state_without_a_list_and_one_removed_are_refused(utopia: State, austria: State) -> None:
    get = encode(GetCaCertificates("UT", "m1"))
    (austria.pki.folder / FOLDER / "partners" / "UT" / CRL_NAME).unlink()
    assert "no CRL" in austria.raw(utopia, get).reason
    austria.desk._partners.remove(austria.operations, "UT")
    assert "not a registered State" in austria.raw(utopia, get).reason


def test_a_certificate_of_another_ca_is_refused(austria: State) -> None:
    """One that names the State, but was issued by a CA that the State did not register."""
    key = generate_private_key(CURVE)
    forger = SpocCa("UTO", "UT", "State UTO", ("https://x.example/",), key)
    forged = forger.issue(SpocRole.CLIENT, key.public_key, "", austria.at)
    answer = austria.desk.answer(forged.der, encode(GetCaCertificates("UT", "m1")), "")
    assert answer.status == 401
    assert "not the key that the certificate names" in answer.reason


def test_the_status_names_the_message_that_renews(utopia: State, austria: State) -> None:
    knows(austria, utopia)
    austria.register(utopia, automatic=True)
    response = austria.asked_by(utopia, asking(utopia, austria))
    take_response(utopia.operations, utopia.store, "AT", "m1", response)
    overview = read_overview(utopia.pki, utopia.at + timedelta(days=20))
    commands = {each.what: each.command for each in due(overview)}
    what = "the certificate UTDVAT001 of foreign/AT/dv.cvcert ends"
    assert commands[what] == "personalise eac request foreign/AT/cvca/*.cvcert"
    _, to_do = with_spoc(utopia.pki.folder, overview, due(overview))
    assert {each.what: each.command for each in to_do}[what] == "personalise eac send AT"


def test_the_status_says_what_the_spoc_needs(utopia: State, austria: State) -> None:
    def status(days: int = 0) -> tuple[dict[str, str], dict[str, tuple[str, bool]]]:
        pki, at = austria.pki, austria.at + timedelta(days=days)
        overview = read_overview(pki, at)
        overview, to_do = with_spoc(pki.folder, overview, due(overview))
        held = {each.name: each.kind for each in overview.certificates}
        return held, {each.what: (each.command, each.overdue) for each in to_do}

    held, to_do = status()
    assert held["spoc/ca"] == "SPOC CA certificate"
    assert held["spoc/server"] == "SPOC TLS server certificate"
    first = Verifier("UTDV", austria.root.holder_reference).request(1)
    austria.asked_by(utopia, RequestCertificate("UT", "m1", first.encode()))
    what = "decide about the request of UT (UTDV00001, first)"
    assert what not in to_do
    assert status()[1][what] == ("personalise eac decide UT m1", False)
    assert status(4)[1][what] == ("personalise eac decide UT m1", True)
    (waiting,) = austria.store.received(Received.WAITING)
    accept(austria.operations, austria.store, waiting)
    assert status()[1]["send UT the answer to m1"] == ("personalise eac deliver", False)
    later = status(80)[1]
    assert later["issue the SPOC's next revocation list"] == ("personalise eac spoc crl", False)
    theirs = "get the newest revocation list of the SPOC of UT"
    assert later[theirs] == ("personalise eac partner add UT --crl FILE", False)
    assert status(95)[1][theirs][1]
    assert status(310)[1]["spoc/server ends"] == ("personalise eac spoc renew", False)
    ca = status(4 * 365 + 1)[1]["spoc/ca signs no more certificates"]
    assert ca == ("personalise eac spoc init --anew", True)
    root = create_spoc(austria.operations, "localhost", "https://x.example/crl", anew=True)
    assert austria.certificate().is_signed_by(root)
    with pytest.raises(MisuseError, match="already has a SPOC"):
        create_spoc(austria.operations, "localhost", "https://x.example/crl")
    austria.pki.custody.generate("spocca-3", CURVE)  # as an `init --anew` that is killed leaves it
    with pytest.raises(MisuseError, match="no successor"):
        destroy_key(austria.operations, "spocca-2")
    for label in ("spocca-1", "spocca-3"):
        destroy_key(austria.operations, label)
