"""A genuine document before it is signed again: whatever a quirk may change."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys
from emrtd.asn1 import der
from emrtd.crypto.algorithm_identifiers import encode_hash
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.crypto.protocols import ID_SECURITY_OBJECT
from emrtd.crypto.public_keys import encode_public_key
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.lds.com import Com
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.security_object import LDS_SECURITY_OBJECT, SecurityObject
from emrtd.lds.security.sod import Sod
from emrtd.mrz.countries import two_letter_code
from emrtd.pki.cms.signed_data import ID_SIGNED_DATA
from emrtd.pki.cms.signer_info import ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNING_TIME
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509.algorithms import encode_scheme
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.extensions import KeyUsage
from emrtd.pki.x509.free_writer import write_certificate, write_crl
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, encode_name
from emrtd.specimens import Specimen

DAY: Final = timedelta(days=1)
ECDSA: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
_CURVE: Final = "brainpoolP256r1"
_EF_SOD: Final = 0x77
_VERSION_3: Final = der.tagged(0, der.integer(2))

Change = Callable[[bytes], bytes]


def _unchanged(octets: bytes) -> bytes:
    return octets


@dataclass(frozen=True)
class GenuineDocument:
    """The files and the keys of a chip, and the contents of files for a trust store (DER)."""

    files: Mapping[FileID, bytes]
    keys: ChipKeys = field(repr=False)
    trust: tuple[bytes, ...]


@dataclass
class CertificateFields:
    """The encoded fields of the Document Signer's certificate, in their order.

    `issuer_extra` follows the subject's key, `extra` the extensions; `algorithm` is inside the
    signed body, `outer` beside the signature.
    """

    version: bytes
    serial: bytes
    algorithm: bytes
    issuer: bytes
    not_before: bytes
    not_after: bytes
    subject: bytes
    key: bytes
    extensions: list[bytes]
    outer: bytes
    unique: bytes = b""
    extra: bytes = b""

    def encode(self, key: PrivateKey) -> bytes:
        """Return the certificate, signed with a key."""
        body = der.sequence(
            self.version,
            self.serial,
            self.algorithm,
            self.issuer,
            der.sequence(self.not_before, self.not_after),
            self.subject,
            self.key,
            self.unique,
            der.tagged(3, der.sequence(*self.extensions)),
            self.extra,
        )
        signature = der.bit_string(key.sign(ECDSA, body))
        return der.sequence(body, self.outer, signature)


class Draft:
    """A specimen that a new Document Signer of its State signs again.

    A quirk changes the attributes; `build` signs.  Everything that it does not change is as Doc
    9303 says.  `data_groups` are files; the same `seed` makes the same document.
    """

    def __init__(self, specimen: Specimen, at: datetime, seed: str) -> None:
        chance = random.Random(f"quirks {specimen.profile} {seed}")
        self.specimen = specimen
        self.at = at
        self.files: dict[FileID, bytes] = dict(specimen.files)
        mrz = DataGroup1.decode(self.files[FileID.DG1]).mrz
        self.country = two_letter_code(mrz.issuing_state) or "UT"
        self.document_types = [mrz.document_code.rstrip("<")]
        self.csca_key = EcPrivateKey.generate(CURVES[_CURVE], random=chance.randbytes)
        self.key: PrivateKey = EcPrivateKey.generate(CURVES[_CURVE], random=chance.randbytes)
        self.csca_name = encode_name((COUNTRY, self.country), (COMMON_NAME, "CSCA of quirks"))
        self.csca_extensions = [
            writer.subject_key_identifier(self.csca_identifier),
            writer.authority_key_identifier(self.csca_identifier),
            writer.key_usage((KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN)),
            writer.basic_constraints(),
        ]
        self.extensions: dict[str, bytes] = {
            "authority key": writer.authority_key_identifier(self.csca_identifier),
            "key usage": writer.key_usage((KeyUsage.DIGITAL_SIGNATURE,)),
            "usage period": writer.private_key_usage_period(at - 30 * DAY, at + 60 * DAY),
            "document types": writer.document_types(self.document_types),
        }
        self.change_certificate: Callable[[CertificateFields], None] = lambda _: None
        self.wrap_certificate: Change = _unchanged
        sod = Sod.parse(self.files[FileID.SOD])
        self.content_type = LDS_SECURITY_OBJECT
        self.content = sod.signed_data.content
        self.scheme = ECDSA
        self.algorithm: bytes | None = None
        self.order_attributes: Callable[[list[bytes]], list[bytes]] = sorted
        self.sign: Callable[[bytes], bytes] = lambda octets: self.key.sign(self.scheme, octets)
        self.signer_name: bytes | None = None
        self.unsigned = b""
        self.enclosed = True
        self.signs_card_security = False
        self.wrap_signed_data: Change = _unchanged
        self.wrap: Change = lambda signed: tlv.encode(_EF_SOD, signed)

    @property
    def csca_identifier(self) -> bytes:
        """The key identifier of the CSCA."""
        return key_identifier(self.csca_key.public_key)

    def put(self, file_id: FileID, octets: bytes) -> None:
        """Store a file in place of the one that there is; one more data group is listed too."""
        listed = file_id in self.files
        self.files[file_id] = octets
        if file_id is FileID.COM:
            return
        groups = {
            number: octets
            for each, octets in self.files.items()
            if (number := FILES[each].number) is not None
        }
        self.content = SecurityObject.over(groups, Hash.SHA256).encode()
        if not listed:
            before = Com.decode(self.files[FileID.COM])
            com = Com.for_data_groups(
                *groups, lds_version=before.lds_version, unicode_version=before.unicode_version
            )
            self.files[FileID.COM] = com.encode()

    def build(self) -> GenuineDocument:
        """Sign the document."""
        certificate = self._certificate()
        der_of = certificate.encode(self.csca_key)
        signed = self._signed_data(certificate, der_of, self.content_type, self.content)
        self.files[FileID.SOD] = self.wrap(signed)
        if self.signs_card_security and FileID.CARD_SECURITY in self.files:
            infos = CardSecurity.decode(self.files[FileID.CARD_SECURITY]).signed_data.content
            signed = self._signed_data(certificate, der_of, ID_SECURITY_OBJECT, infos)
            self.files[FileID.CARD_SECURITY] = signed
        root = write_certificate(
            self.csca_name,
            self.csca_name,
            self.csca_key.public_key,
            self.csca_key,
            self.csca_extensions,
            serial=1,
            not_before=self.at - 60 * DAY,
            not_after=self.at + 5000 * DAY,
        )
        crl = write_crl(
            self.csca_name,
            self.csca_key,
            [],
            [writer.authority_key_identifier(self.csca_identifier), writer.crl_number(1)],
            issued=self.at - DAY,
            next_update=self.at + 60 * DAY,
        )
        alone = () if self.enclosed else (der_of,)
        return GenuineDocument(self.files, self.specimen.keys, (root, crl, *alone))

    def _certificate(self) -> CertificateFields:
        fields = CertificateFields(
            _VERSION_3,
            der.integer(0x5150_0001),
            encode_scheme(ECDSA),
            self.csca_name,
            der.time(self.at - 30 * DAY),
            der.time(self.at + 4000 * DAY),
            encode_name((COUNTRY, self.country), (COMMON_NAME, "Document Signer of quirks")),
            encode_public_key(self.key.public_key),
            [
                writer.subject_key_identifier(key_identifier(self.key.public_key)),
                *self.extensions.values(),
            ],
            encode_scheme(ECDSA),
        )
        self.change_certificate(fields)
        return fields

    def _signed_data(
        self, certificate: CertificateFields, enclosed: bytes, content_type: str, content: bytes
    ) -> bytes:
        digest = Hash.SHA256
        attributes = self.order_attributes(
            [
                _attribute(ID_CONTENT_TYPE, der.oid(content_type)),
                _attribute(ID_MESSAGE_DIGEST, der.octet_string(digest.digest(content))),
                _attribute(ID_SIGNING_TIME, der.time(self.at)),
            ]
        )
        signed = tlv.encode(der.SET, *attributes)
        info = der.sequence(
            der.integer(1),
            der.sequence(self.signer_name or certificate.issuer, certificate.serial),
            encode_hash(digest),
            b"\xa0" + signed[1:],
            self.algorithm or encode_scheme(self.scheme),
            der.octet_string(self.sign(signed)),
            self.unsigned,
        )
        signed_data = der.sequence(
            der.integer(3),
            der.set_of(encode_hash(digest)),
            der.sequence(der.oid(content_type), der.tagged(0, der.octet_string(content))),
            tlv.encode(0xA0, self.wrap_certificate(enclosed)) if self.enclosed else b"",
            der.set_of(info),
        )
        whole = der.sequence(der.oid(ID_SIGNED_DATA), der.tagged(0, signed_data))
        return self.wrap_signed_data(whole)


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))
