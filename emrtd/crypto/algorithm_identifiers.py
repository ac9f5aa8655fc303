"""Identifiers of hash algorithms and the parameters of RSA-PSS (RFC 4055, 3.1; RFC 5754, 2)."""

from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_algorithm, read_integer
from emrtd.crypto.hashes import HASH_BY_OID, Hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from support.errors import MalformedError, MisuseError
from support.reasons import Reason

ID_RSA_PSS: Final = "1.2.840.113549.1.1.10"
ID_MGF1: Final = "1.2.840.113549.1.1.8"


class UnknownAlgorithmError(MalformedError):
    """A well-formed algorithm identifier of an unknown algorithm."""


def encode_hash(algorithm: Hash) -> bytes:
    """Encode a DigestAlgorithmIdentifier without parameters (Doc 9303-10, 4.6.2.2; RFC 5754, 2)."""
    return der.sequence(der.oid(algorithm.oid))


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
        raise UnknownAlgorithmError(
            value.what, Reason("the hash algorithm {oid} is not known", oid=algorithm.oid)
        )
    return found


_WRITTEN_HASHES: Final = {
    der.sequence(der.oid(oid), *parameters): each
    for oid, each in HASH_BY_OID.items()
    for parameters in ((), (der.null(),))
}
"""Each encoded DigestAlgorithmIdentifier, without parameters and with NULL."""


def encode_pss(scheme: SignatureScheme) -> bytes:
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


def read_pss(value: ber.Value) -> tuple[SignatureScheme, bool]:
    """Read RSASSA-PSS-params; return the scheme, and whether the trailer's default is written.

    Raises `UnknownAlgorithmError` for a hash that is not known, otherwise `MalformedError`.
    """
    fields = {}
    for field in value.expect(der.SEQUENCE).children:
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
            raise value.malformed(Reason("an RSA-PSS salt of {salt} octets", salt=salt))
    if 0xA3 in fields and read_integer(fields[0xA3]) != 1:
        raise value.malformed("an RSA-PSS trailer that is not BC")
    return SignatureScheme(SignatureFamily.RSA_PSS, digest, salt, mgf), 0xA3 in fields


def _only(field: ber.Value) -> ber.Value:
    children = field.children
    if len(children) != 1:
        raise field.malformed("does not hold exactly one value")
    return children[0]
