"""Answers of tokens that SoftHSM does not give, by doubles of python-pkcs11's objects."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, RsaPrivateKey
from emrtd.crypto.public_keys import encode_parameters
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme, ecdsa_to_plain, verify
from personalise.pki.keys import hsm_keys
from personalise.pki.keys.hsm import Pkcs11Custody
from personalise.pki.keys.hsm_keys import HsmError
from support.secret import Secret
from tests.certificates import ec_key

pkcs11 = pytest.importorskip("pkcs11")

CURVE = CURVES["brainpoolP256r1"]
KEY = ec_key("hsm", CURVE.name)
RSA = RsaPrivateKey.generate(2048)
ECDSA = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
POINT = CURVE.encode_point(KEY.public_key.point)


class FakeKey(dict[Any, Any]):
    """A key object: attributes, and an answer to C_Sign."""

    label = "k"

    def __init__(self, attributes: dict[Any, Any], answer: Callable[..., bytes]) -> None:
        super().__init__(attributes)
        self.answer = answer
        self.pins: list[str | None] = []

    key_type = property(lambda self: self[pkcs11.Attribute.KEY_TYPE])

    def __missing__(self, attribute: Any) -> Any:
        raise pkcs11.exceptions.AttributeTypeInvalid

    def sign(
        self, data: bytes, mechanism: Any, mechanism_param: Any, pin: str | None = None
    ) -> bytes:
        self.pins.append(pin)
        return self.answer(data)


class FakeSession:
    """A session with one key pair."""

    def __init__(self, key: FakeKey) -> None:
        self.key = key

    def get_objects(self, template: Any = None) -> Iterator[FakeKey]:
        yield self.key

    def close(self) -> None:
        pass


def ec_session(
    answer: Callable[[bytes], bytes] = lambda _: b"",
    point: bytes = POINT,
    parameters: bytes = der.oid(CURVE.oid or ""),
    **more: Any,
) -> FakeSession:
    attribute = pkcs11.Attribute
    attributes = {
        attribute.KEY_TYPE: pkcs11.KeyType.EC,
        attribute.EC_PARAMS: parameters,
        attribute.EC_POINT: point,
    } | {attribute[name]: value for name, value in more.items()}
    return FakeSession(FakeKey(attributes, answer))


def signed(session: FakeSession) -> bytes:
    return hsm_keys.sign(session, "k", KEY.public_key, ECDSA, b"message")


@pytest.mark.parametrize("curve", ["brainpoolP256r1", "secp521r1", "brainpoolP512r1"])
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("explicit", [True, False])
def test_a_public_key_is_read_in_every_form(curve: str, wrapped: bool, explicit: bool) -> None:
    """CKA_EC_POINT with and without its OCTET STRING; CKA_EC_PARAMS with a name, and explicit."""
    key = EcPrivateKey.generate(CURVES[curve]).public_key
    point = key.curve.encode_point(key.point)
    session = ec_session(
        point=der.octet_string(point) if wrapped else point,
        parameters=encode_parameters(key.curve) if explicit else der.oid(key.curve.oid or ""),
    )
    assert hsm_keys.public_key(session, "k") == key


WRONG_POINTS = {
    "nothing": b"",
    "a tag": b"\x04",
    "shorter": POINT[:-1],
    "longer": POINT + b"\0",
    "compressed": b"\x02" + POINT[1:33],
    "of no form": b"\x05" + POINT[1:],
    "off the curve": POINT[:-1] + bytes((POINT[-1] ^ 1,)),
    "a BIT STRING": der.bit_string(POINT),
}


@pytest.mark.parametrize("point", WRONG_POINTS.values(), ids=WRONG_POINTS)
def test_a_point_of_another_form_is_refused_by_name(point: bytes) -> None:
    with pytest.raises(HsmError, match="the HSM's public key 'k' is not usable"):
        hsm_keys.public_key(ec_session(point=point), "k")


def test_a_signature_in_der_is_taken_as_what_it_is() -> None:
    made = KEY.sign(ECDSA, b"message")
    for answer in (made, ecdsa_to_plain(made, CURVE)):
        verify(
            KEY.public_key, ECDSA, signed(ec_session(lambda _, answer=answer: answer)), b"message"
        )


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        bytes(63),
        bytes(65),
        b"\xff" * 71,
        der.sequence(der.integer(0), der.integer(1)),
        der.sequence(der.integer(1), der.integer(CURVE.n)),
        der.sequence(der.integer(1), der.integer(1), der.integer(1)),
        der.sequence(der.integer(1), der.integer(1)) + b"\0",
        b"\x30\x81\x06\x02\x01\x01\x02\x01\x01",
        b"\x30\x07\x02\x02\x00\x01\x02\x01\x01",
    ],
)
def test_an_answer_of_another_form_is_no_signature(answer: bytes) -> None:
    with pytest.raises(HsmError, match=rf"answered {len(answer)} octets .* r \|\| s has 64"):
        signed(ec_session(lambda _: answer))


@pytest.mark.parametrize("size", [0, 255, 257])
def test_an_rsa_signature_is_as_long_as_the_modulus(size: int) -> None:
    session = FakeSession(FakeKey({}, lambda _: bytes(size)))
    scheme = SignatureScheme(SignatureFamily.RSA, Hash.SHA256)
    with pytest.raises(HsmError, match=f"answered {size} octets .* RSA-2048 makes 256"):
        hsm_keys.sign(session, "k", RSA.public_key, scheme, b"m")


@pytest.mark.parametrize("error", ["MechanismInvalid", "MechanismParamInvalid", "ArgumentsBad"])
def test_what_a_token_does_not_make_is_named(error: str) -> None:
    def refuse(_: bytes) -> bytes:
        raise getattr(pkcs11.exceptions, error)

    session = FakeSession(FakeKey({}, refuse))
    scheme = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256, 32, Hash.SHA1)
    named = (
        "the HSM does not make RSA-PSS with SHA-256, MGF1 with SHA-1 and a salt of 32 octets:"
        f" it answered {error} to SHA256_RSA_PKCS_PSS"
    )
    with pytest.raises(HsmError, match=named):
        hsm_keys.sign(session, "k", RSA.public_key, scheme, b"m")


class FakeCustody(Pkcs11Custody):
    """A custody whose session is a double."""

    def __init__(self, session: FakeSession) -> None:
        super().__init__("module", "token", Secret(b"123456"))
        self.fake = session
        self.logged_in = 0

    def _log_in(self, note: Any) -> Any:
        self.logged_in += 1
        return self.fake


@pytest.fixture(autouse=True)
def no_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def test_the_pin_goes_only_to_a_key_that_wants_it() -> None:
    for wants, pin in ((True, "123456"), (False, None)):
        session = ec_session(
            lambda data: ecdsa_to_plain(KEY.sign(ECDSA, b"message"), CURVE),
            ALWAYS_AUTHENTICATE=wants,
        )
        custody = FakeCustody(session)
        custody.sign("k", KEY.public_key, ECDSA, b"message")
        custody.sign("k", KEY.public_key, ECDSA, b"message")
        assert session.key.pins == [pin, pin]
        custody.close()


def test_a_token_that_does_not_know_the_attribute_gets_no_pin_with_a_signature() -> None:
    session = ec_session(lambda _: ecdsa_to_plain(KEY.sign(ECDSA, b"message"), CURVE))
    custody = FakeCustody(session)
    custody.sign("k", KEY.public_key, ECDSA, b"message")
    assert session.key.pins == [None]
    custody.close()


def test_a_pin_refused_with_a_signature_is_not_tried_again() -> None:
    def refuse(_: bytes) -> bytes:
        raise pkcs11.exceptions.PinIncorrect

    session = ec_session(refuse, ALWAYS_AUTHENTICATE=True)
    custody = FakeCustody(session)
    with pytest.raises(HsmError, match="refused the PIN") as first:
        custody.sign("k", KEY.public_key, ECDSA, b"message")
    with pytest.raises(HsmError, match="refused before"):
        custody.sign("k", KEY.public_key, ECDSA, b"message")
    assert session.key.pins == ["123456"]
    assert "123456" not in str(first.value)
