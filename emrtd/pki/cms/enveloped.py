"""Envelopes: CMS AuthEnvelopedData (RFC 5083, RFC 5084, RFC 5753).

The content is encrypted with AES-256 in GCM mode; its key is wrapped with a key derived by an
ephemeral ECDH key agreement with the recipient's key.  `openssl cms -decrypt` decrypts them.  The
recipient is named by its subject key identifier, so that a private key can be found without its
certificate.

An envelope that is read may have further recipients, also of other kinds, and indefinite lengths,
as `openssl cms -encrypt -stream` writes them.
"""

import hashlib
import secrets
from dataclasses import dataclass
from itertools import islice
from typing import Final

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.crypto.curves import Point
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import ID_EC_PUBLIC_KEY
from emrtd.crypto.signatures import EcPublicKey
from emrtd.errors import ProtocolError
from emrtd.iso7816.procedure import Random
from support.errors import MalformedError
from support.secret import Secret

_ID_AUTH_ENVELOPED_DATA: Final = "1.2.840.113549.1.9.16.1.23"
_ID_DATA: Final = "1.2.840.113549.1.7.1"
_ECDH_SHA256_KDF: Final = "1.3.132.1.11.1"  # dhSinglePass-stdDH-sha256kdf-scheme
_AES_256_WRAP: Final = "2.16.840.1.101.3.4.1.45"
_AES_256_GCM: Final = "2.16.840.1.101.3.4.1.46"

_KDF_HASHES: Final = {  # RFC 5753, 7.1.4: dhSinglePass-stdDH-*
    "1.3.133.16.840.63.0.2": "sha1",
    _ECDH_SHA256_KDF: "sha256",
    "1.3.132.1.11.2": "sha384",
    "1.3.132.1.11.3": "sha512",
}

_MAX_RECIPIENTS: Final = 16
_KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_TAG_SIZE: Final = 16
_WHAT: Final = "envelope"


def seal(
    content: bytes,
    recipient: EcPublicKey,
    key_identifier: bytes,
    random: Random = secrets.token_bytes,
) -> bytes:
    """Encrypt content for the holder of a key; return the DER ContentInfo.

    `key_identifier` is the subject key identifier of the recipient's certificate.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    curve = recipient.curve
    ephemeral = EcPrivateKey.generate(curve, random=random)
    content_key, nonce = random(_KEY_SIZE), random(_NONCE_SIZE)
    wrapping_key = _key_encryption_key(ephemeral, recipient.point, "sha256")
    wrapped = aes_key_wrap(wrapping_key, content_key)
    encrypted = AESGCM(content_key).encrypt(nonce, content, None)
    originator = der.tagged(  # OriginatorPublicKey; the recipient knows the curve
        1,
        der.sequence(der.oid(ID_EC_PUBLIC_KEY)),
        der.bit_string(curve.encode_point(ephemeral.public_key.point)),
    )
    recipient_key = der.sequence(
        der.tagged(0, der.octet_string(key_identifier)), der.octet_string(wrapped)
    )
    recipient_info = der.tagged(  # KeyAgreeRecipientInfo
        1,
        der.integer(3),
        der.tagged(0, originator),
        der.sequence(der.oid(_ECDH_SHA256_KDF), der.sequence(der.oid(_AES_256_WRAP))),
        der.sequence(recipient_key),
    )
    cipher = der.sequence(
        der.oid(_AES_256_GCM), der.sequence(der.octet_string(nonce), der.integer(_TAG_SIZE))
    )
    enveloped = der.sequence(
        der.integer(0),
        der.set_of(recipient_info),
        der.sequence(der.oid(_ID_DATA), cipher, der.tagged_primitive(0, encrypted[:-_TAG_SIZE])),
        der.octet_string(encrypted[-_TAG_SIZE:]),
    )
    return der.sequence(der.oid(_ID_AUTH_ENVELOPED_DATA), der.tagged(0, enveloped))


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient: a key identifier, or a certificate's issuer and serial number."""

    key_identifier: bytes | None = None
    issuer: bytes | None = None
    serial_number: int | None = None


def recipients_of(envelope: bytes) -> list[Recipient]:
    """Return the recipients of an envelope; raises `MalformedError`."""
    return [each.recipient for each in _parse(envelope).keys]


def open_envelope(envelope: bytes, key: EcPrivateKey) -> Secret:
    """Decrypt an envelope that `seal` or `openssl cms -encrypt -aes-256-gcm` made.

    Raises `MalformedError` if the octets are not such an envelope, `ProtocolError` if it is for
    another key or its encrypted content was altered.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    parts = _parse(envelope)
    content_key = next(filter(None, (_unwrap(wrapped, key) for wrapped in parts.keys)), None)
    if content_key is None:
        raise ProtocolError("the envelope is for another key")
    try:
        return Secret(AESGCM(content_key).decrypt(parts.nonce, parts.encrypted, None))
    except (InvalidTag, ValueError):
        raise ProtocolError("the envelope was altered after it was sealed") from None


@dataclass(frozen=True, repr=False)
class _WrappedKey:
    """The content key, wrapped for one recipient."""

    recipient: Recipient
    originator: bytes
    kdf_hash: str
    wrapped: bytes


@dataclass(frozen=True, repr=False)
class _Parts:
    keys: list[_WrappedKey]
    nonce: bytes
    encrypted: bytes


def _parse(envelope: bytes) -> _Parts:
    whole = tlv.read_expected(ber.definite(envelope, _WHAT), der.SEQUENCE, _WHAT)
    kind, content = _fields(whole, 2)
    if der.read_oid(kind) != _ID_AUTH_ENVELOPED_DATA:
        raise kind.malformed("is not AuthEnvelopedData")
    _, recipients, encrypted_content, tag = _fields(_fields(content, 1)[0], 4)
    infos = recipients.children()
    if not 1 <= len(infos) <= _MAX_RECIPIENTS:
        raise recipients.malformed(f"names {len(infos)} recipients")
    _, cipher, encrypted = _fields(encrypted_content, 3)
    algorithm, parameters = _fields(cipher, 2)
    if der.read_oid(algorithm) != _AES_256_GCM:
        raise algorithm.malformed("is not AES-256 in GCM mode")
    nonce, tag_size = _fields(parameters, 2)
    if der.read_integer(tag_size) != _TAG_SIZE or len(tag.value) != _TAG_SIZE:
        raise tag.malformed(f"is not a tag of {_TAG_SIZE} octets")
    return _Parts(
        _parse_recipients(infos),
        der.read_octet_string(nonce),
        _parse_encrypted(encrypted) + der.read_octet_string(tag),
    )


def _parse_encrypted(encrypted: tlv.DataObject) -> bytes:
    """Return the encrypted content; it is in segments if it was written as a stream."""
    if encrypted.tag == 0xA0:
        return ber.joined(encrypted.value, _WHAT)
    if encrypted.tag != 0x80:
        raise encrypted.malformed("is not the encrypted content")
    return encrypted.value


def _parse_recipients(infos: tlv.DataObjects) -> list[_WrappedKey]:
    """Read the recipients; those of other kinds (RSA, a password) are left out.

    Raises `MalformedError`, with the reason for the first one, if all of them are of other kinds.
    """
    keys: list[_WrappedKey] = []
    objections: list[MalformedError] = []
    for info in infos:
        try:
            keys += _parse_recipient(info)
        except MalformedError as error:
            objections.append(error)
    if not keys:
        raise objections[0]
    return keys


def _parse_recipient(info: tlv.DataObject) -> list[_WrappedKey]:
    """Read a KeyAgreeRecipientInfo (RFC 5652, 6.2.2), which may be for several keys."""
    if info.tag != 0xA1:
        raise info.malformed("is not a key agreement")
    _, originator, agreement, keys = _fields(info, 4)
    scheme, wrapping = _fields(agreement, 2)
    kdf_hash = _KDF_HASHES.get(der.read_oid(scheme))
    if kdf_hash is None or wrapping.value != der.oid(_AES_256_WRAP):
        raise agreement.malformed("is not ECDH with a known KDF and AES-256 key wrap")
    originator_key = _fields(originator, 1)[0]
    if originator_key.tag != 0xA1:
        raise originator.malformed("is not an ephemeral key")
    point = _fields(originator_key, 2)[1]
    found: list[_WrappedKey] = []
    objection = keys.malformed("names no recipient")
    for each in islice(keys.children(), _MAX_RECIPIENTS):
        try:
            identifier, wrapped = _fields(each, 2)
            recipient, octets = _parse_identifier(identifier), der.read_octet_string(wrapped)
        except MalformedError as error:
            objection = error
        else:
            found.append(_WrappedKey(recipient, der.read_bit_string(point), kdf_hash, octets))
    if not found:
        raise objection
    return found


def _parse_identifier(identifier: tlv.DataObject) -> Recipient:
    if identifier.tag == 0xA0:
        return Recipient(key_identifier=der.read_octet_string(_fields(identifier, 1)[0]))
    issuer, serial_number = _fields(identifier, 2)
    encoded = tlv.encode(issuer.tag, issuer.value)
    return Recipient(issuer=encoded, serial_number=der.read_integer(serial_number))


def _fields(item: tlv.DataObject, count: int) -> tlv.DataObjects:
    fields = item.children()
    if len(fields) != count:
        raise item.malformed(f"{len(fields)} fields instead of {count}")
    return fields


def _unwrap(key: _WrappedKey, private: EcPrivateKey) -> bytes | None:
    """Return the content key; None if it was wrapped for another private key."""
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    try:
        point = private.public_key.curve.decode_point(key.originator)
        content_key = aes_key_unwrap(_key_encryption_key(private, point, key.kdf_hash), key.wrapped)
    except (MalformedError, ProtocolError, InvalidUnwrap, ValueError):
        return None
    return content_key if len(content_key) == _KEY_SIZE else None


def _key_encryption_key(private: EcPrivateKey, peer: Point, kdf_hash: str) -> bytes:
    """Derive the key-encryption key from the shared secret (RFC 5753, 7.2; ANSI X9.63)."""
    curve = private.public_key.curve
    number = int.from_bytes(private.private.reveal(), "big")
    shared_secret = curve.multiply(number, peer)[0].to_bytes(curve.size, "big")
    shared_info = der.sequence(
        der.sequence(der.oid(_AES_256_WRAP)),
        der.tagged(2, der.octet_string((8 * _KEY_SIZE).to_bytes(4, "big"))),
    )
    rounds = (
        hashlib.new(kdf_hash, shared_secret + counter.to_bytes(4, "big") + shared_info).digest()
        for counter in (1, 2)
    )
    return b"".join(rounds)[:_KEY_SIZE]
