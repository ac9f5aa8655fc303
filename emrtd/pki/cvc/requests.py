"""Requests for card-verifiable certificates (TR-03110-3, C.2).

A request is signed with its own key.  If its holder already has a certificate, the request is also
authenticated: signed with the key of that certificate.
"""

from typing import Final

from emrtd import tlv
from emrtd.crypto.signatures import SignatureScheme, Signer
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.certificates import (
    AUTHORITY_REFERENCE,
    BODY,
    CERTIFICATE,
    HOLDER_REFERENCE,
    PROFILE_IDENTIFIER,
    SIGNATURE,
    CvExtension,
    encode_extensions,
    encode_reference,
    read_extensions,
    read_profile,
    read_reference,
)
from emrtd.pki.cvc.keys import PUBLIC_KEY, CvPublicKey, sign
from emrtd.tlv import DataObject
from support.errors import MalformedError
from support.values import Hidden, PartlyCompared, Uncompared

AUTHENTICATION: Final = 0x67
_WHAT: Final = "certificate request"


class NoDomainParametersError(MalformedError):
    """A request whose key has no domain parameters (Doc 9303-12, 8.1.1.3)."""


class CvRequest(PartlyCompared, frozen=True):
    """A request; two are equal if their octets are.

    `authority_reference` names the key that should sign, or is None.  `outer_reference` and
    `outer_signature` are the key's reference and the signature of an authenticated request.
    """

    encoded: Hidden[bytes]
    body: Hidden[Uncompared[bytes]]
    signature: Hidden[Uncompared[bytes]]
    authority_reference: Uncompared[str | None]
    holder_reference: Uncompared[str]
    public_key: Hidden[Uncompared[CvPublicKey]]
    extensions: Hidden[Uncompared[tuple[CvExtension, ...]]]
    outer_reference: Uncompared[str | None] = None
    outer_signature: Hidden[Uncompared[bytes | None]] = None

    @classmethod
    def decode(cls, octets: bytes) -> "CvRequest":
        """Decode a request (7F21) or an authenticated request (67)."""
        outer = tlv.read(octets, _WHAT)
        if outer.tag != AUTHENTICATION:
            return cls._decode_inner(outer, octets, None, None)
        parts = outer.children()
        if [part.tag for part in parts] != [CERTIFICATE, AUTHORITY_REFERENCE, SIGNATURE]:
            raise outer.malformed("a request, a reference and a signature are expected")
        request, reference, signature = parts
        return cls._decode_inner(request, octets, read_reference(reference), signature.value)

    @classmethod
    def _decode_inner(
        cls, request: DataObject, encoded: bytes, reference: str | None, signature: bytes | None
    ) -> "CvRequest":
        if request.tag != CERTIFICATE:
            raise request.malformed("a request has tag 7F21")
        parts = request.children()
        if [part.tag for part in parts] != [BODY, SIGNATURE]:
            raise request.malformed("a body (7F4E) and a signature (5F37) are expected")
        body, inner_signature = parts
        fields = body.children()
        read_profile(fields)
        public_key = CvPublicKey.read(fields.one(PUBLIC_KEY))
        if public_key.key is None:
            raise NoDomainParametersError(_WHAT, "must contain domain parameters")
        authority = fields.get(AUTHORITY_REFERENCE)
        return cls(
            encoded=encoded,
            body=encoded[request.offset : body.offset + len(body.value)],
            signature=inner_signature.value,
            authority_reference=None if authority is None else read_reference(authority),
            holder_reference=read_reference(fields.one(HOLDER_REFERENCE)),
            public_key=public_key,
            extensions=read_extensions(fields),
            outer_reference=reference,
            outer_signature=signature,
        )

    def encode(self) -> bytes:
        """Return the encoded request."""
        return self.encoded

    def verify(self) -> None:
        """Verify the inner signature, which proves possession of the key; or `ProtocolError`."""
        self.public_key.verify(self.signature, self.body)

    def verify_outer(self, key: CvPublicKey) -> None:
        """Verify the outer signature with the key of its reference; raises `ProtocolError`."""
        if self.outer_reference is None or self.outer_signature is None:
            raise ProtocolError("the certificate request is not authenticated")
        parts = tlv.read_expected(self.encoded, AUTHENTICATION, _WHAT)
        reference = parts.children()[1]
        end = reference.offset - parts.offset + len(reference.value)
        key.verify(self.outer_signature, parts.value[:end])


def request(
    signer: Signer,
    scheme: SignatureScheme,
    holder: str,
    *,
    authority: str | None = None,
    extensions: tuple[CvExtension, ...] = (),
) -> CvRequest:
    """Make a request for a certificate of the signer's key with the reference `holder`."""
    body = tlv.encode(
        BODY,
        tlv.encode(PROFILE_IDENTIFIER, b"\x00"),
        b"" if authority is None else encode_reference(AUTHORITY_REFERENCE, authority),
        CvPublicKey.of(signer.public_key, scheme).encode(),
        encode_reference(HOLDER_REFERENCE, holder),
        encode_extensions(extensions),
    )
    signature = tlv.encode(SIGNATURE, sign(signer, scheme, body))
    return CvRequest.decode(tlv.encode(CERTIFICATE, body, signature))


def authenticate(
    inner: CvRequest, signer: Signer, scheme: SignatureScheme, reference: str
) -> CvRequest:
    """Authenticate a request with a certified key, whose holder reference is `reference`."""
    if inner.outer_reference is not None:
        raise MalformedError(_WHAT, "is already authenticated")
    signed = inner.encoded + encode_reference(AUTHORITY_REFERENCE, reference)
    signature = tlv.encode(SIGNATURE, sign(signer, scheme, signed))
    return CvRequest.decode(tlv.encode(AUTHENTICATION, signed, signature))
