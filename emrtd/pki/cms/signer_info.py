"""One signature of a CMS SignedData (RFC 5652, 5.3 and 5.4): signer, algorithm and attributes.

A signature is verified over the octets as they were signed.  Known errors of issuers are read past
and named as quirks.
"""

from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_integer, read_oid, read_time
from emrtd.crypto.algorithm_identifiers import read_hash
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import (
    SignatureFamily,
    SignatureScheme,
    VerifyingKey,
    verify_rsa_without_null,
)
from emrtd.crypto.signatures import verify as verify_signature
from emrtd.errors import ProtocolError
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509.algorithms import read_scheme, surplus_zeros
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.names import Name

ID_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
ID_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
ID_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"


class SignerInfo(msgspec.Struct, frozen=True):
    """One signature of a SignedData.

    The signer is identified by `issuer` and `serial`, or by `key_identifier`.  `signed_attributes`
    is the SET OF Attribute (tag 31) as it was written; `ordered_attributes` is the same in DER
    order, or None if that does not differ.  The standard requires a signature over the latter, but
    some signers sign the former.
    """

    version: int
    issuer: Name | None
    serial: int | None
    key_identifier: bytes | None
    digest: Hash
    scheme: SignatureScheme
    signature: bytes
    signed_attributes: bytes | None
    ordered_attributes: bytes | None
    content_type: str | None
    message_digest: bytes | None
    signing_time: datetime | None
    tolerated: frozenset[Quirk]

    @classmethod
    def read(cls, value: ber.Value) -> "SignerInfo":
        """Read a SignerInfo (RFC 5652, 5.3); raises `MalformedError`."""
        fields = list(value.expect(der.SEQUENCE).children)
        if len(fields) < 5:
            raise value.malformed("SignerInfo lacks fields")
        version, sid = read_integer(fields[0]), fields[1]
        digest = read_hash(fields[2])
        attributes = _Attributes()
        signed, ordered = None, None
        position = 3
        if fields[3].tag == 0xA0:
            attributes = _read_attributes(fields[3])
            signed = b"\x31" + fields[3].encoded[1:]  # RFC 5652, 5.4: signed as a SET OF
            written = [each.encoded for each in fields[3].children]
            if sorted(written) != written:
                ordered = der.set_of(*written)
            position = 4
        if not position + 2 <= len(fields) <= position + 3:
            raise value.malformed("SignerInfo has too few or too many fields")
        scheme, tolerated = read_scheme(fields[position], digest)
        signature = fields[position + 1].expect(der.OCTET_STRING).contents
        if len(fields) == position + 3:
            fields[position + 2].expect(0xA1)  # Doc 9303-10, 4.6.2.2: we may choose to ignore them
            tolerated |= {Quirk.UNSIGNED_ATTRIBUTES}
        identifier = _read_identifier(sid.encoded, sid.what)
        value.source.is_der &= identifier.is_der
        if ordered is not None:
            tolerated |= {Quirk.ATTRIBUTES_ORDER}
        if scheme.family is SignatureFamily.ECDSA:
            tolerated |= surplus_zeros(signature)
        return cls(
            version=version,
            issuer=identifier.issuer,
            serial=identifier.serial,
            key_identifier=identifier.key,
            digest=digest,
            scheme=scheme,
            signature=signature,
            signed_attributes=signed,
            ordered_attributes=ordered,
            content_type=attributes.content_type,
            message_digest=attributes.message_digest,
            signing_time=attributes.signing_time,
            tolerated=tolerated,
        )

    def __repr__(self) -> str:
        return f"SignerInfo({self.issuer}, {self.scheme.description})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # the one of msgspec shows every field
        return []

    def names(self, certificate: Certificate) -> bool:
        """Whether the SignerIdentifier identifies this certificate (RFC 5652, 5.3)."""
        if self.key_identifier is not None:
            return certificate.extensions.subject_key_identifier == self.key_identifier
        same_issuer = self.issuer is not None and certificate.issuer.matches(self.issuer)
        return same_issuer and certificate.serial == self.serial

    def verify(self, content_type: str, content: bytes, key: VerifyingKey) -> frozenset[Quirk]:
        """Verify the signature over the content (RFC 5652, 5.4 and 5.6).

        Returns the quirks that the verification found; raises `ProtocolError` if the signature is
        wrong.
        """
        return self.verify_digest(content_type, self.digest.digest(content), key)

    def verify_digest(
        self, content_type: str, digest: bytes, key: VerifyingKey
    ) -> frozenset[Quirk]:
        """Verify the signature over content of which `digest` is the digest, as `verify` does."""
        if self.signed_attributes is None:
            raise ProtocolError("the signature has no signed attributes, which Doc 9303 requires")
        if self.content_type != content_type:
            raise ProtocolError("the signature is for another type of content")
        if self.message_digest != digest:
            raise ProtocolError("the digest of the content is not the signed message digest")
        try:
            verify_signature(key, self.scheme, self.signature, self.signed_attributes)
        except ProtocolError as error:
            return self._verify_with_quirks(self.signed_attributes, key, error)
        return frozenset()

    def _verify_with_quirks(
        self, attributes: bytes, key: VerifyingKey, error: ProtocolError
    ) -> frozenset[Quirk]:
        """Verify a signature with the known errors of issuers; raise `error` if it is wrong too."""
        if self.ordered_attributes is not None:
            with suppress(ProtocolError):
                verify_signature(key, self.scheme, self.signature, self.ordered_attributes)
                return frozenset()
        for signed in (attributes, self.ordered_attributes):
            if signed is not None:
                with suppress(ProtocolError):
                    verify_rsa_without_null(key, self.scheme, self.signature, signed)
                    return frozenset({Quirk.RSA_DIGEST_NO_NULL})
        raise error


class _Identifier(msgspec.Struct, frozen=True):
    """A SignerIdentifier (RFC 5652, 5.3), and whether it is DER."""

    issuer: Name | None
    serial: int | None
    key: bytes | None
    is_der: bool


@lru_cache(maxsize=1024)
def _read_identifier(encoded: bytes, what: str) -> _Identifier:
    """Read a SignerIdentifier; cached, since it is the same in every document of a signer."""
    value = ber.read(encoded, what)
    if value.tag == 0x80:
        return _Identifier(None, None, value.contents, value.source.is_der)
    fields = value.expect(der.SEQUENCE).children
    if len(fields) != 2:
        raise value.malformed("a signer is identified by its issuer and serial number")
    issuer, serial = Name.read(fields[0]), read_integer(fields[1])
    return _Identifier(issuer, serial, None, value.source.is_der)


class _Attributes(msgspec.Struct):
    content_type: str | None = None
    message_digest: bytes | None = None
    signing_time: datetime | None = None


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))


_LDS_CONTENT_TYPE: Final = "2.23.136.1.1.1"
_LDS_ATTRIBUTE: Final = _attribute(ID_CONTENT_TYPE, der.oid(_LDS_CONTENT_TYPE))
_DIGEST_HEADS: Final = {
    len(_attribute(ID_MESSAGE_DIGEST, der.octet_string(bytes(each.size)))): _attribute(
        ID_MESSAGE_DIGEST, der.octet_string(bytes(each.size))
    )[: -each.size]
    for each in Hash
}
"""The beginning of an encoded message digest attribute, by its length; a fast path for EF.SOD."""


def _read_attributes(value: ber.Value) -> _Attributes:
    found = _Attributes()
    seen = set()
    for attribute in value.children:
        encoded = attribute.encoded
        head = _DIGEST_HEADS.get(len(encoded))
        if head is not None and encoded.startswith(head) and ID_MESSAGE_DIGEST not in seen:
            seen.add(ID_MESSAGE_DIGEST)
            found.message_digest = encoded[len(head) :]
            continue
        if encoded == _LDS_ATTRIBUTE and ID_CONTENT_TYPE not in seen:
            seen.add(ID_CONTENT_TYPE)
            found.content_type = _LDS_CONTENT_TYPE
            continue
        fields = attribute.expect(der.SEQUENCE).children
        if len(fields) != 2:
            raise attribute.malformed("an attribute is a type and a set of values")
        oid, values = read_oid(fields[0]), fields[1].expect(der.SET).children
        if oid in seen or not values:
            raise attribute.malformed("an attribute occurs twice, or has no value")
        seen.add(oid)
        if oid in (ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNING_TIME) and len(values) != 1:
            raise attribute.malformed("an attribute has more than one value")
        if oid == ID_CONTENT_TYPE:
            found.content_type = read_oid(values[0])
        elif oid == ID_MESSAGE_DIGEST:
            found.message_digest = values[0].expect(der.OCTET_STRING).contents
        elif oid == ID_SIGNING_TIME:
            found.signing_time = read_time(values[0])
    return found
