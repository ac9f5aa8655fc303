"""SubjectPublicKeyInfo: RSA, DSA, and curves by name or by parameters (RFC 3279; TR-03111, 5.1).

Doc 9303-12, 4.1.6.3 requires explicit parameters.  They are matched by p, a, b, G and n against the
known curves, and never used directly: an attacker who chooses the generator could sign for any
public key.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_oid
from emrtd.crypto.curves import Curve, curve_by_oid, explicit_curve, find_curve
from emrtd.crypto.signatures import DsaPublicKey, EcPublicKey, PublicKey, RsaPublicKey, VerifyingKey
from emrtd.errors import ProtocolError
from support.errors import MalformedError
from support.reasons import Reason

ID_RSA: Final = "1.2.840.113549.1.1.1"
ID_RSA_PSS: Final = "1.2.840.113549.1.1.10"
ID_DSA: Final = "1.2.840.10040.4.1"
ID_EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
ID_EC_DH: Final = "1.3.132.1.12"
ID_PRIME_FIELD: Final = "1.2.840.10045.1.1"

_WHAT: Final = "public key"
_MAX_DSA_BITS: Final = 4096


class UnusableKeyError(MalformedError):
    """A public key that is well formed, but of a kind or on a curve that is not supported.

    `description` names the kind: "a key of algorithm 1.2.840.10040.4.1", "an unknown curve of 256
    bits".
    """

    def __init__(self, what: str, description: str) -> None:
        self.description = description
        super().__init__(what, Reason("{description} is not supported", description=description))


def decode_public_key(octets: bytes) -> PublicKey:
    """Read a DER SubjectPublicKeyInfo.

    Raises `UnusableKeyError` for an unsupported kind or curve, otherwise `MalformedError`.
    """
    key = verifying_key_from(ber.read(octets, _WHAT))
    if isinstance(key, DsaPublicKey):
        raise UnusableKeyError(_WHAT, Reason("a key of algorithm {oid}", oid=ID_DSA))
    return key


def verifying_key_from(info: ber.Value) -> VerifyingKey:
    """Read a SubjectPublicKeyInfo inside another value; raises as `decode_public_key` does."""
    fields = info.expect(der.SEQUENCE).children
    if len(fields) != 2:
        raise info.malformed("an algorithm and a key are expected")
    key = fields[1].expect(der.BIT_STRING)
    octets = key.contents
    if octets[:1] != b"\0":
        raise key.malformed("a key must be whole octets")
    shared = _shared_curve(fields[0].encoded)
    if shared is not None:
        return _decode_point(shared, octets[1:], info)
    algorithm = fields[0].expect(der.SEQUENCE).children
    if not algorithm:
        raise info.malformed("the algorithm is missing")
    oid = read_oid(algorithm[0])
    if oid in (ID_RSA, ID_RSA_PSS):
        return _decode_rsa(octets[1:], info.what)
    if oid == ID_DSA:
        return _decode_dsa(algorithm[1:], octets[1:], info)
    if oid not in (ID_EC_PUBLIC_KEY, ID_EC_DH):
        raise UnusableKeyError(info.what, Reason("a key of algorithm {oid}", oid=oid))
    if len(algorithm) != 2:
        raise info.malformed("an elliptic-curve key needs its parameters")
    return _decode_point(curve_from(algorithm[1]), octets[1:], info)


def _decode_point(curve: Curve, octets: bytes, info: ber.Value) -> EcPublicKey:
    try:
        return EcPublicKey(curve, curve.decode_point(octets))
    except (MalformedError, ProtocolError) as error:
        raise info.malformed(error.said) from None


@lru_cache(maxsize=256)
def _shared_curve(algorithm: bytes) -> Curve | None:
    """Return the curve that an algorithm names; None if it must be read where it stands.

    All keys on a curve have one of a few encodings of it, by its name or by its parameters.
    """
    try:
        fields = ber.read(algorithm, _WHAT).expect(der.SEQUENCE).children
        if len(fields) == 2 and read_oid(fields[0]) in {ID_EC_PUBLIC_KEY, ID_EC_DH}:
            return curve_from(fields[1])
    except MalformedError:
        pass
    return None


def encode_public_key(key: VerifyingKey, *, explicit: bool = True) -> bytes:
    """Write a DER SubjectPublicKeyInfo; curve parameters are explicit (Doc 9303-12) or named."""
    if isinstance(key, RsaPublicKey):
        algorithm = der.sequence(der.oid(ID_RSA), der.null())
        octets = der.sequence(der.integer(key.n), der.integer(key.e))
    elif isinstance(key, DsaPublicKey):
        domain = der.sequence(der.integer(key.p), der.integer(key.q), der.integer(key.g))
        algorithm = der.sequence(der.oid(ID_DSA), domain)
        octets = der.integer(key.y)
    else:
        parameters = encode_parameters(key.curve) if explicit else der.oid(key.curve.oid)
        algorithm = der.sequence(der.oid(ID_EC_PUBLIC_KEY), parameters)
        octets = key.curve.encode_point(key.point)
    return der.sequence(algorithm, der.bit_string(octets))


def encode_parameters(curve: Curve) -> bytes:
    """Write a curve as DER ECParameters, with its cofactor (TR-03111, 5.1.1)."""
    return der.sequence(
        der.integer(1),
        der.sequence(der.oid(ID_PRIME_FIELD), der.integer(curve.p)),
        der.sequence(
            der.octet_string(curve.a.to_bytes(curve.size, "big")),
            der.octet_string(curve.b.to_bytes(curve.size, "big")),
        ),
        der.octet_string(curve.encode_point(curve.g)),
        der.integer(curve.n),
        der.integer(curve.h),
    )


def curve_from(parameters: ber.Value, *, explicit: bool = False) -> Curve:
    """Read EcpkParameters: the name of a curve, or the explicit parameters of a known curve.

    Raises `UnusableKeyError` for an unknown curve, `MalformedError` for invalid parameters.
    `explicit` accepts unknown curves after validation: for key agreement, never for signatures.
    """
    what = parameters.what
    if parameters.tag == der.OID:
        oid = read_oid(parameters)
        named = curve_by_oid(oid)
        if named is None:
            raise UnusableKeyError(what, Reason("the curve {oid}", oid=oid))
        return named
    if parameters.tag == der.NULL:
        raise UnusableKeyError(what, "a curve inherited from the issuer")
    return _match(parameters.expect(der.SEQUENCE), explicit=explicit)


def _match(parameters: ber.Value, *, explicit: bool) -> Curve:
    what = parameters.what
    fields = parameters.children
    if not 5 <= len(fields) <= 7:
        raise parameters.malformed(
            Reason("{count} curve parameters instead of 5 to 7", count=len(fields))
        )
    field, coefficients = fields[1].expect(der.SEQUENCE).children, fields[2].children
    if len(field) != 2 or len(coefficients) < 2:
        raise parameters.malformed("the curve parameters lack a field or a coefficient")
    field_type = der.read_oid_value(field[0].expect(der.OID).contents, what)
    if field_type != ID_PRIME_FIELD:
        raise UnusableKeyError(what, "a curve over a field that is not a prime field")
    p, n = _unsigned(field[1]), _unsigned(fields[4].expect(der.INTEGER))
    a, b = (
        int.from_bytes(each.expect(der.OCTET_STRING).contents, "big") for each in coefficients[:2]
    )
    base = fields[3].expect(der.OCTET_STRING).contents
    size = (p.bit_length() + 7) // 8
    if len(base) == 1 + 2 * size and base[0] in (4, 6, 7):
        g = int.from_bytes(base[1 : 1 + size], "big"), int.from_bytes(base[1 + size :], "big")
        curve = find_curve(p, a, b, g, n)
        if explicit and curve is None:
            return explicit_curve(p, a, b, g, n, h=_unsigned(fields[5]) if len(fields) > 5 else 1)
    elif len(base) == 1 + size and base[0] in (2, 3):
        curve = _find_compressed(p, a, b, base, n)
    else:
        raise fields[3].malformed("the base point is not a point")
    if curve is None:
        raise UnusableKeyError(
            what, Reason("an unknown curve of {bit_length} bits", bit_length=p.bit_length())
        )
    return curve


def _find_compressed(p: int, a: int, b: int, base: bytes, n: int) -> Curve | None:
    from emrtd.crypto.curves import CURVES

    x, odd = int.from_bytes(base[1:], "big"), base[0] & 1
    for curve in CURVES.values():
        if curve.g[0] == x and curve.g[1] & 1 == odd:
            return find_curve(p, a, b, curve.g, n)
    return None


def _unsigned(value: ber.Value) -> int:
    """Read an INTEGER as a number that is not negative; a missing leading zero is a quirk."""
    return int.from_bytes(value.expect(der.INTEGER).contents, "big")


def _decode_rsa(octets: bytes, what: str) -> RsaPublicKey:
    numbers = ber.read(octets, what).expect(der.SEQUENCE).children
    if len(numbers) != 2:
        raise MalformedError(what, "an RSA key must be a modulus and an exponent")
    n, e = (_unsigned(number) for number in numbers)
    if n < 3 or e < 3 or n % 2 == 0 or e % 2 == 0:
        raise MalformedError(what, "an RSA modulus and exponent must be odd and at least 3")
    return RsaPublicKey(n, e)


def _decode_dsa(parameters: Sequence[ber.Value], octets: bytes, info: ber.Value) -> DsaPublicKey:
    """Read a DSA key with its domain parameters (RFC 3279, 2.3.2)."""
    if not parameters or parameters[0].tag == der.NULL:
        raise UnusableKeyError(info.what, "a DSA key that inherits its parameters")
    numbers = parameters[0].expect(der.SEQUENCE).children
    if len(parameters) != 1 or len(numbers) != 3:
        raise info.malformed("DSA parameters must be p, q and g")
    p, q, g = map(_unsigned, numbers)
    y = _unsigned(ber.read(octets, info.what))
    if not (2 < q < p <= 1 << _MAX_DSA_BITS and p % 2 and q % 2 and 1 < g < p and 1 < y < p):
        raise info.malformed("the numbers of a DSA key are out of range")
    return DsaPublicKey(p, q, g, y)
