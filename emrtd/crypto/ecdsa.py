"""ECDSA on every curve of `emrtd.crypto.curves` (TR-03111, 4.2.1), with OpenSSL if it can.

OpenSSL lacks the Brainpool curves of 160, 192, 224 and 320 bits, and every curve with another
generator than its name implies.  Those use fastecdsa, which does not promise protection against
side channels: keep keys on such curves in an HSM.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES, Curve, Point
from emrtd.errors import ProtocolError
from support.reasons import Reason

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        ECDSA,
        EllipticCurve,
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

_OPENSSL_CURVES: Final = frozenset(
    CURVES[name]
    for name in (
        "secp192r1", "secp224r1", "secp256r1", "secp384r1", "secp521r1",
        "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
    )
)  # fmt: skip

_WRONG: Final = "the ECDSA signature is wrong"


def verify(curve: Curve, point: Point, digest: bytes, r: int, s: int) -> None:
    """Verify a signature (r, s) over a digest of 20 to 64 octets; raises `ProtocolError`."""
    if not (0 < r < curve.n and 0 < s < curve.n):
        raise ProtocolError(_WRONG)
    if curve in _OPENSSL_CURVES:
        verify_with_openssl(curve, point, digest, der.sequence(der.integer(r), der.integer(s)))
    else:
        _verify_with_points(curve, point, digest, r, s)


def sign(
    curve: Curve,
    private: int,
    digest: bytes,
    random: Callable[[int], bytes],
) -> tuple[int, int]:
    """Sign a digest of 20 to 64 octets with the private number; returns (r, s).

    OpenSSL uses its own randomness.  `random` is used if OpenSSL does not support the curve, or if
    `random` is not `secrets.token_bytes`.
    """
    import secrets

    if random is secrets.token_bytes and curve in _OPENSSL_CURVES:
        return _sign_with_openssl(curve, private, digest)
    size = (curve.n.bit_length() + 7) // 8
    while True:
        k = int.from_bytes(random(size + 8), "big") % (curve.n - 1) + 1
        r = curve.multiply(k, curve.g)[0] % curve.n
        s = pow(k, -1, curve.n) * (_number(curve, digest) + r * private) % curve.n
        if r and s:
            return r, s


def _number(curve: Curve, digest: bytes) -> int:
    """Return the digest's leftmost bits, as many as the order has (FIPS 186-5, 6.4.1)."""
    return int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - curve.n.bit_length())


def _verify_with_points(curve: Curve, point: Point, digest: bytes, r: int, s: int) -> None:
    inverse = pow(s, -1, curve.n)
    by_generator = _number(curve, digest) * inverse % curve.n
    try:
        total = curve.multiply(r * inverse % curve.n, point)
        if by_generator:
            total = curve.add(curve.multiply(by_generator, curve.g), total)
    except ProtocolError:
        raise ProtocolError(_WRONG) from None
    if total[0] % curve.n != r:
        raise ProtocolError(_WRONG)


def verify_with_openssl(curve: Curve, point: Point, digest: bytes, signature: bytes) -> None:
    """Verify a DER signature on a curve that OpenSSL supports; raises `ProtocolError`."""
    _verifier(curve, point)(signature, digest)


@lru_cache(maxsize=1024)  # the keys of all CSCAs are some 600
def _verifier(curve: Curve, point: Point) -> Callable[[bytes, bytes], None]:
    """Return a function that verifies with one key, which is prepared once."""
    from cryptography.exceptions import InvalidSignature

    key = public_key(curve, point)

    def verify_with_key(signature: bytes, digest: bytes) -> None:
        try:
            key.verify(signature, digest, _prehashed(len(digest)))
        except InvalidSignature:
            raise ProtocolError(_WRONG) from None

    return verify_with_key


def _sign_with_openssl(curve: Curve, private: int, digest: bytes) -> tuple[int, int]:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    return decode_dss_signature(sign_with(private_key(curve, private), digest))


def has_openssl(curve: Curve) -> bool:
    """Whether OpenSSL supports this curve."""
    return curve in _OPENSSL_CURVES


def private_key(curve: Curve, private: int) -> "EllipticCurvePrivateKey":
    """Return OpenSSL's form of a private key; keep it, since this costs more than a signature."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.derive_private_key(private, _openssl_curve(curve))


def sign_with(key: "EllipticCurvePrivateKey", digest: bytes) -> bytes:
    """Sign a digest of 20 to 64 octets with a key of `private_key`; the signature is DER."""
    return key.sign(digest, _prehashed(len(digest)))


@lru_cache(maxsize=256)
def public_key(curve: Curve, point: Point) -> "EllipticCurvePublicKey":
    """Return OpenSSL's form of a public key; raises `ProtocolError` for a point off the curve."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicNumbers

    try:
        return EllipticCurvePublicNumbers(*point, _openssl_curve(curve)).public_key()
    except ValueError:
        raise ProtocolError(
            Reason("a point is not on the curve {curve}", curve=curve.name)
        ) from None


def _openssl_curve(curve: Curve) -> "EllipticCurve":
    from cryptography.hazmat.primitives.asymmetric import ec

    classes: dict[str, type[EllipticCurve]] = {
        "secp192r1": ec.SECP192R1,
        "secp224r1": ec.SECP224R1,
        "secp256r1": ec.SECP256R1,
        "secp384r1": ec.SECP384R1,
        "secp521r1": ec.SECP521R1,
        "brainpoolP256r1": ec.BrainpoolP256R1,
        "brainpoolP384r1": ec.BrainpoolP384R1,
        "brainpoolP512r1": ec.BrainpoolP512R1,
    }
    return classes[curve.name]()


@lru_cache(maxsize=8)
def _prehashed(size: int) -> "ECDSA":
    """Return ECDSA over a digest of `size` octets; OpenSSL uses only the size of the hash.

    The constructor of `ECDSA` imports the whole OpenSSL backend, to ask whether it can sign
    deterministically: 10 ms of processor time, which nothing here needs.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    algorithms: dict[int, hashes.HashAlgorithm] = {
        20: hashes.SHA1(),
        28: hashes.SHA224(),
        32: hashes.SHA256(),
        48: hashes.SHA384(),
        64: hashes.SHA512(),
    }
    digest = Prehashed(algorithms[size])

    class _Prehashed(ECDSA):
        def __init__(self) -> None:
            """Set nothing: the properties say all."""

        @property
        def algorithm(self) -> Prehashed:
            return digest

        @property
        def deterministic_signing(self) -> bool:
            return False

    return _Prehashed()
