"""Unit LDS_H: EF.SOD, and the Document Signer's certificate in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from conformance.reader.authority import (
    DAY,
    Authority,
    Fields,
    extension,
    key_usage,
    name,
    sign,
    signing_key,
)
from conformance.reader.case import Make, Presented, Unit, Workshop
from conformance.reader.cases.pace import with_mapping
from conformance.reader.chips import Octets, damaged
from conformance.reader.edits import TAG_AND_LENGTH
from conformance.reader.sods import (
    MD5,
    RSA_WITH_MD5,
    Edit,
    Form,
    encapsulated,
    hash_value,
    put,
    same,
    security_object,
    sign_with_md5,
    with_sod,
    without,
)
from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.lds.com import Com
from emrtd.lds.files import FileID
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.algorithms import ID_RSA_ENCRYPTION, encode_scheme
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.names import COMMON_NAME, encode_name
from support.errors import MalformedError

UNIT: Final = Unit()

RSA, PSS, DSA, ECDSA = (
    SignatureFamily.RSA, SignatureFamily.RSA_PSS, SignatureFamily.DSA, SignatureFamily.ECDSA,
)  # fmt: skip
SHA1, SHA224, SHA256 = Hash.SHA1, Hash.SHA224, Hash.SHA256
SHA384, SHA512 = Hash.SHA384, Hash.SHA512
RSA_KEYS: Final = ("RSA-3072", "RSA-2048")
USUAL: Final = SignatureScheme(ECDSA, SHA256)
RSA_OID: Final = put("signatureAlgorithm", der.sequence(der.oid(ID_RSA_ENCRYPTION), der.null()))


# --- algorithms ----------------------------------------------------------------------------------


def _algorithms(
    form: Form,
    kinds: tuple[str, str],
    *,
    chain: SignatureScheme | None = None,
    hashes: Hash | None = None,
) -> Make:
    """A document of these algorithms.

    `kinds` are those of the keys of CSCA and Document Signer, `chain` is the scheme of the
    certificates, by default that of EF.SOD, and `hashes` the hash of the data groups.
    """
    csca, signer = kinds

    def make(at: Workshop) -> Presented:
        authority = Authority(at.at, kind=csca, scheme=chain or form.scheme)
        how = at.how(
            authority=authority,
            signer_kind=signer,
            hash_algorithm=hashes or form.scheme.hash,
        )
        return Presented(with_sod(how, form))

    return make


def _simple(id_: str, scheme: SignatureScheme, *kinds: str, form: Edit = same) -> None:
    csca, signer = kinds
    UNIT.good(f"LDS_H_{id_}")(_algorithms(Form(scheme, signer=form), (csca, signer)))


for _id, _family, _hash in (
    ("01", RSA, SHA1), ("02", PSS, SHA1), ("03", PSS, SHA256), ("04", RSA, SHA224),
    ("05", RSA, SHA256), ("06", RSA, SHA384), ("07", RSA, SHA512),
    ("94", PSS, SHA224), ("95", PSS, SHA384), ("96", PSS, SHA512),
):  # fmt: skip
    _simple(_id, SignatureScheme(_family, _hash), *RSA_KEYS)
for _id, _hash in (("79", SHA1), ("80", SHA224), ("81", SHA256), ("82", SHA384), ("83", SHA512)):
    _simple(_id, SignatureScheme(RSA, _hash), *RSA_KEYS, form=RSA_OID)
for _id, _hash in (("08", SHA1), ("97", SHA224), ("98", SHA256)):
    _simple(_id, SignatureScheme(DSA, _hash), "DSA", "DSA")

P224, P256, P384, P512 = (f"brainpoolP{bits}r1" for bits in (224, 256, 384, 512))
for _x962, _plain, _hash, _csca, _signer in (
    ("09", "10", SHA1, P256, P224),
    ("70", "11", SHA224, P256, P224),
    ("71", "12", SHA256, P256, P256),
    ("72", "13", SHA384, P384, P384),
    ("73", "14", SHA512, P512, P512),
):
    _simple(_x962, SignatureScheme(ECDSA, _hash), _csca, _signer)
    _simple(_plain, SignatureScheme(ECDSA, _hash, plain=True), _csca, _signer)

PSS256: Final = SignatureScheme(PSS, SHA256)
UNIT.good("LDS_H_74")(_algorithms(Form(PSS256), RSA_KEYS, hashes=SHA224))
UNIT.good("LDS_H_75")(_algorithms(Form(PSS256, SHA224), RSA_KEYS, hashes=SHA224))
UNIT.good("LDS_H_76")(
    _algorithms(
        Form(SignatureScheme(RSA, SHA256), SHA224), (P256, "RSA-2048"),
        chain=SignatureScheme(ECDSA, SHA224), hashes=SHA224,
    )
)  # fmt: skip
UNIT.good("LDS_H_77")(_algorithms(Form(PSS256), RSA_KEYS, chain=SignatureScheme(PSS, SHA224)))
UNIT.good("LDS_H_78")(_algorithms(Form(PSS256), RSA_KEYS, chain=SignatureScheme(RSA, SHA256)))


@UNIT.good("LDS_H_15")
def _without_the_certificate(at: Workshop) -> Presented:
    """Only an EF.SOD of LDS 1.7 may leave it out; the inspection system has it."""
    scheme = SignatureScheme(RSA, SHA256)
    authority = Authority(at.at, kind=RSA_KEYS[0], scheme=scheme)
    how = at.how(authority=authority, signer_kind=RSA_KEYS[1], lds_version=None)
    made = with_sod(how, Form(scheme, data=without("certificates")))
    return Presented(replace(made, signers=(how.document_signer,)))


# --- the file ------------------------------------------------------------------------------------


def _of_form(form: Form, **changes: object) -> Make:
    return lambda at: Presented(with_sod(at.how(**changes), form))


def _file(change: Octets) -> Make:
    def make(at: Workshop) -> Presented:
        made = at.document()
        return Presented(made.with_file(FileID.SOD, change(made.files[FileID.SOD])))

    return make


NAMED: Final = ("lds.structure", "sod.", "dg.hash", "com.consistent")
"""A malformed EF.SOD is named by the check of its structure, or by those that need it."""

for _number, _octets in enumerate(TAG_AND_LENGTH, 17):
    UNIT.bad(f"LDS_H_{_number}", *NAMED)(_file(_octets))

SKI: Final = der.tagged_primitive(0, bytes(20))


def _by_key_identifier(version: int, *, right: bool) -> Make:
    def make(at: Workshop) -> Presented:
        identifier = key_identifier(signing_key("DS 1", P256).public_key)
        named = der.tagged_primitive(0, identifier if right else bytes(20))
        change = {"version": der.integer(version), "sid": named}
        return Presented(with_sod(at.how(), Form(USUAL, signer=lambda fields: fields | change)))

    return make


for _id, _form in (
    ("20", Form(USUAL, data=put("version", der.integer(1)))),
    ("21", Form(USUAL, data=without("version"))),
    ("22", Form(USUAL, data=put("digestAlgorithms", der.set_of(MD5)))),
    ("23", Form(USUAL, data=without("digestAlgorithms"))),
    ("26", Form(USUAL, signer=put("version", der.integer(3)))),
    ("27", Form(USUAL, signer=without("version"))),
    ("28", Form(USUAL, signer=put("sid", der.sequence(name("UT", "CSCA X"), der.integer(1))))),
    ("30", Form(USUAL, signer=put("digestAlgorithm", MD5))),
    ("31", Form(USUAL, signer=without("digestAlgorithm"))),
    ("32", Form(USUAL, attributes=lambda fields: fields | {
        "messageDigest": damaged(fields["messageDigest"])
    })),
    ("33", Form(USUAL, attributes=without("messageDigest"))),
    ("37", Form(USUAL, signer=lambda fields: fields | {"signature": damaged(fields["signature"])})),
    ("38", Form(USUAL, signer=without("signature"))),
    ("39", Form(USUAL, content=put("version", der.integer(9)))),
    ("40", Form(USUAL, content=without("version"))),
    ("41", Form(USUAL, content=put("hashAlgorithm", MD5))),
    ("42", Form(USUAL, content=without("hashAlgorithm"))),
    ("43", Form(USUAL, hashes=lambda fields: fields | {"2": damaged(fields["2"])})),
    ("44", Form(USUAL, hashes=without("1"))),
    ("45", Form(USUAL, hashes=put("10", hash_value(der.integer(10), bytes(32))))),
    ("46", Form(USUAL, hashes=put("1", hash_value(der.integer(0xFF), bytes(32))))),
    ("47", Form(USUAL, hashes=put("2", hash_value(b"", bytes(32))))),
    ("84", Form(USUAL, signer=put("version", der.integer(3)))),
    ("87", Form(USUAL, content=put("version", der.integer(0)))),
):  # fmt: skip
    UNIT.bad(f"LDS_H_{_id}", *NAMED)(_of_form(_form))

UNIT.bad("LDS_H_29", *NAMED)(_by_key_identifier(3, right=False))
UNIT.bad("LDS_H_85", *NAMED)(_by_key_identifier(1, right=True))
UNIT.good("LDS_H_86")(_of_form(Form(USUAL)))
UNIT.bad("LDS_H_88", *NAMED)(
    _of_form(Form(USUAL, content=put("version", der.integer(1))), lds_version=None)
)
UNIT.either("LDS_H_89")(_of_form(Form(USUAL), lds_version="0109"))


def _of_content_type(id_: str, oid: bytes) -> None:
    def make(at: Workshop) -> Presented:
        how = at.how()
        content = security_object(how, Form(USUAL))
        change = put("encapContentInfo", encapsulated(content, oid))
        return Presented(with_sod(how, Form(USUAL, data=change)))

    UNIT.bad(f"LDS_H_{id_}", *NAMED)(make)


_of_content_type("24", der.oid("2.23.136.1.1.9"))
_of_content_type("25", b"")


@UNIT.bad("LDS_H_36", *NAMED)
def _signed_with_md5(at: Workshop) -> Presented:
    """The signature is right, and MD5 proves nothing."""
    authority = Authority(at.at, kind=RSA_KEYS[0])
    how = at.how(authority=authority, signer_kind=RSA_KEYS[1])
    form = Form(
        SignatureScheme(RSA, SHA256),
        signer=put("signatureAlgorithm", RSA_WITH_MD5),
        sign=lambda key, _, message: sign_with_md5(key, message),
    )
    return Presented(with_sod(how, form))


# --- the Document Signer's certificate -----------------------------------------------------------

CertificateEdit = Callable[[Authority, Fields], Fields]
CHAIN: Final = ("lds.structure", "sod.", "ds.")
"""A wrong certificate is named by the check of its chain, its validity or its profile."""


def _certificate(
    change: CertificateEdit = lambda _, fields: fields,
    outer: Edit = same,
    scheme: SignatureScheme = USUAL,
) -> Make:
    """EF.SOD encloses a certificate that the CSCA has signed with other fields.

    `outer` changes tbsCertificate, signatureAlgorithm and signatureValue, without a new signature.
    """

    def make(at: Workshop) -> Presented:
        authority = replace(at.authority, scheme=scheme)
        fields = change(authority, authority.signer_fields())
        body = der.sequence(*fields.values())
        parts = {
            "tbsCertificate": body,
            "signatureAlgorithm": encode_scheme(scheme),
            "signatureValue": der.bit_string(sign(authority.key, scheme, body)),
        }
        certificate = der.sequence(*outer(parts).values())
        how = at.how(authority=authority, signer=_read(certificate) or authority.signer())
        return Presented(with_sod(how, Form(USUAL, certificate=certificate)))

    return make


def _read(certificate: bytes) -> Certificate | None:
    try:
        return Certificate.parse(certificate)
    except MalformedError:
        return None


def _field(field: str, octets: bytes) -> CertificateEdit:
    return lambda _, fields: fields | {field: octets}


def _extension(extension_name: str, octets: bytes) -> CertificateEdit:
    """Put another extension in the place of one; empty to leave it out."""

    def edit(authority: Authority, fields: Fields) -> Fields:
        usual = authority.signer_extensions(signing_key("DS 1", P256).public_key)
        changed = der.sequence(*(usual | {extension_name: octets}).values())
        return fields | {"extensions": der.tagged(3, changed)}

    return edit


def _early_generalised_time(authority: Authority, fields: Fields) -> Fields:
    """Dates before 2050 must be UTCTime (RFC 5280, 4.1.2.5)."""
    times = (authority.at - 30 * DAY, authority.at + 3650 * DAY)
    encoded = (tlv.encode(0x18, f"{each:%Y%m%d%H%M%SZ}".encode()) for each in times)
    return fields | {"validity": der.sequence(*encoded)}


def _key_with_md5(_: Authority, fields: Fields) -> Fields:
    """A key under the algorithm of a signature, md5WithRSAEncryption, is not a key."""
    bits = tlv.read(fields["subjectPublicKeyInfo"], "key").children()[1]
    return fields | {
        "subjectPublicKeyInfo": der.sequence(RSA_WITH_MD5, tlv.encode(bits.tag, bits.value))
    }


NOT_DIGITAL_SIGNATURE: Final = key_usage(ext.KeyUsage.KEY_ENCIPHERMENT)
NOT_CRITICAL: Final = extension(ext.KEY_USAGE, b"\x03\x02\x07\x80")
ISSUER_NOT_KEY: Final = extension(
    ext.AUTHORITY_KEY_IDENTIFIER, der.sequence(der.tagged_primitive(2, b"\x01"))
)

for _id, _change in (
    ("48", _field("version", der.tagged(0, der.integer(1)))),
    ("49", _field("version", b"")),
    ("50", _field("serialNumber", b"")),
    ("51", _field("signature", encode_scheme(SignatureScheme(ECDSA, SHA384)))),
    ("52", _field("signature", b"")),
    ("53", _field("issuer", encode_name((COMMON_NAME, "CSCA Utopia")))),
    ("54", _field("issuer", name("UT", "CSCA Dystopia"))),
    ("55", _field("issuer", b"")),
    ("56", _early_generalised_time),
    ("57", _field("validity", b"")),
    ("58", _key_with_md5),
    ("59", _field("subjectPublicKeyInfo", b"")),
    ("60", _extension("authorityKeyIdentifier", ISSUER_NOT_KEY)),
    ("61", _extension("authorityKeyIdentifier", b"")),
    ("62", _extension("keyUsage", NOT_CRITICAL)),
    ("63", _extension("keyUsage", NOT_DIGITAL_SIGNATURE)),
    ("64", _extension("keyUsage", b"")),
):
    UNIT.bad(f"LDS_H_{_id}", *CHAIN)(_certificate(_change))

UNIT.bad("LDS_H_66", *CHAIN)(_certificate(outer=without("signatureAlgorithm")))
UNIT.bad("LDS_H_67", *CHAIN)(
    _certificate(outer=lambda parts: parts | {"signatureValue": damaged(parts["signatureValue"])})
)
UNIT.bad("LDS_H_68", *CHAIN)(_certificate(outer=without("signatureValue")))


@UNIT.bad("LDS_H_65", *CHAIN)
def _chain_with_md5(at: Workshop) -> Presented:
    """The CSCA's certificate, the Document Signer's and EF.SOD are all signed with MD5."""
    authority = Authority(at.at, kind=RSA_KEYS[0], scheme=SignatureScheme(RSA, SHA256))

    def certified(fields: Fields) -> bytes:
        body = der.sequence(*(fields | {"signature": RSA_WITH_MD5}).values())
        signature = der.bit_string(sign_with_md5(authority.key, body))
        return der.sequence(body, RSA_WITH_MD5, signature)

    root = certified(authority.root_fields())
    certificate = certified(authority.signer_fields(kind=RSA_KEYS[1]))
    how = at.how(authority=authority, signer_kind=RSA_KEYS[1])
    form = Form(
        SignatureScheme(RSA, SHA256),
        signer=put("signatureAlgorithm", RSA_WITH_MD5),
        certificate=certificate,
        sign=lambda key, _, message: sign_with_md5(key, message),
    )
    made = with_sod(how, form)
    return Presented(replace(made, anchors=(Certificate.parse(root),)))


# --- data groups that EF.SOD, EF.COM and EF.CardSecurity do not agree on -------------------------


@UNIT.bad("LDS_H_69", "dg.hash.DG2")
def _changed_portrait(at: Workshop) -> Presented:
    """The last octet of DG2 is another, and its hash too: nothing of it may be shown as signed."""
    how = at.how()
    made = with_sod(how, Form(USUAL, hashes=lambda fields: fields | {"2": damaged(fields["2"])}))
    return Presented(made.with_file(FileID.DG2, damaged(made.files[FileID.DG2])))


def _listing(*numbers: int, hashes: Edit) -> Make:
    """EF.COM lists these data groups, EF.SOD has other hashes."""

    def make(at: Workshop) -> Presented:
        made = with_sod(at.how(), Form(USUAL, hashes=hashes))
        com = Com.for_data_groups(*numbers, lds_version="0108")
        return Presented(made.with_file(FileID.COM, com.encode()))

    return make


_DG3: Final = hash_value(der.integer(3), b"\xff" * 32)
UNIT.bad("LDS_H_90", "com.consistent", "dg.hash")(_listing(1, 2, hashes=put("3", _DG3)))
UNIT.bad("LDS_H_91", "com.consistent", "dg.hash")(_listing(1, 2, hashes=without("2")))
UNIT.bad("LDS_H_92", "com.consistent", "dg.hash")(_listing(1, 2, hashes=put("2", _DG3)))


@UNIT.bad("LDS_H_93", "cardsecurity.signature")
def _wrong_card_security(at: Workshop) -> Presented:
    made = with_mapping(at)
    octets = made.files[FileID.CARD_SECURITY]
    return Presented(made.with_file(FileID.CARD_SECURITY, damaged(octets)))
