"""The signing service's rules: idempotency, permission, rate, quota, rotation."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from emrtd.asn1 import der
from emrtd.crypto.algorithm_identifiers import encode_hash
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import encode_public_key
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import Sod
from emrtd.lds.signing import DocumentSigner
from emrtd.pki.cms.enveloped import open_envelope, seal
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.issuing import CountrySigningCa
from personalise.pki.register import KEY_NAME, Register
from personalise.pki.settings import settings_for
from personalise.service.errors import RefusedError
from personalise.service.signing import SignedFile
from personalise.sign_service.service import Client, SigningRequest, SigningService
from personalise.sign_service.signature_store import SignatureStore
from support.database import DamagedDatabaseError
from support.errors import ChipsealError, MalformedError, MisuseError
from support.health import Condition
from support.secret import Secret
from tests.helpers import replace

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
NONE_LEFT = "no Document Signer is valid and below its limit"
CLIENT = Client("prep-1", bytes(32), frozenset({"IR"}), 600, 1000)
SETTINGS = settings_for("UTO", "Utopia")
CSCA_KEY = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
CSCA = CountrySigningCa(SETTINGS.profile, CSCA_KEY)
ROOT = CSCA.issue_root(AT)


def make_signer(number: int) -> DocumentSigner:
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    certificate = CSCA.issue_document_signer(key.public_key, number, AT)
    return DocumentSigner(key, certificate, ROOT, SETTINGS.scheme)


REGISTER_KEY = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
NUMBER = seal(b"ZU0000001", REGISTER_KEY.public_key, key_identifier(REGISTER_KEY.public_key))
SIGNERS = [make_signer(number) for number in range(3)]


def body(text: str) -> bytes:
    return SecurityObject.over({1: text.encode()}, Hash.SHA256).encode()


def request(key: str, text: str = "dg1", document_type: str = "IR") -> SigningRequest:
    return SigningRequest(SignedFile.SECURITY_OBJECT, key, document_type, body(text), NUMBER)


MakeService = Callable[..., SigningService]


@pytest.fixture
def make_service(tmp_path: Path) -> MakeService:
    def make(
        limit: int = 100,
        client: Client = CLIENT,
        signers: Callable[[], Sequence[DocumentSigner]] = lambda: SIGNERS,
    ) -> SigningService:
        (tmp_path / KEY_NAME).write_bytes(encode_public_key(REGISTER_KEY.public_key))
        store = SignatureStore(tmp_path / "signatures.sqlite")
        return SigningService([client], signers, limit, store, Register(tmp_path))

    return make


def test_a_request_is_answered_with_a_whole_ef_sod(make_service: MakeService) -> None:
    sod = Sod.parse(make_service().sign(CLIENT, request("a"), AT))
    assert sod.signed_data.content == body("dg1")


def test_the_same_key_signs_once_even_after_a_restart(make_service: MakeService) -> None:
    first = make_service().sign(CLIENT, request("a"), AT)
    again = make_service()
    assert again.sign(CLIENT, request("a"), AT + timedelta(days=2)) == first
    assert sum(again.remaining(AT).values()) == 299
    assert again.sign(CLIENT, request("b"), AT) != first


def test_the_same_key_for_another_request_is_refused(make_service: MakeService) -> None:
    service = make_service()
    service.sign(CLIENT, request("a"), AT)
    for other in (request("a", "dg2"), request("a", "dg1", "P")):
        with pytest.raises(RefusedError) as refused:
            service.sign(CLIENT, other, AT)
        assert refused.value.status == 409


def test_a_document_type_that_the_client_may_not_have_signed_is_refused(
    make_service: MakeService,
) -> None:
    service = make_service()
    with pytest.raises(RefusedError, match="may not") as refused:
        service.sign(CLIENT, request("a", document_type="P"), AT)
    assert refused.value.status == 403
    with pytest.raises(RefusedError):
        service.client(b"a stranger's certificate", AT)


def test_an_expired_client_certificate_is_refused_on_an_open_connection(
    make_service: MakeService,
) -> None:
    certificate = b"a certificate"
    client = replace(CLIENT, fingerprint=sha256(certificate).digest(), valid_until=AT)
    service = make_service(client=client)
    assert service.client(certificate, AT) == client
    with pytest.raises(RefusedError, match="has expired"):
        service.client(certificate, AT + timedelta(seconds=1))


def test_a_document_type_that_the_signer_does_not_sign_is_refused(
    make_service: MakeService,
) -> None:
    visa = msgspec.structs.asdict(SETTINGS)["document_types"]
    assert "V" not in visa
    client = Client("prep-1", bytes(32), frozenset({"V"}), 600, 1000)
    with pytest.raises(RefusedError, match="Document Signer does not sign"):
        make_service(client=client).sign(client, request("a", document_type="V"), AT)


def test_the_next_signer_signs_when_the_first_reaches_its_limit(
    make_service: MakeService,
) -> None:
    service = make_service(limit=4)
    used = []
    for number in range(12):
        sod = Sod.parse(service.sign(CLIENT, request(str(number)), AT))
        used.append(sod.signed_data.certificates[0].fingerprint)
    assert [used.count(each.certificate.fingerprint) for each in SIGNERS] == [4, 4, 4]
    assert service.signatures(AT) == Condition(ready=False, what=NONE_LEFT, left=0)
    with pytest.raises(RefusedError) as refused:
        service.sign(CLIENT, request("one more"), AT)
    assert refused.value.status == 503


def test_documents_that_other_processes_signed_count_too(
    make_service: MakeService, tmp_path: Path
) -> None:
    """`prepare` signs with the same Document Signer while the service runs."""
    service = make_service(limit=2)
    service.sign(CLIENT, request("1"), AT)
    first, second, _ = (each.certificate.fingerprint for each in SIGNERS)
    assert Register(tmp_path).enter(first, AT, b"another", b"sealed", limit=2)
    assert not Register(tmp_path).enter(first, AT, b"a third", b"sealed", limit=2)
    signed = Sod.parse(service.sign(CLIENT, request("2"), AT))
    assert signed.signed_data.certificates[0].fingerprint == second
    assert Register(tmp_path).count(first) == 2


def test_a_document_is_registered_before_its_ef_sod_is_returned(
    make_service: MakeService, tmp_path: Path
) -> None:
    sod = make_service().sign(CLIENT, request("1"), AT)
    (document,) = Register(tmp_path).signed_by(
        SIGNERS[0].certificate.fingerprint, lambda sealed: open_envelope(sealed, REGISTER_KEY)
    )
    assert document.sod == sha256(sod).digest()
    assert document.number == Secret(b"ZU0000001")


def test_a_register_that_fails_causes_no_second_signature(
    make_service: MakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service()
    fail_to_register(service, monkeypatch, "1")
    store = SignatureStore(tmp_path / "signatures.sqlite")
    waiting = store.find(CLIENT.name, "1")
    assert waiting is not None
    assert service.sign(CLIENT, request("1"), AT) == waiting.response
    assert service.sign(CLIENT, request("1"), AT) == waiting.response
    assert Register(tmp_path).count(SIGNERS[0].certificate.fingerprint) == 1


def fail_to_register(service: SigningService, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Have a request signed whose document cannot be registered, as on a full disk."""
    with monkeypatch.context() as patch:
        patch.setattr(
            Register, "enter", lambda *_, **__: (_ for _ in ()).throw(MisuseError("full"))
        )
        with pytest.raises(MisuseError, match="full"):
            service.sign(CLIENT, request(key), AT)


def test_a_signature_that_was_never_given_is_not_entered_past_the_limit(
    make_service: MakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service(limit=1)
    fail_to_register(service, monkeypatch, "1")
    service.sign(CLIENT, request("2"), AT)
    signed = Sod.parse(service.sign(CLIENT, request("1"), AT))
    assert signed.signed_data.certificates[0] == SIGNERS[1].certificate
    counts = [Register(tmp_path).count(each.certificate.fingerprint) for each in SIGNERS]
    assert counts == [1, 1, 0]


def test_a_signature_that_was_never_given_is_not_entered_for_a_revoked_signer(
    make_service: MakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of affected documents was made when the signer was revoked."""
    signers = [*SIGNERS]
    service = make_service(signers=lambda: signers)
    fail_to_register(service, monkeypatch, "1")
    del signers[0]
    signed = Sod.parse(service.sign(CLIENT, request("1"), AT))
    assert signed.signed_data.certificates[0] == SIGNERS[1].certificate
    assert Register(tmp_path).count(SIGNERS[0].certificate.fingerprint) == 0


def test_two_services_share_a_clients_rate_and_quota(make_service: MakeService) -> None:
    slow = Client("prep-1", bytes(32), frozenset({"IR"}), 2, 3)
    first, second = make_service(client=slow), make_service(client=slow)
    first.sign(slow, request("1"), AT)
    second.sign(slow, request("2"), AT)
    for each in (first, second):
        with pytest.raises(RefusedError, match="signatures a minute"):
            each.sign(slow, request("3"), AT)
    second.sign(slow, request("3"), AT + timedelta(minutes=2))
    with pytest.raises(RefusedError, match="of this day"):
        first.sign(slow, request("4"), AT + timedelta(minutes=4))


def test_a_refused_request_takes_nothing_from_the_allowance(make_service: MakeService) -> None:
    slow = Client("prep-1", bytes(32), frozenset({"IR"}), 1, 3)
    service = make_service(client=slow)
    with pytest.raises(MalformedError):
        service.sign(slow, replace(request("1"), body=b"\x30\x00"), AT)
    service.sign(slow, request("1"), AT)


@pytest.mark.parametrize("version", [0, 1])
def test_a_store_of_an_older_version_is_read(
    make_service: MakeService, tmp_path: Path, version: int
) -> None:
    """The first release marked its files with no application id and no version."""
    answer = make_service().sign(CLIENT, request("a"), AT)
    path = tmp_path / "signatures.sqlite"
    with sqlite3.connect(path) as old:
        old.execute("DROP TABLE allowance")
        old.execute(f"PRAGMA user_version = {version}")
        if version == 0:
            old.execute("PRAGMA application_id = 0")
    old.close()
    service = make_service()
    assert service.sign(CLIENT, request("a"), AT) == answer
    service.sign(CLIENT, request("b"), AT)


@pytest.mark.parametrize(
    "number",
    [
        b"",
        bytes(4097),
        b"ZU0000001",
        NUMBER[:-1],
        seal(b"ZU0000001", CSCA_KEY.public_key, b"another key"),
    ],
)
def test_a_number_that_is_not_sealed_for_the_register_is_refused(
    make_service: MakeService, tmp_path: Path, number: bytes
) -> None:
    with pytest.raises(ChipsealError):
        make_service().sign(CLIENT, replace(request("1"), number=number), AT)
    assert Register(tmp_path).count(SIGNERS[0].certificate.fingerprint) == 0


def test_a_signer_that_is_revoked_while_the_service_runs_signs_no_more(
    make_service: MakeService,
) -> None:
    signers = [*SIGNERS]
    service = make_service(signers=lambda: signers)
    service.sign(CLIENT, request("1"), AT)
    del signers[0]
    signed = Sod.parse(service.sign(CLIENT, request("2"), AT))
    assert signed.signed_data.certificates[0] == SIGNERS[1].certificate
    signers.clear()
    with pytest.raises(RefusedError, match="revoked"):
        service.sign(CLIENT, request("3"), AT)


def test_a_clock_that_goes_back_does_not_raise_a_clients_rate(make_service: MakeService) -> None:
    slow = Client("prep-1", bytes(32), frozenset({"IR"}), 1, 3)
    service = make_service(client=slow)
    service.sign(slow, request("1"), AT + timedelta(hours=1))
    for at in (AT + timedelta(minutes=30), AT, AT + timedelta(seconds=1)):
        with pytest.raises(RefusedError, match="signatures a minute"):
            service.sign(slow, request("2"), at)


def test_a_clock_behind_the_last_document_signs_nothing(make_service: MakeService) -> None:
    service = make_service()
    service.sign(CLIENT, request("1"), AT + timedelta(hours=1))
    service.sign(CLIENT, request("2"), AT + timedelta(minutes=56))
    with pytest.raises(RefusedError, match="the service's clock says 2026-11-22 10:50") as refused:
        service.sign(CLIENT, request("3"), AT + timedelta(minutes=50))
    assert refused.value.status == 503


def test_a_signer_past_its_period_is_not_used(make_service: MakeService) -> None:
    for at in (AT + timedelta(days=91), AT - timedelta(days=1)):
        assert not make_service().signatures(at).ready


def test_readiness_says_that_few_signatures_are_left(make_service: MakeService) -> None:
    service = make_service(limit=4)
    assert service.signatures(AT) == Condition(ready=True, what="signatures", left=12)
    for number in range(11):
        service.sign(CLIENT, request(str(number)), AT)
    low = service.signatures(AT)
    assert (low.ready, low.left) == (True, 1)
    assert low.what.startswith("few signatures are left")


def test_rate_and_quota(make_service: MakeService) -> None:
    slow = Client("prep-1", bytes(32), frozenset({"IR"}), 2, 3)
    service = make_service(client=slow)
    service.sign(slow, request("1"), AT)
    service.sign(slow, request("2"), AT)
    with pytest.raises(RefusedError, match="signatures a minute") as refused:
        service.sign(slow, request("3"), AT)
    assert (refused.value.status, refused.value.retry_after) == (429, 30)
    service.sign(slow, request("3"), AT + timedelta(seconds=30))
    with pytest.raises(RefusedError, match="of this day"):
        service.sign(slow, request("4"), AT + timedelta(minutes=5))
    service.sign(slow, request("4"), AT + timedelta(days=1, minutes=1))


@pytest.mark.parametrize("wrong", [b"", b"\x30\x03\x02\x01\x00", body("x")[:-1], body("x") + b"\0"])
@pytest.mark.parametrize("kind", list(SignedFile))
def test_content_of_another_kind_is_not_signed(
    make_service: MakeService, wrong: bytes, kind: SignedFile
) -> None:
    with pytest.raises(MalformedError):
        make_service().sign(CLIENT, SigningRequest(kind, "a", "IR", wrong, NUMBER), AT)


def test_a_hash_of_another_size_is_refused_with_400(make_service: MakeService) -> None:
    """Reading accepts such a hash, since a State may have signed one; signing does not."""
    entry = der.sequence(der.integer(1), der.octet_string(bytes(31)))
    wrong = der.sequence(der.integer(0), encode_hash(Hash.SHA256), der.sequence(entry))
    service = make_service()
    request = SigningRequest(SignedFile.SECURITY_OBJECT, "a", "IR", wrong, NUMBER)
    with pytest.raises(RefusedError, match=r"31 octets .* DG1") as refused:
        service.sign(CLIENT, request, AT)
    assert refused.value.status == 400
    assert sum(service.remaining(AT).values()) == 300


@pytest.mark.parametrize("key", ["", "x" * 129, "schlüssel"])
def test_a_missing_or_unusable_idempotency_key_is_refused(
    make_service: MakeService, key: str
) -> None:
    with pytest.raises(RefusedError, match="Idempotency-Key"):
        make_service().sign(CLIENT, request(key), AT)


def test_a_file_that_is_not_a_store_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "signatures.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(DamagedDatabaseError, match="is not a store of signatures"):
        SignatureStore(tmp_path / "signatures.sqlite")
