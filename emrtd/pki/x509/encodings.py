"""Encodings of one certificate: which octets another can write without its issuer's key.

Besides the signed body, a certificate has length fields, an algorithm and a signature that no
signature covers.  Of an ECDSA signature (r, s), (r, n - s) is valid too.  A list that names a
certificate by the hash of its octets therefore names all of them.
"""

from collections.abc import Iterator
from functools import lru_cache

from emrtd.asn1 import ber, der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureFamily, ecdsa_decode
from emrtd.pki.x509.certificates import Certificate
from support.errors import MalformedError


def has_digest(certificate: Certificate, algorithm: Hash, digest: bytes) -> bool:
    """Whether the certificate, or another encoding of what is signed in it, has this digest."""
    return digest in _digests(certificate, algorithm)


@lru_cache(maxsize=256)
def _digests(certificate: Certificate, algorithm: Hash) -> frozenset[bytes]:
    return frozenset(algorithm.digest(each) for each in encodings_of(certificate))


def encodings_of(certificate: Certificate) -> Iterator[bytes]:
    """Yield the certificate as it is, and in DER with each signature that is valid with it.

    The curve of the issuer's key is not known here, so `n` is that of every curve.
    """
    yield certificate.der
    body, outer, _ = ber.read(certificate.der, "certificate").children
    signed = next(each for each in body.children if each.tag == der.SEQUENCE)
    for algorithm in dict.fromkeys((signed.encoded, outer.encoded)):
        for signature in _signatures(certificate):
            yield der.sequence(body.encoded, algorithm, der.bit_string(signature))


def _signatures(certificate: Certificate) -> Iterator[bytes]:
    scheme = certificate.scheme
    if scheme is None or scheme.family is not SignatureFamily.ECDSA:
        yield certificate.signature
        return
    if scheme.plain:
        yield from _plain_signatures(certificate.signature)
        return
    try:
        r, s = ecdsa_decode(certificate.signature)
    except MalformedError:
        return
    orders = {curve.n for curve in CURVES.values() if s < curve.n}
    for value in (s, *(n - s for n in sorted(orders))):
        yield der.sequence(der.integer(r), der.integer(value))


def _plain_signatures(signature: bytes) -> Iterator[bytes]:
    """Yield r || s, and r || n - s for the orders n of this size."""
    yield signature
    size = len(signature) // 2
    s = int.from_bytes(signature[size:], "big")
    for n in sorted({curve.n for curve in CURVES.values() if s < curve.n}):
        if (n.bit_length() + 7) // 8 == size:
            yield signature[:size] + (n - s).to_bytes(size, "big")
