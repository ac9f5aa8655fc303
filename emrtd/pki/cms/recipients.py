"""The recipients of an envelope, and the content key that is encrypted for each (RFC 5652, 6.2).

A key is agreed by ECDH with an ephemeral key (RFC 5753), or transported with RSA (RFC 3560).  RSA
with PKCS#1 v1.5 is read, and decrypted only if the caller allows it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_algorithm, read_integer, read_octets_of_bits
from emrtd.crypto.curves import Curve, Point
from emrtd.crypto.hashes import Hash
from emrtd.crypto.oaep import ID_RSAES_OAEP, OaepScheme, encrypt_oaep, read_oaep
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from emrtd.crypto.public_keys import ID_EC_PUBLIC_KEY, ID_RSA
from emrtd.crypto.signatures import PublicKey, RsaPublicKey
from emrtd.errors import ProtocolError
from emrtd.iso7816.procedure import Random
from emrtd.pki.cms.content_encryption import USE_AES
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.names import Name
from support.errors import MalformedError
from support.secret import Secret

MAX_RECIPIENTS: Final = 16

_AES: Final = "2.16.840.1.101.3.4.1"
_WRAPS: Final = {f"{_AES}.5": 16, f"{_AES}.25": 24, f"{_AES}.45": 32}
"""AES key wrap (RFC 3565, 2.3.2): the size of the key-encryption key, in octets."""
_AES_256_WRAP: Final = f"{_AES}.45"

_ECDH_SHA256: Final = "1.3.132.1.11.1"
_ECDH: Final = {  # RFC 5753, 7.1.4: dhSinglePass-stdDH-*, then dhSinglePass-cofactorDH-*
    "1.3.133.16.840.63.0.2": Hash.SHA1,
    "1.3.132.1.11.0": Hash.SHA224,
    _ECDH_SHA256: Hash.SHA256,
    "1.3.132.1.11.2": Hash.SHA384,
    "1.3.132.1.11.3": Hash.SHA512,
    "1.3.133.16.840.63.0.3": Hash.SHA1,  # the same: every curve has the cofactor 1
    "1.3.132.1.14.0": Hash.SHA224,
    "1.3.132.1.14.1": Hash.SHA256,
    "1.3.132.1.14.2": Hash.SHA384,
    "1.3.132.1.14.3": Hash.SHA512,
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient: a key identifier, or a certificate's issuer (encoded) and serial number."""

    key_identifier: bytes | None = None
    issuer: bytes | None = None
    serial_number: int | None = None

    def names(self, certificate: Certificate) -> bool:
        """Whether this recipient is the holder of a certificate."""
        if self.key_identifier is not None:
            return certificate.extensions.subject_key_identifier == self.key_identifier
        if self.issuer is None or certificate.serial != self.serial_number:
            return False
        issuer = Name.read(ber.read(self.issuer, "recipient"))
        return certificate.issuer.matches(issuer)


@dataclass(frozen=True, slots=True)
class AgreedKey:
    """A content key that is wrapped with a key agreed by ECDH.

    `originator` is the ephemeral point (X9.62), `kdf_hash` the hash of the X9.63 KDF, `wrap` the
    AlgorithmIdentifier of the key wrap as it is encoded, `wrap_size` the size of its key in octets,
    `material` the originator's key material, empty without any.
    """

    recipient: Recipient
    originator: bytes = field(repr=False)
    kdf_hash: Hash
    wrap: bytes
    wrap_size: int
    material: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)

    def unwrap(self, key: PrivateKey, size: int) -> Secret | None:
        """Return the content key of `size` octets; None if it is for another private key."""
        from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

        if not isinstance(key, EcPrivateKey):
            return None
        curve = key.public_key.curve
        try:
            point = curve.decode_point(self.originator)
            wrapping = _wrapping_key(
                _agree(key, point), self.kdf_hash, self.wrap, self.wrap_size, self.material
            )
            found = Secret(aes_key_unwrap(wrapping, self.wrapped))
        except (MalformedError, ProtocolError, InvalidUnwrap, ValueError):
            return None
        return found if len(found) == size else None


@dataclass(frozen=True, slots=True)
class TransportedKey:
    """A content key that is encrypted with RSA; `scheme` is None for PKCS#1 v1.5."""

    recipient: Recipient
    scheme: OaepScheme | None
    encrypted: bytes = field(repr=False)

    def unwrap(self, key: PrivateKey, size: int) -> Secret | None:
        """Return the content key of `size` octets; None if it is for another private key.

        With PKCS#1 v1.5 a random key stands for one that cannot be decrypted.
        """
        if not isinstance(key, RsaPrivateKey):
            return None
        if self.scheme is None:
            return key.decrypt_pkcs1(self.encrypted, size)
        try:
            found = key.decrypt_oaep(self.encrypted, self.scheme)
        except ProtocolError:
            return None
        return found if len(found) == size else None


EncryptedKey = AgreedKey | TransportedKey
"""The content key, encrypted for one recipient."""


def read_recipients(infos: ber.Value) -> tuple[EncryptedKey, ...]:
    """Read RecipientInfos; those of other kinds (a password, X25519) are left out.

    Raises `MalformedError`, with the reason for the first one, if all of them are of other kinds.
    """
    every = infos.expect(der.SET).children
    if not 1 <= len(every) <= MAX_RECIPIENTS:
        raise infos.malformed(f"names {len(every)} recipients")
    keys: list[EncryptedKey] = []
    objections: list[MalformedError] = []
    for info in every:
        try:
            keys += _read_recipient(info)
        except MalformedError as error:
            objections.append(error)
    if not keys:
        raise objections[0]
    return tuple(keys)


def encrypt_key(
    content_key: bytes, recipient: PublicKey, key_identifier: bytes, random: Random
) -> bytes:
    """Encrypt a content key for a recipient; return the RecipientInfo.

    For an EC key with an ephemeral ECDH (SHA-256) and AES-256 key wrap, for an RSA key with
    RSAES-OAEP (SHA-256).
    """
    if isinstance(recipient, RsaPublicKey):
        scheme = OaepScheme(Hash.SHA256, Hash.SHA256)
        return der.sequence(  # KeyTransRecipientInfo
            der.integer(2),
            der.tagged_primitive(0, key_identifier),
            scheme.encode(),
            der.octet_string(encrypt_oaep(recipient, content_key, scheme)),
        )
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    curve = recipient.curve
    ephemeral = EcPrivateKey.generate(curve, random=random)
    wrap = der.sequence(der.oid(_AES_256_WRAP))
    wrapping = _wrapping_key(_agree(ephemeral, recipient.point), Hash.SHA256, wrap, 32, b"")
    originator = der.tagged(  # OriginatorPublicKey; the recipient knows the curve
        1,
        der.sequence(der.oid(ID_EC_PUBLIC_KEY)),
        der.bit_string(curve.encode_point(ephemeral.public_key.point)),
    )
    recipient_key = der.sequence(
        der.tagged(0, der.octet_string(key_identifier)),
        der.octet_string(aes_key_wrap(wrapping, content_key)),
    )
    return der.tagged(  # KeyAgreeRecipientInfo
        1,
        der.integer(3),
        der.tagged(0, originator),
        der.sequence(der.oid(_ECDH_SHA256), wrap),
        der.sequence(recipient_key),
    )


def _read_recipient(info: ber.Value) -> Iterator[EncryptedKey]:
    if info.tag == der.SEQUENCE:
        yield _read_transported(info)
    elif info.tag == 0xA1:
        yield from _read_agreed(info)
    else:
        raise info.malformed("is neither a key agreement nor a key transport")


def _read_transported(info: ber.Value) -> TransportedKey:
    """Read a KeyTransRecipientInfo (RFC 5652, 6.2.1)."""
    _, identifier, encryption, encrypted = _fields(info, 4)
    algorithm = read_algorithm(encryption)
    if algorithm.oid == ID_RSAES_OAEP:
        scheme = read_oaep(algorithm.parameters)
    elif algorithm.oid == ID_RSA:
        scheme = None
    else:
        raise encryption.malformed(f"a key transport with {algorithm.oid}, which is not RSA")
    if identifier.tag == 0x80:
        recipient = Recipient(key_identifier=identifier.contents)
    else:
        recipient = _read_issuer_and_serial(identifier)
    return TransportedKey(recipient, scheme, encrypted.expect(der.OCTET_STRING).contents)


def _read_agreed(info: ber.Value) -> Iterator[AgreedKey]:
    """Read a KeyAgreeRecipientInfo (RFC 5652, 6.2.2), which may be for several keys."""
    fields = list(info.children)
    material = b""
    if len(fields) == 5:  # ukm
        material = _only(fields.pop(2).expect(0xA1)).expect(der.OCTET_STRING).contents
    if len(fields) != 4:
        raise info.malformed(f"{len(fields)} fields instead of 4")
    _, originator, agreement, keys = fields
    algorithm = read_algorithm(agreement)
    kdf_hash = _ECDH.get(algorithm.oid)
    if kdf_hash is None or algorithm.parameters is None:
        raise agreement.malformed(f"{algorithm.oid} is not ECDH with the KDF of X9.63")
    wrap = algorithm.parameters
    wrapping = read_algorithm(wrap).oid
    wrap_size = _WRAPS.get(wrapping)
    if wrap_size is None:
        raise MalformedError(
            agreement.what,
            f"its content's key is wrapped with {wrapping}, which is not AES key wrap",
            advice=USE_AES,  # openssl cms wraps with 3DES unless a cipher is named
        )
    ephemeral = _only(originator.expect(0xA0))
    if ephemeral.tag != 0xA1:
        raise originator.malformed("is not an ephemeral key")
    point = read_octets_of_bits(_fields(ephemeral, 2)[1])
    found = False
    objection = keys.malformed("names no recipient")
    for each in islice(keys.expect(der.SEQUENCE).children, MAX_RECIPIENTS):
        try:
            identifier, wrapped = _fields(each, 2)
            recipient = _read_key_agree_identifier(identifier)
            octets = wrapped.expect(der.OCTET_STRING).contents
        except MalformedError as error:
            objection = error
        else:
            found = True
            yield AgreedKey(recipient, point, kdf_hash, wrap.encoded, wrap_size, material, octets)
    if not found:
        raise objection


def _read_key_agree_identifier(identifier: ber.Value) -> Recipient:
    if identifier.tag == 0xA0:  # RecipientKeyIdentifier: a date and other fields may follow
        fields = identifier.children
        if not fields:
            raise identifier.malformed("names no key")
        return Recipient(key_identifier=fields[0].expect(der.OCTET_STRING).contents)
    return _read_issuer_and_serial(identifier)


def _read_issuer_and_serial(identifier: ber.Value) -> Recipient:
    issuer, serial = _fields(identifier.expect(der.SEQUENCE), 2)
    Name.read(issuer)
    return Recipient(issuer=issuer.encoded, serial_number=read_integer(serial))


def _fields(value: ber.Value, count: int) -> tuple[ber.Value, ...]:
    fields = value.children
    if len(fields) != count:
        raise value.malformed(f"{len(fields)} fields instead of {count}")
    return fields


def _only(value: ber.Value) -> ber.Value:
    return _fields(value, 1)[0]


def _agree(private: EcPrivateKey, peer: Point) -> bytes:
    """Return the shared secret: the x coordinate, of the size of the field (RFC 5753, 7.1.2)."""
    curve: Curve = private.public_key.curve
    number = int.from_bytes(private.private.reveal(), "big")
    return curve.multiply(number, peer)[0].to_bytes(curve.size, "big")


def _wrapping_key(
    shared_secret: bytes, kdf_hash: Hash, wrap: bytes, size: int, material: bytes
) -> bytes:
    """Derive the key-encryption key of `size` octets (RFC 5753, 7.2; ANSI X9.63 KDF)."""
    shared_info = der.sequence(
        wrap,
        *([der.tagged(0, der.octet_string(material))] if material else []),
        der.tagged(2, der.octet_string((8 * size).to_bytes(4, "big"))),
    )
    rounds = (
        kdf_hash.digest(shared_secret + counter.to_bytes(4, "big") + shared_info)
        for counter in range(1, -(-size // kdf_hash.size) + 1)
    )
    return b"".join(rounds)[:size]
