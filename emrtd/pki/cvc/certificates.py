"""Card-verifiable certificates (Doc 9303-12, 7.2.2 and 7.2.3; TR-03110-3, C).

A certificate keeps the octets that were signed; its fields are read from these.
"""

from datetime import date
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.signatures import SignatureScheme, Signer
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import CHAT, Chat, Role
from emrtd.pki.cvc.keys import PUBLIC_KEY, CvPublicKey, sign
from emrtd.tlv import DataObject, DataObjects
from support.errors import MalformedError, MisuseError
from support.reasons import Reason
from support.values import Hidden, PartlyCompared, Uncompared

CERTIFICATE: Final = 0x7F21
BODY: Final = 0x7F4E
SIGNATURE: Final = 0x5F37
PROFILE_IDENTIFIER: Final = 0x5F29
AUTHORITY_REFERENCE: Final = 0x42
HOLDER_REFERENCE: Final = 0x5F20
EFFECTIVE_DATE: Final = 0x5F25
EXPIRATION_DATE: Final = 0x5F24
EXTENSIONS: Final = 0x65
_EXTENSION: Final = 0x73

_WHAT: Final = "card-verifiable certificate"


def holder_reference(country: str, mnemonic: str, sequence: str) -> str:
    """Return a reference: 2 letters, up to 9 characters, 5 digits or letters (Table 12)."""
    reference = f"{country}{mnemonic}{sequence}"
    letters = country.isascii() and country.isalpha() and country.isupper() and len(country) == 2
    number = len(sequence) == 5 and sequence.isascii() and sequence.isalnum()
    if not letters or not number or sequence != sequence.upper() or not 1 <= len(mnemonic) <= 9:
        raise MisuseError(
            f"{reference!r} is not a country of 2 letters, a mnemonic of up to 9 characters "
            "and a sequence number of 5 digits or capital letters"
        )
    encode_reference(AUTHORITY_REFERENCE, reference)
    return reference


def encode_reference(tag: int, reference: str) -> bytes:
    """Encode a reference of 1 to 16 characters of ISO 8859-1 (7.2.3.1.4)."""
    if not 1 <= len(reference) <= 16 or not all(map(_is_assigned, reference)):
        raise MisuseError(f"{reference!r} is not 1 to 16 characters of ISO 8859-1")
    return tlv.encode(tag, reference.encode("latin-1"))


def read_reference(data_object: DataObject) -> str:
    """Read a reference."""
    reference = data_object.value.decode("latin-1")
    if not 1 <= len(reference) <= 16 or not all(map(_is_assigned, reference)):
        raise data_object.malformed("a reference is 1 to 16 characters of ISO 8859-1")
    return reference


def _is_assigned(character: str) -> bool:
    return " " <= character <= "~" or "\xa0" <= character <= "\xff"


def date_octets(day: date) -> bytes:
    """Encode a date as YYMMDD in six octets, one digit each; years 2000 to 2099 (7.2.3.1.3)."""
    if not 2000 <= day.year <= 2099:
        raise MisuseError(f"{day} is not in the years 2000 to 2099")
    return bytes(map(int, day.strftime("%y%m%d")))


def encode_date(tag: int, day: date) -> bytes:
    """Encode a date under a tag."""
    return tlv.encode(tag, date_octets(day))


def read_date(data_object: DataObject) -> date:
    """Read a date."""
    digits = data_object.value
    if len(digits) != 6 or max(digits) > 9:
        raise data_object.malformed("a date is six octets of one digit each")
    year, month, day = (10 * digits[at] + digits[at + 1] for at in (0, 2, 4))
    try:
        return date(2000 + year, month, day)
    except ValueError:
        raise data_object.malformed("is not a date") from None


class CvExtension(msgspec.Struct, frozen=True):
    """A certificate extension: its identifier, and the encoded data objects that follow it."""

    oid: str
    data: bytes

    def encode(self) -> bytes:
        """Encode 73."""
        return tlv.encode(_EXTENSION, der.oid(self.oid), self.data)


def encode_extensions(extensions: tuple[CvExtension, ...]) -> bytes:
    """Encode 65; nothing if there are no extensions."""
    return tlv.encode(EXTENSIONS, *(each.encode() for each in extensions)) if extensions else b""


def read_extensions(fields: DataObjects) -> tuple[CvExtension, ...]:
    """Read 65 if it is among these fields; unknown extensions are accepted."""
    found = fields.get(EXTENSIONS)
    return () if found is None else tuple(map(_read_extension, found.children()))


def _read_extension(template: DataObject) -> CvExtension:
    if template.tag != _EXTENSION:
        raise template.malformed("an extension has tag 73")
    objects = template.children()
    if not objects:
        raise template.malformed("an extension has no identifier")
    oid = objects[0]
    behind = oid.offset - template.offset + len(oid.value)
    return CvExtension(der.read_oid(oid), template.value[behind:])


class CvCertificate(PartlyCompared, frozen=True):
    """A card-verifiable certificate; two are equal if their octets are.

    `body` is the signed data object 7F4E with tag and length.  The certificate expires at the end
    of the day `expiration`.
    """

    body: Hidden[bytes]
    signature: Hidden[bytes]
    authority_reference: Uncompared[str]
    holder_reference: Uncompared[str]
    public_key: Hidden[Uncompared[CvPublicKey]]
    chat: Uncompared[Chat]
    effective: Uncompared[date]
    expiration: Uncompared[date]
    extensions: Hidden[Uncompared[tuple[CvExtension, ...]]]

    @classmethod
    def decode(cls, octets: bytes) -> "CvCertificate":
        """Decode 7F21, or its value alone, as in PSO:Verify Certificate."""
        outer, end = tlv.read_first(octets, _WHAT)
        if outer.tag == CERTIFICATE and end == len(octets):
            octets = outer.value
        parts = tlv.read_all(octets, _WHAT)
        if [part.tag for part in parts] != [BODY, SIGNATURE]:
            raise MalformedError(_WHAT, "a body (7F4E) and a signature (5F37) are expected", 0)
        body, signature = parts
        fields = body.children()
        read_profile(fields)
        certificate = cls(
            body=octets[: body.offset + len(body.value)],
            signature=signature.value,
            authority_reference=read_reference(fields.one(AUTHORITY_REFERENCE)),
            holder_reference=read_reference(fields.one(HOLDER_REFERENCE)),
            public_key=CvPublicKey.read(fields.one(PUBLIC_KEY)),
            chat=Chat.read(fields.one(CHAT)),
            effective=read_date(fields.one(EFFECTIVE_DATE)),
            expiration=read_date(fields.one(EXPIRATION_DATE)),
            extensions=read_extensions(fields),
        )
        if certificate.value != octets:
            raise MalformedError(_WHAT, "a length field is not in the shortest form")
        return certificate

    def encode(self) -> bytes:
        """Encode 7F21."""
        return tlv.encode(CERTIFICATE, self.value)

    @property
    def value(self) -> bytes:
        """Body and signature without 7F21: the data of PSO:Verify Certificate."""
        return self.body + tlv.encode(SIGNATURE, self.signature)

    @property
    def role(self) -> Role:
        """The holder's role."""
        return self.chat.role

    @property
    def is_self_signed(self) -> bool:
        """Whether holder and authority have the same reference."""
        return self.authority_reference == self.holder_reference

    def verify(self, issuer: CvPublicKey) -> None:
        """Verify the signature with the issuer's key; raises `ProtocolError`."""
        try:
            issuer.verify(self.signature, self.body)
        except ProtocolError as error:
            raise ProtocolError(
                Reason(
                    "certificate of {holder_reference}: {error}",
                    holder_reference=self.holder_reference,
                    error=error,
                )
            ) from None

    def key_under(self, issuer: CvPublicKey | None) -> CvPublicKey:
        """Return the certified key, on its issuer's curve if it has no domain parameters."""
        return self.public_key.inherit(issuer.curve if issuer else None)


def read_profile(fields: DataObjects) -> None:
    """Read the profile identifier, which must be 0, for version 1 (7.2.2.1)."""
    profile = fields.one(PROFILE_IDENTIFIER)
    if profile.value != b"\x00":
        raise profile.malformed("the profile is not version 1")


def issue(
    *,
    public_key: CvPublicKey,
    holder: str,
    chat: Chat,
    effective: date,
    expiration: date,
    signer: Signer,
    scheme: SignatureScheme,
    authority: str,
    extensions: tuple[CvExtension, ...] = (),
) -> CvCertificate:
    """Issue a certificate for a key; `signer` and `scheme` belong to the key named `authority`.

    The certificates of a CVCA, also its link certificates, contain domain parameters; those of
    Document Verifiers and terminals do not (7.2.2.3).
    """
    if expiration < effective:
        raise MisuseError(f"a certificate from {effective} to {expiration} is never valid")
    body = tlv.encode(
        BODY,
        tlv.encode(PROFILE_IDENTIFIER, b"\x00"),
        encode_reference(AUTHORITY_REFERENCE, authority),
        public_key.encode(domain_parameters=chat.role is Role.CVCA),
        encode_reference(HOLDER_REFERENCE, holder),
        chat.encode(),
        encode_date(EFFECTIVE_DATE, effective),
        encode_date(EXPIRATION_DATE, expiration),
        encode_extensions(extensions),
    )
    return CvCertificate.decode(body + tlv.encode(SIGNATURE, sign(signer, scheme, body)))
