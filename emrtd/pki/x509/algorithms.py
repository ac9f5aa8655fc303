"""Algorithm identifiers of signatures (Doc 9303-12, 4.1.6; RFC 3279, 4055, 5758; TR-03111)."""

from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import AlgorithmIdentifier, read_algorithm
from emrtd.crypto.algorithm_identifiers import (
    ID_RSA_PSS,
    UnknownAlgorithmError,
    encode_pss,
    read_pss,
)
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import (
    DsaPublicKey,
    EcPublicKey,
    SignatureFamily,
    SignatureScheme,
    VerifyingKey,
    ecdsa_is_canonical,
)
from emrtd.pki.quirks import Quirk
from support.errors import MalformedError
from support.reasons import Reason

ID_RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"

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
_DSA: Final = {
    "1.2.840.10040.4.3": (SignatureFamily.DSA, Hash.SHA1),
    "2.16.840.1.101.3.4.3.1": (SignatureFamily.DSA, Hash.SHA224),
    "2.16.840.1.101.3.4.3.2": (SignatureFamily.DSA, Hash.SHA256),
}
_PLAIN: Final = {
    f"0.4.0.127.0.7.1.1.4.1.{number}": algorithm
    for number, algorithm in enumerate(
        (Hash.SHA1, Hash.SHA224, Hash.SHA256, Hash.SHA384, Hash.SHA512), 1
    )
}
"""ecdsa-plain-signatures (TR-03111, 5.2.1.1), which TR-03105-5.1, 7.1.2 requires."""

_SCHEMES: Final = {
    **{oid: SignatureScheme(*pair) for oid, pair in (_OIDS | _DSA).items()},
    **{
        oid: SignatureScheme(SignatureFamily.ECDSA, algorithm, plain=True)
        for oid, algorithm in _PLAIN.items()
    },
}
_BY_SCHEME: Final = {scheme: oid for oid, scheme in _SCHEMES.items()}


def scheme_for(key: VerifyingKey, algorithm: Hash) -> SignatureScheme:
    """Return the default scheme of a key: ECDSA, DSA, or RSA-PSS as Doc 9303-12 recommends."""
    if isinstance(key, DsaPublicKey):
        return SignatureScheme(SignatureFamily.DSA, algorithm)
    family = SignatureFamily.ECDSA if isinstance(key, EcPublicKey) else SignatureFamily.RSA_PSS
    return SignatureScheme(family, algorithm)


def encode_scheme(scheme: SignatureScheme) -> bytes:
    """Encode a SignatureAlgorithmIdentifier.

    The parameters are NULL for RSA, absent for DSA and ECDSA, and those of RSA-PSS.
    """
    if scheme.family is SignatureFamily.RSA_PSS:
        return der.sequence(der.oid(ID_RSA_PSS), encode_pss(scheme))
    oid = der.oid(_BY_SCHEME[scheme])
    return (
        der.sequence(oid, der.null()) if scheme.family is SignatureFamily.RSA else der.sequence(oid)
    )


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
        if algorithm.parameters is None:
            raise value.malformed("RSA-PSS without parameters")
        scheme, has_trailer = read_pss(algorithm.parameters)
        if has_trailer:
            tolerated.add(Quirk.PSS_DEFAULT)
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
        return _SCHEMES[algorithm.oid]
    except KeyError:
        reason = Reason("the signature algorithm {oid} is not known", oid=algorithm.oid)
        raise UnknownAlgorithmError(value.what, reason) from None
