"""Writes CMS SignedData in DER (RFC 5652, 5), for EF.SOD, EF.CardSecurity and signed lists."""

from collections.abc import Iterable
from datetime import datetime

from emrtd.asn1 import der
from emrtd.crypto.algorithm_identifiers import encode_hash
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureScheme, Signer
from emrtd.pki.cms.signed_data import ID_DATA, ID_SIGNED_DATA
from emrtd.pki.cms.signer_info import ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNING_TIME
from emrtd.pki.x509.algorithms import encode_scheme, scheme_for
from emrtd.pki.x509.certificates import Certificate
from support.errors import MisuseError


def build_signed_data(  # noqa: PLR0917 - content, signer and algorithm
    content_type: str,
    content: bytes,
    signer: Signer,
    certificate: Certificate,
    hash: Hash,  # noqa: A002 - the name of the thing
    signing_time: datetime | None = None,
    *,
    scheme: SignatureScheme | None = None,
    by_key_identifier: bool = False,
    others: Iterable[Certificate] = (),
) -> bytes:
    """Sign content; return the DER ContentInfo.

    `content_type` is dotted; `certificate` is the signer's, enclosed together with `others`.  The
    default of `scheme` is ECDSA or RSA-PSS, by the signer's key, with `hash`.  The signer is
    identified by issuer and serial number, or by its subject key identifier, as Doc 9303-12, 9
    requires for lists.  Raises `MisuseError` if the certificate is not for the signer's key.
    """
    if signer.public_key != certificate.public_key:
        raise MisuseError("the certificate is not for the signer's key")
    scheme = scheme or scheme_for(signer.public_key, hash)
    if scheme.hash is not hash:
        raise MisuseError(f"{scheme.description} cannot sign a digest made with {hash}")
    attributes = [
        _attribute(ID_CONTENT_TYPE, der.oid(content_type)),
        _attribute(ID_MESSAGE_DIGEST, der.octet_string(hash.digest(content))),
    ]
    if signing_time is not None:
        attributes.append(_attribute(ID_SIGNING_TIME, der.time(signing_time)))
    signed_attributes = der.set_of(*attributes)
    signature = signer.sign(scheme, signed_attributes)
    info = der.sequence(
        der.integer(3 if by_key_identifier else 1),
        _identifier(certificate, by_key_identifier=by_key_identifier),
        encode_hash(hash),
        b"\xa0" + signed_attributes[1:],  # [0] IMPLICIT
        encode_scheme(scheme),
        der.octet_string(signature),
    )
    enclosed = der.set_of(certificate.der, *(other.der for other in others))
    signed_data = der.sequence(
        der.integer(3 if by_key_identifier or content_type != ID_DATA else 1),
        der.set_of(encode_hash(hash)),
        der.sequence(der.oid(content_type), der.tagged(0, der.octet_string(content))),
        b"\xa0" + enclosed[1:],
        der.set_of(info),
    )
    return der.sequence(der.oid(ID_SIGNED_DATA), der.tagged(0, signed_data))


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))


def _identifier(certificate: Certificate, *, by_key_identifier: bool) -> bytes:
    if not by_key_identifier:
        return der.sequence(certificate.issuer.encoded, certificate.serial_encoded)
    identifier = certificate.extensions.subject_key_identifier
    if identifier is None:
        raise MisuseError("the signer's certificate has no subject key identifier")
    return der.tagged_primitive(0, identifier)
