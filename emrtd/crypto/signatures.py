"""Signatures of X.509 and CMS: RSA (PKCS#1 v1.5 and PSS), DSA and ECDSA (Doc 9303-12, 4.1.6).

`verify` raises an error for a wrong signature; it returns no truth value.  ECDSA signatures are DER
here, as in certificates and CMS.  Chips, card-verifiable certificates and the algorithms
ecdsa-plain use the plain form r || s (TR-03111, 5.2.1), which `ecdsa_from_plain` and
`ecdsa_to_plain` convert.  DSA is verified, and nothing here signs with it.
"""

from enum import StrEnum, unique
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_integer
from emrtd.crypto import ecdsa
from emrtd.crypto.curves import Curve, Point
from emrtd.crypto.hashes import Hash
from emrtd.errors import ProtocolError
from support.errors import MalformedError, MisuseError
from support.reasons import Reason

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.dsa import DSAPublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

MIN_RSA_BITS: Final = 1024
MAX_RSA_BITS: Final = 8192
"""RSA moduli outside these bounds are refused: too weak, or too slow."""


class RsaPublicKey(msgspec.Struct, frozen=True):
    """An RSA public key: modulus and exponent."""

    n: int
    e: int

    @property
    def description(self) -> str:
        """The name for people: "RSA-4096"."""
        return f"RSA-{self.n.bit_length()}"

    @property
    def size(self) -> int:
        """Octets of a signature."""
        return (self.n.bit_length() + 7) // 8


class EcPublicKey(msgspec.Struct, frozen=True):
    """A point on one of the curves of `emrtd.crypto.curves`."""

    curve: Curve
    point: Point

    @property
    def description(self) -> str:
        """The name for people: "brainpoolP384r1"."""
        return self.curve.name


class DsaPublicKey(msgspec.Struct, frozen=True):
    """A DSA public key y, with its domain parameters (FIPS 186-4, 4.1)."""

    p: int
    q: int
    g: int
    y: int

    @property
    def description(self) -> str:
        """The name for people: "DSA-2048"."""
        return f"DSA-{self.p.bit_length()}"


PublicKey = RsaPublicKey | EcPublicKey
"""A key that this package signs with, encrypts with and verifies with."""

VerifyingKey = PublicKey | DsaPublicKey
"""A key of a certificate, which may be one that this package only verifies with."""


@unique
class SignatureFamily(StrEnum):
    """A signature algorithm without its hash; its value is the name for people."""

    RSA = "RSA"
    RSA_PSS = "RSA-PSS"
    DSA = "DSA"
    ECDSA = "ECDSA"


class SignatureScheme(msgspec.Struct, frozen=True):
    """A kind of signature: "ECDSA with SHA-256".

    For RSA-PSS, `salt_length` (octets) and `mgf_hash` default to what Doc 9303-12, 4.1.6.1 (RFC
    4055) recommends: the size of the hash, and the hash itself.  `plain`: an ECDSA signature is
    r || s instead of DER (TR-03111, 5.2.1).
    """

    family: SignatureFamily
    hash: Hash
    salt_length: int | None = None
    mgf_hash: Hash | None = None
    plain: bool = False

    @property
    def description(self) -> str:
        """The name for people: "RSA-PSS with SHA-256"."""
        return Reason("{family} with {hash}", family=self.family, hash=self.hash)


class Signer(Protocol):
    """Something that signs with a private key: a key in memory or a file, an HSM, a service."""

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        ...

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign a message (not its digest); ECDSA signatures are DER.

        Raises `MisuseError` for a scheme that this key cannot make.
        """
        ...


def verify(key: VerifyingKey, scheme: SignatureScheme, signature: bytes, message: bytes) -> None:
    """Verify a signature over a message; raises `ProtocolError` if it is not valid.

    An ECDSA signature that is not DER raises `ProtocolError` too.
    """
    if isinstance(key, EcPublicKey):
        if scheme.family is not SignatureFamily.ECDSA:
            raise ProtocolError(
                Reason(
                    "a key on {key} cannot make {scheme}",
                    key=key.description,
                    scheme=scheme.description,
                )
            )
        if scheme.plain:
            signature = _from_plain(signature, key.curve)
        _verify_ecdsa(key, scheme.hash.digest(message), signature)
    elif isinstance(key, DsaPublicKey):
        _verify_dsa(key, scheme, signature, message)
    else:
        _verify_rsa(key, scheme, signature, message)


def _verify_ecdsa(key: EcPublicKey, digest: bytes, signature: bytes) -> None:
    if ecdsa.has_openssl(key.curve):
        try:  # OpenSSL reads DER itself, and only DER
            return ecdsa.verify_with_openssl(key.curve, key.point, digest, signature)
        except ProtocolError:
            if not _has_surplus_zeros(signature):
                raise
    try:
        r, s = ecdsa_decode(signature)
    except MalformedError as error:
        raise ProtocolError(error.said) from None
    return ecdsa.verify(key.curve, key.point, digest, r, s)


def _has_surplus_zeros(signature: bytes) -> bool:
    try:
        return not ecdsa_is_canonical(signature)
    except MalformedError:
        return False


def ecdsa_decode(signature: bytes) -> tuple[int, int]:
    """Read r and s of a DER ECDSA signature (RFC 3279, 2.2.3).

    Surplus leading zeros, which some issuers write, are ignored: see `ecdsa_is_canonical`.
    """
    r, s = _numbers(signature)
    if not r.source.is_der:
        raise MalformedError("ECDSA signature", "has length fields that DER does not allow")
    return read_integer(r), read_integer(s)


def _numbers(signature: bytes) -> tuple[ber.Value, ber.Value]:
    """Read the two INTEGERs r and s, in whatever form they are encoded."""
    items = ber.read(signature, "ECDSA signature").expect(der.SEQUENCE).children
    if len(items) == 2:
        r, s = items
        if r.tag == s.tag == der.INTEGER and r.start < r.end and s.start < s.end:
            return r, s
    raise MalformedError("ECDSA signature", "does not consist of the two numbers r and s")


def ecdsa_encode(r: int, s: int) -> bytes:
    """Write an ECDSA signature as DER (RFC 3279, 2.2.3)."""
    return der.sequence(der.integer(r), der.integer(s))


def ecdsa_is_canonical(signature: bytes) -> bool:
    """Whether r and s of an ECDSA signature have the shortest form (X.690, 8.3.2).

    Raises `MalformedError` for octets that are not a signature.
    """
    r, s = _numbers(signature)
    return _is_shortest(r) and _is_shortest(s)


def _is_shortest(number: ber.Value) -> bool:
    octets, start = number.source.octets, number.start
    return bool(number.end - start == 1 or octets[start] or octets[start + 1] & 0x80)


def ecdsa_to_plain(signature: bytes, curve: Curve) -> bytes:
    """Convert DER to r || s, each as long as the order of the group (TR-03111, 5.2.1)."""
    size = _order_size(curve)
    try:
        return b"".join(number.to_bytes(size, "big") for number in ecdsa_decode(signature))
    except OverflowError:
        raise MalformedError(
            "ECDSA signature", Reason("r or s is too large for {curve}", curve=curve.name)
        ) from None


def ecdsa_from_plain(plain: bytes, curve: Curve) -> bytes:
    """Convert r || s to DER; raises `MalformedError` if the length does not fit the curve."""
    size = _order_size(curve)
    if len(plain) != 2 * size:
        reason = Reason(
            "{count} octets instead of {value}, for {curve}",
            count=len(plain),
            value=2 * size,
            curve=curve.name,
        )
        raise MalformedError("plain ECDSA signature", reason)
    return ecdsa_encode(int.from_bytes(plain[:size], "big"), int.from_bytes(plain[size:], "big"))


def _from_plain(signature: bytes, curve: Curve) -> bytes:
    try:
        return ecdsa_from_plain(signature, curve)
    except MalformedError as error:
        raise ProtocolError(str(error)) from None


def _order_size(curve: Curve) -> int:
    return (curve.n.bit_length() + 7) // 8


def _verify_dsa(
    key: DsaPublicKey, scheme: SignatureScheme, signature: bytes, message: bytes
) -> None:
    from cryptography.exceptions import InvalidSignature

    if scheme.family is not SignatureFamily.DSA:
        raise ProtocolError(
            Reason("{key} cannot make {scheme}", key=key.description, scheme=scheme.description)
        )
    try:
        _dsa_key(key).verify(signature, message, hash_algorithm(scheme.hash))
    except InvalidSignature:
        raise ProtocolError(
            Reason("the {scheme} signature is wrong", scheme=scheme.description)
        ) from None


@lru_cache(maxsize=64)
def _dsa_key(key: DsaPublicKey) -> "DSAPublicKey":
    """Return the key for `cryptography`, which accepts the sizes of FIPS 186-4, 4.2."""
    from cryptography.hazmat.primitives.asymmetric.dsa import (
        DSAParameterNumbers,
        DSAPublicNumbers,
    )

    wrong = ProtocolError(Reason("{key} is not a valid DSA key", key=key.description))
    if not 1 < key.y < key.p or not pow(key.y, key.q, key.p) == 1 == pow(key.g, key.q, key.p):
        raise wrong
    try:
        return DSAPublicNumbers(key.y, DSAParameterNumbers(key.p, key.q, key.g)).public_key()
    except ValueError:
        raise wrong from None


def _verify_rsa(
    key: RsaPublicKey, scheme: SignatureScheme, signature: bytes, message: bytes
) -> None:
    from cryptography.exceptions import InvalidSignature

    try:
        padding, algorithm = rsa_padding(scheme)
        _rsa_key(key).verify(signature, message, padding, algorithm)
    except InvalidSignature:
        raise ProtocolError(
            Reason("the {scheme} signature is wrong", scheme=scheme.description)
        ) from None
    except MisuseError as error:
        raise ProtocolError(error.said) from None


def verify_rsa_without_null(
    key: VerifyingKey, scheme: SignatureScheme, signature: bytes, message: bytes
) -> None:
    """Verify a PKCS#1 v1.5 signature whose DigestInfo lacks the NULL of RFC 8017, A.2.4.

    UN's Master Lists of 2023 have such signatures.  The whole DigestInfo is compared, octet for
    octet.  Raises `ProtocolError` if the signature is wrong.
    """
    from cryptography.exceptions import InvalidSignature

    wrong = ProtocolError(Reason("the {scheme} signature is wrong", scheme=scheme.description))
    if scheme.family is not SignatureFamily.RSA or not isinstance(key, RsaPublicKey):
        raise wrong
    digest = der.octet_string(scheme.hash.digest(message))
    expected = der.sequence(der.sequence(der.oid(scheme.hash.oid)), digest)
    try:
        padding, _ = rsa_padding(scheme)
        found = _rsa_key(key).recover_data_from_signature(signature, padding, None)
    except InvalidSignature:
        raise wrong from None
    if found != expected:
        raise wrong


@lru_cache(maxsize=1024)
def _rsa_key(key: RsaPublicKey) -> "RSAPublicKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    if not MIN_RSA_BITS <= key.n.bit_length() <= MAX_RSA_BITS:
        reason = Reason(
            "a key must have between {min_rsa_bits} and {max_rsa_bits} bits",
            min_rsa_bits=MIN_RSA_BITS,
            max_rsa_bits=MAX_RSA_BITS,
        )
        raise ProtocolError(
            Reason("{key} is not accepted: {reason}", key=key.description, reason=reason)
        )
    try:
        return RSAPublicNumbers(key.e, key.n).public_key()
    except ValueError:
        raise ProtocolError(Reason("{key} is not a valid RSA key", key=key.description)) from None


def rsa_padding(scheme: SignatureScheme) -> "tuple[AsymmetricPadding, HashAlgorithm]":
    """Translate an RSA scheme for `cryptography`; raises `MisuseError` for ECDSA."""
    from cryptography.hazmat.primitives.asymmetric import padding

    algorithm = hash_algorithm(scheme.hash)
    if scheme.family is SignatureFamily.RSA:
        return padding.PKCS1v15(), algorithm
    if scheme.family is SignatureFamily.RSA_PSS:
        salt = scheme.hash.size if scheme.salt_length is None else scheme.salt_length
        mgf = padding.MGF1(hash_algorithm(scheme.mgf_hash or scheme.hash))
        return padding.PSS(mgf, salt), algorithm
    raise MisuseError(f"an RSA key cannot make {scheme.description}")


def hash_algorithm(algorithm: Hash) -> "HashAlgorithm":
    """Translate a hash function for `cryptography`."""
    from cryptography.hazmat.primitives import hashes

    classes: dict[Hash, type[HashAlgorithm]] = {
        Hash.SHA1: hashes.SHA1,
        Hash.SHA224: hashes.SHA224,
        Hash.SHA256: hashes.SHA256,
        Hash.SHA384: hashes.SHA384,
        Hash.SHA512: hashes.SHA512,
    }
    return classes[algorithm]()
