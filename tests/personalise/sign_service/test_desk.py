"""The signing service's rules: idempotency, permission, rate, quota, rotation."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.errors import MalformedError, MisuseError
from emrtd.lds.security_object import SecurityObject
from emrtd.lds.sod import Sod
from personalise.document_signer import DocumentSigner
from personalise.pki.country_signing_ca import CountrySigningCa, settings_for
from personalise.sign_service.desk import Client, RefusedError, SigningDesk, SigningRequest
from personalise.sign_service.interface import Kind
from personalise.sign_service.ledger import Ledger

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
CLIENT = Client("prep-1", bytes(32), frozenset({"IR"}), 600, 1000)
SETTINGS = settings_for("UTO", "Utopia")
CSCA_KEY = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
CSCA = CountrySigningCa(SETTINGS, CSCA_KEY)
ROOT = CSCA.issue_root(AT)


def make_signer(number: int) -> DocumentSigner:
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    certificate = CSCA.issue_document_signer(key.public_key, number, AT)
    return DocumentSigner(key, certificate, ROOT, SETTINGS.scheme)


SIGNERS = [make_signer(number) for number in range(3)]


def body(text: str) -> bytes:
    return SecurityObject.over({1: text.encode()}, Hash.SHA256).encode()


def request(key: str, text: str = "dg1", document_type: str = "IR") -> SigningRequest:
    return SigningRequest(Kind.SECURITY_OBJECT, key, document_type, body(text))


MakeDesk = Callable[..., SigningDesk]


@pytest.fixture
def make_desk(tmp_path: Path) -> MakeDesk:
    def make(limit: int = 100, client: Client = CLIENT) -> SigningDesk:
        return SigningDesk([client], SIGNERS, limit, Ledger(tmp_path / "ledger.sqlite"))

    return make


def test_a_signature_is_a_whole_ef_sod_of_the_request(make_desk: MakeDesk) -> None:
    sod = Sod.parse(make_desk().sign(CLIENT, request("a"), AT))
    assert sod.signed_data.content == body("dg1")


def test_the_same_key_signs_once_even_after_a_restart(make_desk: MakeDesk) -> None:
    first = make_desk().sign(CLIENT, request("a"), AT)
    again = make_desk()
    assert again.sign(CLIENT, request("a"), AT + timedelta(days=2)) == first
    assert sum(again.remaining(AT).values()) == 299
    assert again.sign(CLIENT, request("b"), AT) != first


def test_the_same_key_for_another_request_is_refused(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.sign(CLIENT, request("a"), AT)
    for other in (request("a", "dg2"), request("a", "dg1", "P")):
        with pytest.raises(RefusedError) as refused:
            desk.sign(CLIENT, other, AT)
        assert refused.value.status == 409


def test_what_a_client_may_not_is_refused(make_desk: MakeDesk) -> None:
    desk = make_desk()
    with pytest.raises(RefusedError, match="may not") as refused:
        desk.sign(CLIENT, request("a", document_type="P"), AT)
    assert refused.value.status == 403
    with pytest.raises(RefusedError):
        desk.client(b"a stranger's certificate")


def test_a_document_type_that_the_signer_does_not_sign_is_refused(make_desk: MakeDesk) -> None:
    visa = msgspec.structs.asdict(SETTINGS)["document_types"]
    assert "V" not in visa
    client = Client("prep-1", bytes(32), frozenset({"V"}), 600, 1000)
    with pytest.raises(RefusedError, match="Document Signer does not sign"):
        make_desk(client=client).sign(client, request("a", document_type="V"), AT)


def test_the_next_signer_takes_over_at_the_limit_without_an_interruption(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk(limit=4)
    used = []
    for number in range(12):
        sod = Sod.parse(desk.sign(CLIENT, request(str(number)), AT))
        used.append(sod.signed_data.certificates[0].fingerprint)
    assert [used.count(each.certificate.fingerprint) for each in SIGNERS] == [4, 4, 4]
    assert desk.health(AT) == "exhausted"
    with pytest.raises(RefusedError) as refused:
        desk.sign(CLIENT, request("one more"), AT)
    assert refused.value.status == 503


def test_a_signer_past_its_period_is_not_used(make_desk: MakeDesk) -> None:
    assert make_desk().health(AT + timedelta(days=91)) == "exhausted"
    assert make_desk().health(AT - timedelta(days=1)) == "exhausted"


def test_health_is_low_before_it_is_exhausted(make_desk: MakeDesk) -> None:
    desk = make_desk(limit=4)
    assert desk.health(AT) == "ok"
    for number in range(11):
        desk.sign(CLIENT, request(str(number)), AT)
    assert desk.health(AT) == "low"


def test_rate_and_quota(make_desk: MakeDesk) -> None:
    slow = Client("prep-1", bytes(32), frozenset({"IR"}), 2, 3)
    desk = make_desk(client=slow)
    desk.sign(slow, request("1"), AT)
    desk.sign(slow, request("2"), AT)
    with pytest.raises(RefusedError, match="faster") as refused:
        desk.sign(slow, request("3"), AT)
    assert (refused.value.status, refused.value.retry_after) == (429, 30)
    desk.sign(slow, request("3"), AT + timedelta(seconds=30))
    with pytest.raises(RefusedError, match="of the day"):
        desk.sign(slow, request("4"), AT + timedelta(minutes=5))
    desk.sign(slow, request("4"), AT + timedelta(days=1, minutes=1))


@pytest.mark.parametrize("wrong", [b"", b"\x30\x03\x02\x01\x00", body("x")[:-1], body("x") + b"\0"])
@pytest.mark.parametrize("kind", list(Kind))
def test_only_what_it_is_meant_for_is_signed(make_desk: MakeDesk, wrong: bytes, kind: Kind) -> None:
    with pytest.raises(MalformedError):
        make_desk().sign(CLIENT, SigningRequest(kind, "a", "IR", wrong), AT)


@pytest.mark.parametrize("key", ["", "x" * 129, "schlüssel"])
def test_an_idempotency_key_is_demanded(make_desk: MakeDesk, key: str) -> None:
    with pytest.raises(RefusedError, match="Idempotency-Key"):
        make_desk().sign(CLIENT, request(key), AT)


def test_a_ledger_that_is_none_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(MisuseError, match="no ledger"):
        Ledger(tmp_path / "ledger.sqlite")
