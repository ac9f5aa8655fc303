"""Envelopes: CMS EnvelopedData and AuthEnvelopedData (RFC 5652, 6; RFC 5083).

`seal` makes AuthEnvelopedData: the content is encrypted with AES-256 in GCM mode, and its key for
the recipient's EC or RSA key.  `openssl cms -decrypt` decrypts them.  The recipient is named by its
subject key identifier, so that a private key can be found without its certificate.

An envelope that is read may be encrypted with AES of 128, 192 or 256 bits in GCM or CBC mode, may
have further recipients, also of other kinds, and may have indefinite lengths, as `openssl cms
-encrypt -stream` writes them.  CBC does not protect the content against changes.
"""

import io
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.stream import BerStream, Readable
from emrtd.asn1.structures import read_oid
from emrtd.crypto.private_keys import PrivateKey
from emrtd.crypto.signatures import PublicKey
from emrtd.iso7816.procedure import Random
from emrtd.pki.cms.content_encryption import (
    AES_256_GCM,
    TAG_SIZE,
    ContentCipher,
    NotOpenedError,
)
from emrtd.pki.cms.recipients import (
    AgreedKey,
    EncryptedKey,
    Recipient,
    TransportedKey,
    encrypt_key,
    read_recipients,
)
from support.secret import Secret

ID_ENVELOPED_DATA: Final = "1.2.840.113549.1.7.3"
ID_AUTH_ENVELOPED_DATA: Final = "1.2.840.113549.1.9.16.1.23"
_ID_DATA: Final = "1.2.840.113549.1.7.1"

_KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_WHAT: Final = "envelope"

Reopen = Callable[[], Readable]
"""Returns the octets of an envelope from their beginning; it is read twice."""


def seal(
    content: bytes,
    recipient: PublicKey,
    key_identifier: bytes,
    random: Random = secrets.token_bytes,
) -> bytes:
    """Encrypt content for the holder of a key; return the DER ContentInfo.

    `key_identifier` is the subject key identifier of the recipient's certificate.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    content_key, nonce = random(_KEY_SIZE), random(_NONCE_SIZE)
    recipient_info = encrypt_key(content_key, recipient, key_identifier, random)
    encrypted = AESGCM(content_key).encrypt(nonce, content, None)
    cipher = der.sequence(
        der.oid(AES_256_GCM), der.sequence(der.octet_string(nonce), der.integer(TAG_SIZE))
    )
    enveloped = der.sequence(
        der.integer(0),
        der.set_of(recipient_info),
        der.sequence(der.oid(_ID_DATA), cipher, der.tagged_primitive(0, encrypted[:-TAG_SIZE])),
        der.octet_string(encrypted[-TAG_SIZE:]),
    )
    return der.sequence(der.oid(ID_AUTH_ENVELOPED_DATA), der.tagged(0, enveloped))


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an envelope says outside of its encrypted content.

    `keys` holds the content key for each recipient; `content_type` is a dotted object identifier;
    `mac` is the tag of GCM, None for CBC; `attributes` are the authenticated attributes as GCM
    authenticates them, and `size` the octets of the encrypted content.
    """

    keys: tuple[EncryptedKey, ...]
    content_type: str
    cipher: ContentCipher
    mac: bytes | None = field(repr=False)
    attributes: bytes = field(repr=False)
    size: int

    @classmethod
    def read(cls, source: Readable, what: str = _WHAT) -> "Envelope":
        """Read a whole envelope and skip its content; raises `MalformedError`."""
        stream = BerStream(source, what)
        authenticated, keys, content_type, cipher = _read_head(stream)
        size = 0
        for part in stream.contents(0x80, 0xA0):
            size += len(part)
        stream.leave()  # EncryptedContentInfo
        mac, attributes = None, b""
        if authenticated:
            if stream.next_tag() == 0xA1:
                attributes = b"\x31" + stream.value()[1:]  # RFC 5083, 2.2: as a SET OF
            mac = ber.read(stream.value(), what).expect(der.OCTET_STRING).contents
            if len(mac) != cipher.tag_size:
                raise stream.malformed(f"is not a tag of {cipher.tag_size} octets")
        if stream.next_tag() in {0xA1, 0xA2}:  # attributes that nothing protects
            stream.value()
        for _ in range(3):
            stream.leave()
        stream.finish()
        return cls(keys, content_type, cipher, mac, attributes, size)

    @property
    def is_authenticated(self) -> bool:
        """Whether a change of the content is noticed: GCM, not CBC."""
        return self.mac is not None

    def decrypt(self, source: Readable, key: Secret, what: str = _WHAT) -> Iterator[bytes]:
        """Yield the content in parts, from the beginning of the same envelope.

        `NotOpenedError` follows the parts if the key is wrong or the content was altered, so they
        may be used only after the last one.
        """
        stream = BerStream(source, what)
        _read_head(stream)
        parts = stream.contents(0x80, 0xA0)
        return self.cipher.decrypt(parts, key, self.mac, self.attributes)

    def encrypted(self, source: Readable, what: str = _WHAT) -> Iterator[bytes]:
        """Yield the encrypted content in parts, from the beginning of the same envelope."""
        stream = BerStream(source, what)
        _read_head(stream)
        return stream.contents(0x80, 0xA0)


def _read_head(
    stream: BerStream,
) -> tuple[bool, tuple[EncryptedKey, ...], str, ContentCipher]:
    """Read up to the encrypted content: whether it is authenticated, keys, type and cipher."""
    stream.enter(der.SEQUENCE)
    kind = read_oid(ber.read(stream.value(), _WHAT))
    if kind not in {ID_ENVELOPED_DATA, ID_AUTH_ENVELOPED_DATA}:
        raise stream.malformed("is neither EnvelopedData nor AuthEnvelopedData")
    stream.enter(0xA0)
    stream.enter(der.SEQUENCE)
    stream.value()  # version
    if stream.next_tag() == 0xA0:
        stream.value()  # originatorInfo: certificates of whoever encrypted it
    keys = read_recipients(ber.read(stream.value(), _WHAT))
    stream.enter(der.SEQUENCE)
    content_type = read_oid(ber.read(stream.value(), _WHAT))
    cipher = ContentCipher.read(ber.read(stream.value(), _WHAT))
    authenticated = kind == ID_AUTH_ENVELOPED_DATA
    if authenticated != (cipher.tag_size is not None):
        raise stream.malformed("its cipher does not belong to its type of content")
    return authenticated, keys, content_type, cipher


def recipients_of(envelope: bytes) -> list[Recipient]:
    """Return the recipients whose EC key opens an envelope; raises `MalformedError`."""
    keys = Envelope.read(io.BytesIO(envelope)).keys
    return [each.recipient for each in keys if isinstance(each, AgreedKey)]


def open_envelope(envelope: bytes, key: PrivateKey) -> Secret:
    """Decrypt an envelope that `seal` or `openssl cms -encrypt` made.

    Raises `MalformedError` if the octets are not such an envelope, `NotOpenedError` if it is for
    another key or was altered.  A key that is transported with PKCS#1 v1.5 is not decrypted.
    """
    read = Envelope.read(io.BytesIO(envelope))
    keys = [
        each for each in read.keys if not (isinstance(each, TransportedKey) and each.scheme is None)
    ]
    size = read.cipher.key_size
    content_key = next(filter(None, (each.unwrap(key, size) for each in keys)), None)
    if content_key is None:
        raise NotOpenedError
    return Secret(b"".join(read.decrypt(io.BytesIO(envelope), content_key)))
