"""Signature schemes as AlgorithmIdentifiers (Doc 9303-12, 4.1.6; RFC 4055, RFC 5754)."""

from typing import Final

from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.errors import MisuseError

ID_RSASSA_PSS: Final = "1.2.840.113549.1.1.10"
ID_MGF1: Final = "1.2.840.113549.1.1.8"

RSA_OIDS: Final = {
    Hash.SHA1: "1.2.840.113549.1.1.5",
    Hash.SHA224: "1.2.840.113549.1.1.14",
    Hash.SHA256: "1.2.840.113549.1.1.11",
    Hash.SHA384: "1.2.840.113549.1.1.12",
    Hash.SHA512: "1.2.840.113549.1.1.13",
}

ECDSA_OIDS: Final = {
    Hash.SHA1: "1.2.840.10045.4.1",
    Hash.SHA224: "1.2.840.10045.4.3.1",
    Hash.SHA256: "1.2.840.10045.4.3.2",
    Hash.SHA384: "1.2.840.10045.4.3.3",
    Hash.SHA512: "1.2.840.10045.4.3.4",
}


def encode_signature_algorithm(scheme: SignatureScheme) -> bytes:
    """Write the AlgorithmIdentifier of a scheme.

    RSA with PKCS#1 v1.5 has NULL parameters, ECDSA none (RFC 4055, 5; RFC 5758, 3.2).  SHA-1 signs
    nothing new: it raises `MisuseError`.
    """
    if scheme.hash is Hash.SHA1:
        raise MisuseError("SHA-1 signs nothing new: choose SHA-256 or stronger")
    match scheme.family:
        case SignatureFamily.RSA:
            return der.sequence(der.oid(RSA_OIDS[scheme.hash]), der.null())
        case SignatureFamily.RSA_PSS:
            return der.sequence(der.oid(ID_RSASSA_PSS), _pss_parameters(scheme))
        case SignatureFamily.ECDSA:
            return der.sequence(der.oid(ECDSA_OIDS[scheme.hash]))


def _pss_parameters(scheme: SignatureScheme) -> bytes:
    """RSASSA-PSS-params (RFC 4055, 3.1); its defaults are SHA-1's, so nothing is left out."""
    salt = scheme.hash.size if scheme.salt_length is None else scheme.salt_length
    mask = der.sequence(der.oid(ID_MGF1), _hash_algorithm(scheme.mgf_hash or scheme.hash))
    return der.sequence(
        der.tagged(0, _hash_algorithm(scheme.hash)),
        der.tagged(1, mask),
        der.tagged(2, der.integer(salt)) if salt != 20 else b"",
    )


def _hash_algorithm(algorithm: Hash) -> bytes:
    """The identifier of a hash inside PSS, with the NULL that RFC 4055, 2.1 has."""
    return der.sequence(der.oid(algorithm.oid), der.null())
