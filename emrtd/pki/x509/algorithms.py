"""Algorithm identifiers of signatures and hashes (Doc 9303-12, 4.1.6; RFC 3279, 4055, 5758)."""

from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import AlgorithmIdentifier, read_algorithm, read_integer
from emrtd.crypto.hashes import HASH_BY_OID, Hash
from emrtd.crypto.signatures import (
    EcPublicKey,
    PublicKey,
    SignatureFamily,
    SignatureScheme,
    ecdsa_is_canonical,
)
from emrtd.pki.quirks import Quirk
from support.errors import MalformedError, MisuseError

ID_RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"
ID_RSA_PSS: Final = "1.2.840.113549.1.1.10"
ID_MGF1: Final = "1.2.840.113549.1.1.8"

_OIDS: Final = {
    "1.2.840.113549.1.1.5": (SignatureFamily.RSA, Hash.SHA1),
    "1.2.840.113549.1.1.14": (SignatureFamily.RSA, Hash.SHA224),
    "1.2.840.113549.1.1.11": (SignatureFamily.RSA, Hash.SHA256),
    "1.2.840.113549.1.1.12": (SignatureFamily.RSA, Hash.SHA384),
    "1.2.840.113549.1.1.13": (SignatureFamily.RSA, Hash.SHA512),
    "1.2.840.10045.4.1": (SignatureFamily.ECDSA, Hash.SHA1),
    "1.2.840.10045.4.3.1": (SignatureFamily.ECDSA, Hash.SHA224),
    "1.2.840.10045.4.3.2": (SignatureFamily.ECDSA, Hash.SHA256),
    "1.2.840.10045.4.3.3": (SignatureFamily.ECDSA, Hash.SHA384),
    "1.2.840.10045.4.3.4": (SignatureFamily.ECDSA, Hash.SHA512),
}
_BY_SCHEME: Final = {pair: oid for oid, pair in _OIDS.items()}


class UnknownAlgorithmError(MalformedError):
    """A well-formed algorithm identifier of an unknown algorithm."""


def scheme_for(key: PublicKey, algorithm: Hash) -> SignatureScheme:
    """Return the default scheme of a key: ECDSA, or RSA-PSS as Doc 9303-12 recommends."""
    family = SignatureFamily.ECDSA if isinstance(key, EcPublicKey) else SignatureFamily.RSA_PSS
    return SignatureScheme(family, algorithm)


def encode_hash(algorithm: Hash) -> bytes:
    """Encode a DigestAlgorithmIdentifier without parameters (Doc 9303-10, 4.6.2.2; RFC 5754, 2)."""
    return der.sequence(der.oid(algorithm.oid))


def encode_scheme(scheme: SignatureScheme) -> bytes:
    """Encode a SignatureAlgorithmIdentifier.

    The parameters are NULL for RSA, absent for ECDSA, and those of RSA-PSS.
    """
    if scheme.family is SignatureFamily.RSA_PSS:
        return der.sequence(der.oid(ID_RSA_PSS), _encode_pss(scheme))
    oid = der.oid(_BY_SCHEME[scheme.family, scheme.hash])
    return (
        der.sequence(oid, der.null()) if scheme.family is SignatureFamily.RSA else der.sequence(oid)
    )


def read_hash(value: ber.Value) -> Hash:
    """Read a DigestAlgorithmIdentifier; its parameters may be absent or NULL."""
    known = _WRITTEN_HASHES.get(value.encoded)
    if known is not None:
        return known
    algorithm = read_algorithm(value)
    if algorithm.parameters is not None and not algorithm.has_null:
        raise value.malformed("a hash algorithm has parameters that are not NULL")
    found = HASH_BY_OID.get(algorithm.oid)
    if found is None:
        raise UnknownAlgorithmError(value.what, f"the hash algorithm {algorithm.oid} is not known")
    return found


def read_scheme(
    value: ber.Value, digest: Hash | None = None
) -> tuple[SignatureScheme, frozenset[Quirk]]:
    """Read a SignatureAlgorithmIdentifier; return the scheme and the quirks.

    With `digest`, the digest algorithm of a CMS SignerInfo, rsaEncryption means PKCS#1 v1.5 with
    that hash (RFC 3370, 3.2).  The signature's hash may differ from the digest's: LT has such
    signatures.
    """
    known = _WRITTEN_SCHEMES.get(value.encoded)
    if known is not None and digest in {None, known.hash}:
        return known, frozenset()
    algorithm = read_algorithm(value)
    tolerated: set[Quirk] = set()
    if algorithm.oid == ID_RSA_PSS:
        scheme = _read_pss(algorithm, value, tolerated)
    else:
        if algorithm.parameters is not None and not algorithm.has_null:
            raise value.malformed("a signature algorithm with parameters that are not its own")
        scheme = _read_simple(algorithm, value, digest)
        if scheme.family is SignatureFamily.ECDSA and algorithm.has_null:
            tolerated.add(Quirk.ECDSA_NULL)
        if scheme.family is SignatureFamily.RSA and algorithm.parameters is None:
            tolerated.add(Quirk.RSA_NO_NULL)
    if digest is not None and scheme.hash is not digest:
        tolerated.add(Quirk.DIGESTS_DIFFER)
    return scheme, frozenset(tolerated)


_WRITTEN_HASHES: Final = {
    der.sequence(der.oid(oid), *parameters): each
    for oid, each in HASH_BY_OID.items()
    for parameters in ((), (der.null(),))
}
"""Each encoded DigestAlgorithmIdentifier, without parameters and with NULL."""

_WRITTEN_SCHEMES: Final = {
    der.sequence(der.oid(oid), *([der.null()] if family is SignatureFamily.RSA else [])): (
        SignatureScheme(family, each)
    )
    for oid, (family, each) in _OIDS.items()
}
"""Each SignatureAlgorithmIdentifier of ECDSA and PKCS#1 v1.5 in its correct encoding."""


def surplus_zeros(signature: bytes) -> frozenset[Quirk]:
    """Return the quirk of an ECDSA signature whose integers have surplus leading zeros."""
    try:
        regular = ecdsa_is_canonical(signature)
    except MalformedError:
        return frozenset()  # not a signature, so the verification fails
    return frozenset() if regular else frozenset({Quirk.ECDSA_ZEROS})


def _read_simple(
    algorithm: AlgorithmIdentifier, value: ber.Value, digest: Hash | None
) -> SignatureScheme:
    if algorithm.oid == ID_RSA_ENCRYPTION and digest is not None:
        return SignatureScheme(SignatureFamily.RSA, digest)
    try:
        return SignatureScheme(*_OIDS[algorithm.oid])
    except KeyError:
        reason = f"the signature algorithm {algorithm.oid} is not known"
        raise UnknownAlgorithmError(value.what, reason) from None


def _encode_pss(scheme: SignatureScheme) -> bytes:
    """Encode RSASSA-PSS-params (RFC 4055, 3.1); defaults are left out."""
    if scheme.salt_length is not None and not 0 <= scheme.salt_length <= 255:
        raise MisuseError(f"an RSA-PSS salt of {scheme.salt_length} octets")
    salt = scheme.hash.size if scheme.salt_length is None else scheme.salt_length
    mgf = scheme.mgf_hash or scheme.hash
    fields = []
    if scheme.hash is not Hash.SHA1:
        fields.append(der.tagged(0, _hash_with_null(scheme.hash)))
    if mgf is not Hash.SHA1:
        fields.append(der.tagged(1, der.sequence(der.oid(ID_MGF1), _hash_with_null(mgf))))
    if salt != 20:
        fields.append(der.tagged(2, der.integer(salt)))
    return der.sequence(*fields)


def _hash_with_null(algorithm: Hash) -> bytes:
    """Encode a hash algorithm with NULL, as RSA-PSS parameters require (RFC 4055, 2.1)."""
    return der.sequence(der.oid(algorithm.oid), der.null())


def _read_pss(
    algorithm: AlgorithmIdentifier, value: ber.Value, tolerated: set[Quirk]
) -> SignatureScheme:
    if algorithm.parameters is None:
        raise value.malformed("RSA-PSS without parameters")
    fields = {}
    for field in algorithm.parameters.expect(der.SEQUENCE).children:
        if field.tag in fields or field.tag not in (0xA0, 0xA1, 0xA2, 0xA3):
            raise field.malformed("is not an RSA-PSS parameter, or occurs twice")
        fields[field.tag] = _only(field)
    digest = mgf = Hash.SHA1
    salt = 20
    if 0xA0 in fields:
        digest = read_hash(fields[0xA0])
    if 0xA1 in fields:
        function = read_algorithm(fields[0xA1])
        if function.oid != ID_MGF1 or function.parameters is None:
            raise value.malformed("an RSA-PSS mask generation function that is not MGF1")
        mgf = read_hash(function.parameters)
    if 0xA2 in fields:
        salt = read_integer(fields[0xA2])
        if not 0 <= salt <= 255:
            raise value.malformed(f"an RSA-PSS salt of {salt} octets")
    if 0xA3 in fields:
        if read_integer(fields[0xA3]) != 1:
            raise value.malformed("an RSA-PSS trailer that is not BC")
        tolerated.add(Quirk.PSS_DEFAULT)
    return SignatureScheme(SignatureFamily.RSA_PSS, digest, salt, mgf)


def _only(field: ber.Value) -> ber.Value:
    children = field.children
    if len(children) != 1:
        raise field.malformed("does not hold exactly one value")
    return children[0]
