"""A certificate named by a hash is recognised in every encoding that its signature allows."""

import pytest

from conformance.reader import authority as conformance_authority
from emrtd.asn1 import ber, der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import EcPublicKey, SignatureFamily, SignatureScheme, ecdsa_decode
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.encodings import encodings_of, has_digest
from emrtd.tlv import encode
from tests.certificates import NOW, Authority

DIGEST = Hash.SHA256


def reencoded(certificate: Certificate, way: str, n: int) -> Certificate:
    """Return another encoding of the certificate, made without its issuer's key."""
    body, algorithm, _ = ber.read(certificate.der, "test").children
    r, s = ecdsa_decode(certificate.signature)
    surplus = encode(der.INTEGER, b"\0" + der.integer(r)[2:])
    outer, signature = {
        "the other s": (algorithm.encoded, der.sequence(der.integer(r), der.integer(n - s))),
        "surplus zeros": (algorithm.encoded, der.sequence(surplus, der.integer(s))),
        "NULL in the algorithm": (
            der.sequence(algorithm.children[0].encoded, der.null()),
            certificate.signature,
        ),
    }[way]
    return Certificate.parse(der.sequence(body.encoded, outer, der.bit_string(signature)))


@pytest.mark.parametrize("kind", ["brainpoolP256r1", "secp384r1", "brainpoolP320r1"])
@pytest.mark.parametrize("way", ["the other s", "surplus zeros", "NULL in the algorithm"])
def test_another_encoding_has_the_digest_of_the_certificate(way: str, kind: str) -> None:
    authority = Authority(label=f"encodings {kind}", kind=kind)
    key = authority.certificate().public_key
    assert isinstance(key, EcPublicKey)
    certificate = authority.issue()
    other = reencoded(certificate, way, key.curve.n)
    other.verify_signed_by(key)
    assert other.der != certificate.der
    assert has_digest(other, DIGEST, DIGEST.digest(certificate.der))
    assert not has_digest(authority.issue(serial=77), DIGEST, DIGEST.digest(certificate.der))


@pytest.mark.parametrize("kind", ["brainpoolP256r1", "secp521r1"])
def test_the_other_s_of_a_plain_signature_has_the_digest_too(kind: str) -> None:
    scheme = SignatureScheme(SignatureFamily.ECDSA, DIGEST, plain=True)
    authority = conformance_authority.Authority(NOW, kind=kind, scheme=scheme)
    certificate = authority.certificate()
    key = certificate.public_key
    assert isinstance(key, EcPublicKey)
    body, algorithm, _ = ber.read(certificate.der, "test").children
    size = len(certificate.signature) // 2
    r, s = certificate.signature[:size], int.from_bytes(certificate.signature[size:], "big")
    signature = der.bit_string(r + (key.curve.n - s).to_bytes(size, "big"))
    other = Certificate.parse(der.sequence(body.encoded, algorithm.encoded, signature))
    other.verify_signed_by(key)
    assert other.der != certificate.der
    assert has_digest(other, DIGEST, DIGEST.digest(certificate.der))


def test_a_certificate_that_rsa_signed_has_one_encoding() -> None:
    certificate = Authority(label="encodings RSA", kind="RSA-2048").issue()
    assert set(encodings_of(certificate)) == {certificate.der}
    assert has_digest(certificate, DIGEST, DIGEST.digest(certificate.der))
