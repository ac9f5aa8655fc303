"""Public keys of card-verifiable certificates (Doc 9303-12, 7.2.3.2; TR-03110-3, D.3).

The object identifier names the kind of key and the signature scheme.  Certificates of a CVCA
contain the domain parameters of elliptic-curve keys; the certificates below it inherit them.
"""

from typing import Final

import msgspec

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto import signatures
from emrtd.crypto.curves import Curve, explicit_curve
from emrtd.crypto.hashes import Hash
from emrtd.crypto.protocols import ID_TA
from emrtd.crypto.signatures import (
    EcPublicKey,
    PublicKey,
    RsaPublicKey,
    SignatureFamily,
    SignatureScheme,
    Signer,
)
from emrtd.errors import ProtocolError
from emrtd.tlv import DataObject, DataObjects
from support.errors import MalformedError, MisuseError
from support.reasons import Reason

PUBLIC_KEY: Final = 0x7F49
_MODULUS, _EXPONENT = 0x81, 0x82
_PRIME, _A, _B, _GENERATOR, _ORDER, _POINT, _COFACTOR = 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87
_KNOWN: Final = frozenset((der.OID, *range(_PRIME, _COFACTOR + 1)))
_MAX_INTEGER: Final = 1024  # octets: 8,192 bits

SCHEMES: Final = {
    f"{ID_TA}.1.1": SignatureScheme(SignatureFamily.RSA, Hash.SHA1),
    f"{ID_TA}.1.2": SignatureScheme(SignatureFamily.RSA, Hash.SHA256),
    f"{ID_TA}.1.3": SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA1),
    f"{ID_TA}.1.4": SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256),
    f"{ID_TA}.1.5": SignatureScheme(SignatureFamily.RSA, Hash.SHA512),
    f"{ID_TA}.1.6": SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA512),
    f"{ID_TA}.2.1": SignatureScheme(SignatureFamily.ECDSA, Hash.SHA1),
    f"{ID_TA}.2.2": SignatureScheme(SignatureFamily.ECDSA, Hash.SHA224),
    f"{ID_TA}.2.3": SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256),
    f"{ID_TA}.2.4": SignatureScheme(SignatureFamily.ECDSA, Hash.SHA384),
    f"{ID_TA}.2.5": SignatureScheme(SignatureFamily.ECDSA, Hash.SHA512),
}
"""id-TA-RSA-… and id-TA-ECDSA-…; of these Doc 9303-11, 9.2.9 has PSS and ECDSA, not with SHA-1."""


def scheme_oid(scheme: SignatureScheme) -> str:
    """Return the identifier of a signature scheme; `MisuseError` if the standard has none."""
    found = next((oid for oid, each in SCHEMES.items() if each == scheme), None)
    if found is None:
        raise MisuseError(f"card-verifiable certificates have no {scheme.description}")
    return found


class CvPublicKey(msgspec.Struct, frozen=True):
    """A public key data object (7F49).

    `key` is the RSA key, or the EC key with its curve.  If the curve is inherited, `key` is None
    and `point` is the encoded point.
    """

    oid: str
    key: PublicKey | None
    point: bytes | None = None

    @classmethod
    def of(cls, key: PublicKey, scheme: SignatureScheme) -> "CvPublicKey":
        """Return the data object of a key with all its parameters."""
        is_ecdsa = scheme.family is SignatureFamily.ECDSA
        if is_ecdsa is not isinstance(key, EcPublicKey):
            raise MisuseError(f"{key.description} cannot make {scheme.description}")
        return cls(scheme_oid(scheme), key)

    @property
    def scheme(self) -> SignatureScheme:
        """The key's signature scheme; `ProtocolError` if it is not for Terminal Authentication."""
        scheme = SCHEMES.get(self.oid)
        if scheme is None:
            raise ProtocolError(
                Reason("the key is for {oid}, not for Terminal Authentication", oid=self.oid)
            )
        return scheme

    def inherit(self, curve: Curve | None) -> "CvPublicKey":
        """Return the key on the curve of its issuer, if it has no domain parameters.

        Raises `ProtocolError` if there is no curve to inherit, or if the point is not on it.
        """
        if self.key is not None or self.point is None:
            return self
        if curve is None:
            raise ProtocolError("the key has no domain parameters and inherits none")
        try:
            return CvPublicKey(self.oid, EcPublicKey(curve, curve.decode_point(self.point)))
        except MalformedError as error:
            raise ProtocolError(error.said) from None

    @property
    def curve(self) -> Curve | None:
        """The curve of this key, which others may inherit; None for RSA and if it is inherited."""
        return self.key.curve if isinstance(self.key, EcPublicKey) else None

    def verify(self, signature: bytes, message: bytes) -> None:
        """Verify a signature as in certificates (ECDSA: r || s); raises `ProtocolError`."""
        if self.key is None:
            raise ProtocolError("a key without domain parameters cannot verify")
        if isinstance(self.key, EcPublicKey):
            try:
                signature = signatures.ecdsa_from_plain(signature, self.key.curve)
            except MalformedError as error:
                raise ProtocolError(error.said) from None
        signatures.verify(self.key, self.scheme, signature, message)

    def encode(self, *, domain_parameters: bool = True) -> bytes:
        """Encode 7F49; without domain parameters an EC key is only its point."""
        return tlv.encode(PUBLIC_KEY, der.oid(self.oid), *self._objects(domain_parameters))

    def _objects(self, domain_parameters: bool) -> tuple[bytes, ...]:
        if isinstance(self.key, RsaPublicKey):
            return _integer(_MODULUS, self.key.n), _integer(_EXPONENT, self.key.e)
        if self.key is None:
            return (tlv.encode(_POINT, self.point or b""),)
        curve = self.key.curve
        point = tlv.encode(_POINT, curve.encode_point(self.key.point))
        if not domain_parameters:
            return (point,)
        return (
            _integer(_PRIME, curve.p),
            _integer(_A, curve.a),
            _integer(_B, curve.b),
            tlv.encode(_GENERATOR, curve.encode_point(curve.g)),
            _integer(_ORDER, curve.n),
            point,
            _integer(_COFACTOR, curve.h),
        )

    @classmethod
    def read(cls, data_object: DataObject) -> "CvPublicKey":
        """Read 7F49; raises `MalformedError`, also if the parameters are not those of a curve."""
        fields = data_object.children()
        oid = der.read_oid(fields.one(der.OID))
        for each in fields:
            if each.tag not in _KNOWN:
                raise each.malformed("is not a part of a public key")
        if fields.get(_POINT) is None:
            return cls(oid, _read_rsa(fields))
        point = fields.one(_POINT).value
        if fields.get(_PRIME) is None:
            return cls(oid, None, point)
        curve = _read_curve(fields)
        try:
            return cls(oid, EcPublicKey(curve, curve.decode_point(point)))
        except ProtocolError as error:
            raise fields.one(_POINT).malformed(error.said) from None


def kind_of(key: CvPublicKey) -> str:
    """Return the kind of a key, as `generate_private_key` names it.

    Raises `MisuseError` if the key has no domain parameters.
    """
    if key.key is None:
        raise MisuseError("the key has no domain parameters")
    if isinstance(key.key, EcPublicKey):
        return key.key.curve.name
    return f"RSA-{key.key.n.bit_length()}"


def sign(signer: Signer, scheme: SignatureScheme, message: bytes) -> bytes:
    """Sign as certificates and terminals do: ECDSA as r || s (TR-03111, 5.2.1)."""
    signature = signer.sign(scheme, message)
    key = signer.public_key
    return (
        signatures.ecdsa_to_plain(signature, key.curve)
        if isinstance(key, EcPublicKey)
        else signature
    )


def _integer(tag: int, number: int) -> bytes:
    """Encode an unsigned integer in the fewest octets (Doc 9303-12, 7.2.3.1.1)."""
    return tlv.encode(tag, number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big"))


def _unsigned(data_object: DataObject) -> int:
    if not 1 <= len(data_object.value) <= _MAX_INTEGER:
        raise data_object.malformed("an integer of 1 to 1,024 octets is expected")
    return int.from_bytes(data_object.value, "big")


def _read_rsa(fields: DataObjects) -> RsaPublicKey:
    n, e = _unsigned(fields.one(_MODULUS)), _unsigned(fields.one(_EXPONENT))
    if n < 3 or e < 3 or n % 2 == 0 or e % 2 == 0:
        raise fields.one(_MODULUS).malformed("modulus and exponent must be odd and at least 3")
    return RsaPublicKey(n, e)


def _read_curve(fields: DataObjects) -> Curve:
    p, a, b, n = (_unsigned(fields.one(tag)) for tag in (_PRIME, _A, _B, _ORDER))
    generator = fields.one(_GENERATOR)
    size = (p.bit_length() + 7) // 8
    if len(generator.value) != 1 + 2 * size or generator.value[0] != 4:
        raise generator.malformed("the generator is not an uncompressed point")
    x, y = (int.from_bytes(generator.value[at : at + size], "big") for at in (1, 1 + size))
    cofactor = fields.get(_COFACTOR)
    h = 1 if cofactor is None else _unsigned(cofactor)
    return explicit_curve(p, a, b, (x, y), n, h=h)
