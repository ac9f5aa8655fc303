"""DSA, and ECDSA with plain signatures: both are verified, as TR-03105-5.1, 7.1.2 requires."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conformance.reader.dsa import dsa_key
from emrtd.asn1 import ber, der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import (
    ID_DSA,
    UnusableKeyError,
    decode_public_key,
    encode_public_key,
    verifying_key_from,
)
from emrtd.crypto.signatures import (
    DsaPublicKey,
    SignatureFamily,
    SignatureScheme,
    ecdsa_to_plain,
    verify,
)
from emrtd.errors import ProtocolError
from emrtd.pki.x509.algorithms import encode_scheme, read_scheme, scheme_for
from support.errors import MalformedError
from tests.helpers import damaged, replace

MESSAGE = b"EF.SOD"
KEY = dsa_key("DS 1").public_key
HASHES = (Hash.SHA1, Hash.SHA224, Hash.SHA256)
SCHEME = SignatureScheme(SignatureFamily.DSA, Hash.SHA256)


def read_back(octets: bytes) -> object:
    return verifying_key_from(ber.read(octets, "key"))


@pytest.mark.parametrize("algorithm", HASHES)
def test_a_dsa_signature_is_verified(algorithm: Hash) -> None:
    scheme = SignatureScheme(SignatureFamily.DSA, algorithm)
    signature = dsa_key("DS 1").sign(scheme, MESSAGE)
    verify(KEY, scheme, signature, MESSAGE)
    for wrong, message in ((damaged(signature), MESSAGE), (signature, MESSAGE + b".")):
        with pytest.raises(ProtocolError):
            verify(KEY, scheme, wrong, message)
    assert read_scheme(ber.read(encode_scheme(scheme), "scheme"))[0] == scheme
    assert scheme_for(KEY, algorithm) == scheme


def test_cryptography_makes_the_same_key_and_its_signatures_verify() -> None:
    numbers = dsa.DSAParameterNumbers(KEY.p, KEY.q, KEY.g)
    private = numbers.parameters().generate_private_key()
    encoded = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = read_back(encoded)
    assert isinstance(key, DsaPublicKey)
    assert encode_public_key(key) == encoded
    verify(key, SCHEME, private.sign(MESSAGE, hashes.SHA256()), MESSAGE)


@pytest.mark.parametrize(
    "changes",
    [{"g": 2}, {"y": 2}, {"y": KEY.p - 1}, {"g": KEY.p - 1}, {"q": KEY.q + 2}],
    ids=["another generator", "outside the group", "of order two", "small group", "another order"],
)
def test_a_key_outside_its_group_verifies_nothing(changes: dict[str, int]) -> None:
    signature = dsa_key("DS 1").sign(SCHEME, MESSAGE)
    with pytest.raises(ProtocolError):
        verify(replace(KEY, **changes), SCHEME, signature, MESSAGE)


def test_a_dsa_key_makes_no_other_signatures() -> None:
    signature = dsa_key("DS 1").sign(SCHEME, MESSAGE)
    for family in set(SignatureFamily) - {SignatureFamily.DSA}:
        with pytest.raises(ProtocolError):
            verify(KEY, SignatureScheme(family, Hash.SHA256), signature, MESSAGE)


def test_a_dsa_key_is_for_certificates_only() -> None:
    """Active Authentication and Terminal Authentication have no DSA."""
    with pytest.raises(UnusableKeyError):
        decode_public_key(encode_public_key(KEY))


@pytest.mark.parametrize(
    "parameters",
    [b"", der.null(), der.sequence(der.integer(23)), der.sequence(*[der.integer(4)] * 3)],
    ids=["absent", "inherited", "too few", "out of range"],
)
def test_other_parameters_are_refused(parameters: bytes) -> None:
    algorithm = der.sequence(der.oid(ID_DSA), parameters)
    with pytest.raises(MalformedError):
        read_back(der.sequence(algorithm, der.bit_string(der.integer(KEY.y))))


@pytest.mark.parametrize("algorithm", Hash)
def test_a_plain_ecdsa_signature_is_verified_in_its_own_form_only(algorithm: Hash) -> None:
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    usual = SignatureScheme(SignatureFamily.ECDSA, algorithm)
    plain = replace(usual, plain=True)
    signature = key.sign(usual, MESSAGE)
    short = ecdsa_to_plain(signature, key.public_key.curve)
    verify(key.public_key, plain, short, MESSAGE)
    for scheme, octets in ((plain, signature), (usual, short), (plain, damaged(short))):
        with pytest.raises(ProtocolError):
            verify(key.public_key, scheme, octets, MESSAGE)
    assert read_scheme(ber.read(encode_scheme(plain), "scheme"))[0] == plain
