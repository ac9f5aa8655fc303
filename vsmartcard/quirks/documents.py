"""The quirks of documents, each as a change of a draft, by their names in `emrtd.pki.quirks`."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.crypto.algorithm_identifiers import ID_RSA_PSS, encode_pss
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FileID
from emrtd.mrz import Mrz
from emrtd.pki.cms.signed_data import ID_DATA
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509.extensions import (
    BASIC_CONSTRAINTS,
    DOCUMENT_TYPE_LIST,
    KEY_USAGE,
    OLD_DOCUMENT_TYPE_LIST,
    PRIVATE_KEY_USAGE_PERIOD,
    KeyUsage,
)
from emrtd.pki.x509.free_writer import extension
from emrtd.pki.x509.names import (
    COMMON_NAME,
    COUNTRY,
    ORGANIZATION,
    ORGANIZATIONAL_UNIT,
    encode_name,
)
from vsmartcard.quirks.draft import DAY, ECDSA, CertificateFields, Draft

Change = Callable[[Draft], None]

_RSA_BITS: Final = 2048
_RSA: Final = SignatureScheme(SignatureFamily.RSA, Hash.SHA256)
_PSS: Final = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256)
_ECDSA_OID: Final = der.oid("1.2.840.10045.4.3.2")
_RSA_OID: Final = der.oid("1.2.840.113549.1.1.11")
_NOT_CRITICAL: Final = b"\x01\x01\x00"
_UNKNOWN_EXTENSION: Final = "1.3.6.1.4.1.99999.1"

_CHANGES: dict[str, Change] = {}


def _quirk(name: Quirk) -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        _CHANGES[name.id] = change
        return change

    return register


def _certificate(name: Quirk) -> Callable[[Callable[[CertificateFields], None]], None]:
    """Register a change of the Document Signer's certificate."""

    def register(change: Callable[[CertificateFields], None]) -> None:
        def apply(draft: Draft) -> None:
            draft.change_certificate = change

        _CHANGES[name.id] = apply

    return register


# --- encodings and algorithms ----------------------------------------------------------------


@_quirk(Quirk.INDEFINITE_LENGTH)
def _indefinite(draft: Draft) -> None:
    def wrap(signed: bytes) -> bytes:
        parts = b"".join(each.encoded for each in ber.read(signed, "signed data").children)
        return b"\x30\x80" + parts + b"\x00\x00"

    draft.wrap_signed_data = wrap


@_quirk(Quirk.LONG_LENGTH)
def _long_length(draft: Draft) -> None:
    def wrap(signed: bytes) -> bytes:
        parts = b"".join(each.encoded for each in ber.read(signed, "signed data").children)
        return b"\x30\x84" + len(parts).to_bytes(4, "big") + parts

    draft.wrap_signed_data = wrap


@_quirk(Quirk.ECDSA_NULL)
def _ecdsa_null(draft: Draft) -> None:
    draft.algorithm = der.sequence(_ECDSA_OID, der.null())


def _with_rsa(draft: Draft, scheme: SignatureScheme) -> RsaPrivateKey:
    key = RsaPrivateKey.generate(_RSA_BITS)
    draft.key, draft.scheme = key, scheme
    return key


@_quirk(Quirk.RSA_NO_NULL)
def _rsa_no_null(draft: Draft) -> None:
    _with_rsa(draft, _RSA)
    draft.algorithm = der.sequence(_RSA_OID)


@_quirk(Quirk.PSS_DEFAULT)
def _pss_default(draft: Draft) -> None:
    _with_rsa(draft, _PSS)
    parameters = [each.encoded for each in ber.read(encode_pss(_PSS), "parameters").children]
    trailer = der.tagged(3, der.integer(1))
    draft.algorithm = der.sequence(der.oid(ID_RSA_PSS), der.sequence(*parameters, trailer))


@_certificate(Quirk.ALGORITHMS_DIFFER)
def _algorithms_differ(fields: CertificateFields) -> None:
    fields.outer = der.sequence(_ECDSA_OID, der.null())


@_quirk(Quirk.DIGESTS_DIFFER)
def _digests_differ(draft: Draft) -> None:
    draft.scheme = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA384)


@_quirk(Quirk.ATTRIBUTES_ORDER)
def _attributes_order(draft: Draft) -> None:
    draft.order_attributes = lambda attributes: sorted(attributes, reverse=True)


@_quirk(Quirk.UNSIGNED_ATTRIBUTES)
def _unsigned_attributes(draft: Draft) -> None:
    value = der.set_of(der.utf8_string("not signed"))
    draft.unsigned = tlv.encode(0xA1, der.sequence(der.oid(_UNKNOWN_EXTENSION), value))


@_quirk(Quirk.RSA_DIGEST_NO_NULL)
def _digest_no_null(draft: Draft) -> None:
    key = _with_rsa(draft, _RSA)

    def sign(octets: bytes) -> bytes:
        digest = der.octet_string(Hash.SHA256.digest(octets))
        info = der.sequence(der.sequence(der.oid(Hash.SHA256.oid)), digest)
        size = key.public_key.size
        padded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
        return key.apply(int.from_bytes(padded, "big")).to_bytes(size, "big")

    draft.sign = sign


@_quirk(Quirk.ECDSA_ZEROS)
def _ecdsa_zeros(draft: Draft) -> None:
    def sign(octets: bytes) -> bytes:
        numbers = ber.read(draft.key.sign(ECDSA, octets), "signature").children
        return der.sequence(*(tlv.encode(der.INTEGER, b"\x00\x00" + n.contents) for n in numbers))

    draft.sign = sign


# --- the Document Signer's certificate -------------------------------------------------------


@_certificate(Quirk.VERSION)
def _version(fields: CertificateFields) -> None:
    fields.version = der.tagged(0, der.integer(1))


@_certificate(Quirk.SERIAL_NOT_POSITIVE)
def _serial_not_positive(fields: CertificateFields) -> None:
    fields.serial = tlv.encode(der.INTEGER, b"\x80\x00\x00\x07")


@_certificate(Quirk.SERIAL_LONG)
def _serial_long(fields: CertificateFields) -> None:
    fields.serial = tlv.encode(der.INTEGER, b"\x51" * 24)


@_certificate(Quirk.SERIAL_PADDED)
def _serial_padded(fields: CertificateFields) -> None:
    fields.serial = tlv.encode(der.INTEGER, b"\x00\x00\x51\x50")


@_certificate(Quirk.EXTRA_DATA)
def _extra_data(fields: CertificateFields) -> None:
    fields.extra = der.tagged(4, der.null())


@_certificate(Quirk.UNIQUE_ID)
def _unique_id(fields: CertificateFields) -> None:
    fields.unique = der.tagged_primitive(1, b"\x00\x51")


@_certificate(Quirk.TIME_FORM)
def _time_form(fields: CertificateFields) -> None:
    fields.not_before = _without_seconds(fields.not_before)


def _without_seconds(time: bytes) -> bytes:
    text = ber.read(time, "time").contents
    return tlv.encode(time[0], text[:-3] + b"Z")


@_certificate(Quirk.TIME_TYPE)
def _time_type(fields: CertificateFields) -> None:
    text = ber.read(fields.not_after, "time").contents
    fields.not_after = tlv.encode(der.GENERALIZED_TIME, b"20" + text)


@_certificate(Quirk.DEFAULT_ENCODED)
def _default_encoded(fields: CertificateFields) -> None:
    fields.extensions.append(_extension(_UNKNOWN_EXTENSION, der.null(), _NOT_CRITICAL))


@_certificate(Quirk.EXTENSION_TWICE)
def _extension_twice(fields: CertificateFields) -> None:
    fields.extensions += [extension(_UNKNOWN_EXTENSION, der.null())] * 2


@_quirk(Quirk.EXTENSION_MALFORMED)
def _extension_malformed(draft: Draft) -> None:
    draft.extensions["usage period"] = extension(PRIVATE_KEY_USAGE_PERIOD, der.null())


@_certificate(Quirk.PATH_LENGTH_NO_CA)
def _path_length_without_ca(fields: CertificateFields) -> None:
    fields.extensions.append(extension(BASIC_CONSTRAINTS, der.sequence(der.integer(0))))


def _document_types(draft: Draft) -> bytes:
    return der.set_of(*map(der.utf8_string, draft.document_types))


@_quirk(Quirk.DOCUMENT_TYPES)
def _types_in_utf8(draft: Draft) -> None:
    value = der.sequence(der.integer(0), _document_types(draft))
    draft.extensions["document types"] = extension(DOCUMENT_TYPE_LIST, value)


@_quirk(Quirk.DOCUMENT_TYPES_OID)
def _types_of_a_draft(draft: Draft) -> None:
    types = der.set_of(*map(der.printable_string, draft.document_types))
    value = der.sequence(der.integer(0), types)
    draft.extensions["document types"] = extension(OLD_DOCUMENT_TYPE_LIST, value)


@_quirk(Quirk.BOOLEAN_FORM)
def _boolean_form(draft: Draft) -> None:
    usage = ber.read(draft.extensions["key usage"], "extension").children[-1].contents
    draft.extensions["key usage"] = _extension(KEY_USAGE, usage, b"\x01\x01\x01")


def _extension(oid: str, value: bytes, flag: bytes) -> bytes:
    return der.sequence(der.oid(oid), flag, der.octet_string(value))


# --- EF.SOD ----------------------------------------------------------------------------------


@_quirk(Quirk.SOD_NO_TAG)
def _no_tag(draft: Draft) -> None:
    draft.wrap = lambda signed: signed


@_quirk(Quirk.SOD_NO_CERTIFICATE)
def _no_certificate(draft: Draft) -> None:
    draft.enclosed = False


@_quirk(Quirk.SOD_CONTENT_TYPE)
def _content_type(draft: Draft) -> None:
    draft.content_type = ID_DATA


@_quirk(Quirk.SOD_VERSION)
def _sod_version(draft: Draft) -> None:
    version, *rest = (each.encoded for each in ber.read(draft.content, "content").children)
    other = der.integer(0 if version == der.integer(1) else 1)
    draft.content = der.sequence(other, *rest)


# --- names -----------------------------------------------------------------------------------


@_quirk(Quirk.COUNTRY_CASE)
def _country_case(draft: Draft) -> None:
    draft.csca_name = encode_name((COUNTRY, draft.country.lower()), (COMMON_NAME, "CSCA of quirks"))


@_quirk(Quirk.ISSUER_NAME_FORM)
def _issuer_form(draft: Draft) -> None:
    upper = encode_name((COUNTRY, draft.country), (COMMON_NAME, "CSCA OF QUIRKS"))
    draft.change_certificate = lambda fields: setattr(fields, "issuer", upper)


@_quirk(Quirk.ISSUER_NAME)
def _issuer(draft: Draft) -> None:
    other = encode_name((COUNTRY, draft.country), (COMMON_NAME, "Another name of the CSCA"))
    draft.change_certificate = lambda fields: setattr(fields, "issuer", other)


@_quirk(Quirk.SIGNER_NAME_FORM)
def _signer_form(draft: Draft) -> None:
    draft.signer_name = encode_name((COMMON_NAME, "CSCA of quirks"), (COUNTRY, draft.country))


@_quirk(Quirk.SIGNER_NAME)
def _signer(draft: Draft) -> None:
    """As documents of Ukraine have it: their signers name another organization than the CSCA."""
    zone = DataGroup1.decode(draft.files[FileID.DG1]).mrz.text
    draft.put(FileID.DG1, DataGroup1(Mrz.parse(zone[:2] + "UKR" + zone[5:])).encode())
    draft.country, draft.signs_card_security = "UA", True

    def name(organization: str) -> bytes:
        unit = (ORGANIZATIONAL_UNIT, "SCPD PCU")
        rest = (ORGANIZATION, organization), unit, (COMMON_NAME, "CSCA-UKRAINE")
        return encode_name((COUNTRY, draft.country), *rest)

    draft.csca_name, draft.signer_name = name("One organization"), name("Another organization")


# --- profile ---------------------------------------------------------------------------------


@_quirk(Quirk.NO_AUTHORITY_KEY)
def _no_authority_key(draft: Draft) -> None:
    del draft.extensions["authority key"]


@_quirk(Quirk.OTHER_AUTHORITY_KEY)
def _other_authority_key(draft: Draft) -> None:
    draft.extensions["authority key"] = writer.authority_key_identifier(b"\x51" * 20)


@_quirk(Quirk.NO_KEY_USAGE)
def _no_key_usage(draft: Draft) -> None:
    del draft.extensions["key usage"]


@_quirk(Quirk.KEY_USAGE_NOT_CRITICAL)
def _key_usage_not_critical(draft: Draft) -> None:
    critical = writer.key_usage((KeyUsage.DIGITAL_SIGNATURE,))
    usage = ber.read(critical, "extension").children[-1].contents
    draft.extensions["key usage"] = extension(KEY_USAGE, usage)


@_quirk(Quirk.NO_USAGE_PERIOD)
def _no_usage_period(draft: Draft) -> None:
    del draft.extensions["usage period"]


@_quirk(Quirk.USAGE_PERIOD_SHIFTED)
def _usage_period_shifted(draft: Draft) -> None:
    begins = draft.at + timedelta(hours=6)
    draft.extensions["usage period"] = writer.private_key_usage_period(begins, begins + 90 * DAY)


@_quirk(Quirk.NO_DOCUMENT_TYPES)
def _no_document_types(draft: Draft) -> None:
    del draft.extensions["document types"]


@_quirk(Quirk.PATH_LENGTH)
def _path_length(draft: Draft) -> None:
    constraints = der.sequence(der.boolean(True), der.integer(1))
    draft.csca_extensions[-1] = extension(BASIC_CONSTRAINTS, constraints, critical=True)


@_quirk(Quirk.EXTENDED_KEY_USAGE)
def _extended_key_usage(draft: Draft) -> None:
    draft.extensions["purpose"] = writer.extended_key_usage("1.3.6.1.5.5.7.3.4")


DOCUMENT_QUIRKS: Final[Mapping[str, Change]] = MappingProxyType(_CHANGES)
"""The quirks that a document can have, by name."""
