"""EF.SOD from its fields, any of which a case changes or leaves out.

The fields are those of RFC 5652, 5 and of Doc 9303-10, 4.6.2.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from conformance.reader.authority import DAY, Fields, SigningKey, sign, signing_key
from conformance.reader.documents import Document, Issue, data_groups, issued
from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.algorithm_identifiers import encode_hash
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey
from emrtd.crypto.signatures import SignatureScheme
from emrtd.lds.files import FileID
from emrtd.lds.security.security_object import LDS_SECURITY_OBJECT
from emrtd.pki.cms.signed_data import ID_SIGNED_DATA
from emrtd.pki.cms.signer_info import ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNING_TIME
from emrtd.pki.x509.algorithms import encode_scheme

Edit = Callable[[Fields], Fields]

MD5: Final = der.sequence(der.oid("1.2.840.113549.2.5"), der.null())
"""The AlgorithmIdentifier of MD5, which no State may use."""
RSA_WITH_MD5: Final = der.sequence(der.oid("1.2.840.113549.1.1.4"), der.null())


def same(fields: Fields) -> Fields:
    """Return the fields as they are."""
    return fields


def put(name: str, octets: bytes) -> Edit:
    """Put another value into a field."""
    return lambda fields: fields | {name: octets}


def without(name: str) -> Edit:
    """Leave a field out."""
    return put(name, b"")


def sign_with_md5(key: SigningKey, message: bytes) -> bytes:
    """Sign a message with PKCS#1 v1.5 and MD5, which `cryptography` still does for nobody."""
    if not isinstance(key, RsaPrivateKey):
        raise TypeError("MD5 is only signed with RSA")
    digest = der.octet_string(hashlib.md5(message, usedforsecurity=False).digest())
    info = der.sequence(MD5, digest)
    size = key.public_key.size
    padded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
    return key.apply(int.from_bytes(padded, "big")).to_bytes(size, "big")


Sign = Callable[[SigningKey, SignatureScheme, bytes], bytes]


@dataclass(frozen=True)
class Form:
    """How an EF.SOD is signed.

    `scheme` is that of the signature, `digest` that of the content, by default its hash.
    `content`, `attributes`, `signer` and `data` change the fields of LDSSecurityObject, of the
    signed attributes, of SignerInfo and of SignedData.  `hashes` changes the list of hashes, before
    it is encoded.  `certificate` is enclosed in place of the signer's, which is named.
    """

    scheme: SignatureScheme
    digest: Hash | None = None
    content: Edit = same
    hashes: Edit = same
    attributes: Edit = same
    signer: Edit = same
    data: Edit = same
    certificate: bytes | None = None
    sign: Sign = field(default_factory=lambda: sign)


def with_sod(how: Issue, form: Form) -> Document:
    """Issue a document, and sign its EF.SOD in another form."""
    made = issued(how)
    return made.with_file(FileID.SOD, sod(how, form))


def sod(how: Issue, form: Form) -> bytes:
    """Return the EF.SOD of a document, in this form."""
    digest = form.digest or form.scheme.hash
    content = security_object(how, form)
    attributes = form.attributes(
        {
            "contentType": _attribute(ID_CONTENT_TYPE, der.oid(LDS_SECURITY_OBJECT)),
            "messageDigest": _attribute(
                ID_MESSAGE_DIGEST, der.octet_string(digest.digest(content))
            ),
            "signingTime": _attribute(ID_SIGNING_TIME, der.time(how.at - 10 * DAY)),
        }
    )
    signed = der.set_of(*_present(attributes))
    key = signing_key("DS 1", how.signer_kind)
    signer = how.document_signer
    info = form.signer(
        {
            "version": der.integer(1),
            "sid": der.sequence(signer.issuer.encoded, signer.serial_encoded),
            "digestAlgorithm": encode_hash(digest),
            "signedAttrs": b"\xa0" + signed[1:],
            "signatureAlgorithm": encode_scheme(form.scheme),
            "signature": der.octet_string(form.sign(key, form.scheme, signed)),
        }
    )
    data = form.data(
        {
            "version": der.integer(3),
            "digestAlgorithms": der.set_of(encode_hash(digest)),
            "encapContentInfo": encapsulated(content),
            "certificates": der.tagged(0, form.certificate or signer.der),
            "signerInfos": der.set_of(der.sequence(*info.values())),
        }
    )
    signed_data = der.tagged(0, der.sequence(*data.values()))
    return tlv.encode(0x77, der.sequence(der.oid(ID_SIGNED_DATA), signed_data))


def encapsulated(content: bytes, oid: bytes | None = None) -> bytes:
    """Return encapContentInfo; `oid` is an encoded content type, or empty for none."""
    kind = der.oid(LDS_SECURITY_OBJECT) if oid is None else oid
    return der.sequence(kind, der.tagged(0, der.octet_string(content)))


def security_object(how: Issue, form: Form) -> bytes:
    """Return the LDSSecurityObject."""
    hashes = form.hashes(
        {
            str(number): hash_value(der.integer(number), how.hash_algorithm.digest(octets))
            for number, octets in sorted(data_groups(how).items())
        }
    )
    version = der.sequence(*map(der.printable_string, (how.lds_version or "", "040000")))
    fields = form.content(
        {
            "version": der.integer(0 if how.lds_version is None else 1),
            "hashAlgorithm": encode_hash(how.hash_algorithm),
            "dataGroupHashValues": der.sequence(*hashes.values()),
            "ldsVersionInfo": b"" if how.lds_version is None else version,
        }
    )
    return der.sequence(*fields.values())


def hash_value(number: bytes, digest: bytes) -> bytes:
    """Return a DataGroupHash; `number` is encoded, or empty for none."""
    return der.sequence(number, der.octet_string(digest))


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))


def _present(fields: Fields) -> Iterable[bytes]:
    return (each for each in fields.values() if each)
