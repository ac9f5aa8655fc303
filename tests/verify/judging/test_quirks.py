"""Every quirk of real documents is read past, named, and refused if the policy says so."""

import io
from collections.abc import Callable
from functools import cache
from typing import Final

import msgspec
import pytest
from PIL import Image

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.biometrics.iso19794.face import ColourSpace, FaceRecord
from emrtd.biometrics.samples import FaceImage
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.files import FileID
from emrtd.lds.security.security_object import LDS_SECURITY_OBJECT
from emrtd.lds.security.sod import Sod, build_sod
from emrtd.pki.cms.signed_data import ID_DATA
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.findings import Check, Outcome
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.algorithms import encode_scheme
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.free_writer import document_types
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, encode_name
from tests.certificates import (
    DAY,
    NOW,
    Authority,
    WithoutNull,
    extended_key_usage,
    extension,
    key,
    key_usage,
    make_certificate,
    name,
    usage_period,
)
from tests.helpers import replace
from tests.security.surgery import operated, signed_data_of, with_signed_data
from tests.verify.documents import CSCA, Document, Trust, face, issue, mrz, usual
from verify.judging.policy import load_policy
from verify.judging.quirks import QUIRK_NAMES
from verify.judging.report import Verdict
from vsmartcard.forging.surgery import (
    EF_SOD_TAG,
    Fields,
    changed,
    fields_of,
    parts_of,
    signed_data,
    signer_of,
    with_signers,
)

ECDSA: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
RSA: Final = SignatureScheme(SignatureFamily.RSA, Hash.SHA256)
PSS: Final = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256)
ALGORITHM, SIGNATURE = -2, -1
"""The positions of these fields in a SignerInfo without unsigned attributes."""
UNSIGNED: Final = der.tagged(1, der.sequence(der.oid("1.2.3"), der.set_of(der.null())))


# --- certificates --------------------------------------------------------------------------------


def signer(*more: bytes, **fields: object) -> Document:
    """Return a document whose signer has more extensions, or is issued with other arguments."""
    return issue(signer=CSCA.issue(more=more, **fields))  # type: ignore[arg-type]


def signer_of_body(change: Callable[[Fields], Fields]) -> Document:
    """Return a document whose signer's certificate has changed fields and a correct signature."""
    good = CSCA.issue()
    body = der.sequence(*change(parts_of(good.tbs)))
    signature = der.bit_string(CSCA.key.sign(ECDSA, body))
    return issue(signer=Certificate.parse(der.sequence(body, encode_scheme(ECDSA), signature)))


def with_extension(critical: bytes) -> Callable[[Fields], Fields]:
    """Add an extension whose critical flag has exactly these octets."""
    added = der.sequence(der.oid("2.5.29.18"), critical, der.octet_string(der.sequence()))

    def change(fields: Fields) -> Fields:
        extensions = parts_of(parts_of(fields[-1])[0])
        return [*fields[:-1], der.tagged(3, der.sequence(*extensions, added))]

    return change


def signer_with_null_outside() -> Document:
    body, algorithm, signature = parts_of(CSCA.issue().der)
    outside = der.sequence(parts_of(algorithm)[0], der.null())
    return issue(signer=Certificate.parse(der.sequence(body, outside, signature)))


def signer_without(*left_out: str) -> Document:
    extensions = {
        ext.AUTHORITY_KEY_IDENTIFIER: extension(
            ext.AUTHORITY_KEY_IDENTIFIER,
            der.sequence(der.tagged_primitive(0, CSCA.key_identifier)),
        ),
        ext.KEY_USAGE: key_usage(ext.KeyUsage.DIGITAL_SIGNATURE),
    }
    kept = [each for oid, each in extensions.items() if oid not in left_out]
    return issue(signer=CSCA.issue(extensions=kept))


def document_type_list(value: bytes, oid: str = ext.DOCUMENT_TYPE_LIST) -> Document:
    return signer(extension(oid, value))


def csca_of_path_length_2() -> Document:
    constraints = der.sequence(der.boolean(True), der.integer(2))
    extensions = [
        *CSCA.extensions()[:2],
        key_usage(ext.KeyUsage.KEY_CERT_SIGN, ext.KeyUsage.CRL_SIGN),
        extension(ext.BASIC_CONSTRAINTS, constraints, critical=True),
    ]
    public = CSCA.key.public_key
    csca = make_certificate(CSCA.name, CSCA.name, public, CSCA.key, extensions)
    return issue(anchors=(csca,))


def country_in_small_letters() -> Document:
    return issue(authority=Authority(country="ut"))


# --- security objects ----------------------------------------------------------------------------


def signer_info(index: int, change: Callable[[bytes], bytes], document: Document) -> Document:
    """Return a document with a change in an unsigned part of its SignerInfo."""
    return operated(
        document, lambda fields: with_signers(fields, changed(signer_of(fields), index, change))
    )


def signed_with_rsa(scheme: SignatureScheme, *, without_null: bool = False) -> Document:
    """Return a document that is signed with RSA."""
    document, private = issue(signer_kind="RSA-2048"), key("DS 1", "RSA-2048")
    assert isinstance(private, RsaPrivateKey)
    octets = build_sod(
        Sod.parse(document.files[FileID.SOD]).security_object,
        WithoutNull(private) if without_null else private,
        document.how.document_signer,
        scheme=scheme,
        signing_time=NOW - 10 * DAY,
    )
    return document.with_file(FileID.SOD, octets)


def signed_with_another_hash() -> Document:
    """Return a document with a SHA-256 message digest and a SHA-384 signature."""
    scheme = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA384)
    attributes = parts_of(signer_of(fields_of(signed_data_of(usual()))))[3]
    signature = der.octet_string(key("DS 1").sign(scheme, b"\x31" + attributes[1:]))
    document = signer_info(ALGORITHM, lambda _: encode_scheme(scheme), usual())
    return signer_info(SIGNATURE, lambda _: signature, document)


def algorithm_with(*parameters: bytes) -> Callable[[bytes], bytes]:
    return lambda algorithm: der.sequence(parts_of(algorithm)[0], *parameters)


def with_the_default_written(algorithm: bytes) -> bytes:
    """Return RSA-PSS parameters with an explicit trailer field, of which only one value exists."""
    oid, parameters = parts_of(algorithm)
    return der.sequence(oid, der.sequence(*parts_of(parameters), der.tagged(3, der.integer(1))))


def with_zeros(signature: bytes) -> bytes:
    r, s = parts_of(ber.read(signature, "test").contents)
    padded = tlv.encode(der.INTEGER, b"\0", ber.read(r, "test").contents)
    return der.octet_string(der.sequence(padded, s))


def reversed_attributes(attributes: bytes) -> bytes:
    return tlv.encode(0xA0, *reversed(parts_of(attributes)))


def indefinite() -> Document:
    document = usual()
    inner = b"".join(parts_of(signed_data_of(document)))
    return with_signed_data(document, b"\x30\x80" + inner + b"\0\0")


def long_length() -> Document:
    octets = signed_data_of(usual())
    header = bytes((EF_SOD_TAG, 0x83)) + len(octets).to_bytes(3, "big")
    return usual().with_file(FileID.SOD, header + octets)


def without_certificate() -> Document:
    document = operated(usual(), lambda fields: [*fields[:3], fields[-1]])
    return replace(document, trust=Trust([CSCA.certificate()], [], [CSCA.issue()]))


def other_content_type() -> Document:
    """Return SignedData of version 3 with content of type id-data, as documents of CN have."""
    document = usual()
    content = Sod.parse(document.files[FileID.SOD]).signed_data.content
    ds = document.how.document_signer
    octets = build_signed_data(ID_DATA, content, key("DS 1"), ds, Hash.SHA256, NOW - 10 * DAY)
    fields = [der.integer(3), *fields_of(octets)[1:]]
    return with_signed_data(document, signed_data(fields))


def version_of_another_lds() -> Document:
    """LDS 1.8 with version 0, which is that of LDS 1.7 (Doc 9303-10, 4.6.2.3)."""
    document = usual()
    content = Sod.parse(document.files[FileID.SOD]).signed_data.content
    changed = der.sequence(der.integer(0), *parts_of(content)[1:])
    ds = document.how.document_signer
    octets = build_signed_data(
        LDS_SECURITY_OBJECT, changed, key("DS 1"), ds, Hash.SHA256, NOW - 10 * DAY
    )
    return with_signed_data(document, octets)


def signer_with_key_usage(*, critical: bool) -> Document:
    usage = extension(ext.KEY_USAGE, b"\x03\x02\x07\x80", critical=critical)
    return issue(signer=CSCA.issue(extensions=[usage]))


def signer_named(issuer: bytes, document: Document) -> Document:
    return signer_info(1, lambda sid: der.sequence(issuer, parts_of(sid)[1]), document)


def signer_named_as_ua_does() -> Document:
    common = (("2.5.4.11", "SCPD PCU"), (COMMON_NAME, "CSCA-UKRAINE"))
    here = encode_name((COUNTRY, "UA"), ("2.5.4.10", "Polygraph combine UKRAINA"), *common)
    there = encode_name((COUNTRY, "UA"), ("2.5.4.10", "Polygraph combine UKRAINE"), *common)
    state = Authority(country="UA")
    document = issue(authority=state, mrz=mrz(issuing_state="UKR"), signer=state.issue(issuer=here))
    return signer_named(there, document)


QUIRKS: Final[dict[Quirk, Callable[[], Document]]] = {
    Quirk.INDEFINITE_LENGTH: indefinite,
    Quirk.LONG_LENGTH: long_length,
    Quirk.ECDSA_NULL: lambda: signer_info(ALGORITHM, algorithm_with(der.null()), usual()),
    Quirk.RSA_NO_NULL: lambda: signer_info(ALGORITHM, algorithm_with(), signed_with_rsa(RSA)),
    Quirk.PSS_DEFAULT: lambda: signer_info(
        ALGORITHM, with_the_default_written, signed_with_rsa(PSS)
    ),
    Quirk.ALGORITHMS_DIFFER: signer_with_null_outside,
    Quirk.DIGESTS_DIFFER: signed_with_another_hash,
    Quirk.ATTRIBUTES_ORDER: lambda: signer_info(3, reversed_attributes, usual()),
    Quirk.UNSIGNED_ATTRIBUTES: lambda: signer_info(
        SIGNATURE, lambda signature: signature + UNSIGNED, usual()
    ),
    Quirk.RSA_DIGEST_NO_NULL: lambda: signed_with_rsa(RSA, without_null=True),
    Quirk.ECDSA_ZEROS: lambda: signer_info(SIGNATURE, with_zeros, usual()),
    Quirk.VERSION: lambda: signer_of_body(lambda fields: fields[1:]),
    Quirk.SERIAL_NOT_POSITIVE: lambda: signer(serial=0),
    Quirk.SERIAL_LONG: lambda: signer(serial=1 << 170),
    Quirk.SERIAL_PADDED: lambda: signer_of_body(
        lambda fields: [fields[0], b"\x02\x03\x00\x00\x05", *fields[2:]]
    ),
    Quirk.EXTRA_DATA: lambda: signer_of_body(lambda fields: [*fields, der.null()]),
    Quirk.UNIQUE_ID: lambda: signer_of_body(
        lambda fields: [*fields[:-1], der.tagged_primitive(1, b"\0x"), fields[-1]]
    ),
    Quirk.TIME_FORM: lambda: signer_of_body(
        lambda fields: [
            *fields[:4],
            der.sequence(b"\x17\x0b2610231200Z", parts_of(fields[4])[1]),
            *fields[5:],
        ]
    ),
    Quirk.TIME_TYPE: lambda: signer_of_body(
        lambda fields: [
            *fields[:4],
            der.sequence(b"\x18\x0f20261023120000Z", parts_of(fields[4])[1]),
            *fields[5:],
        ]
    ),
    Quirk.DEFAULT_ENCODED: lambda: signer_of_body(with_extension(der.boolean(False))),
    Quirk.EXTENSION_TWICE: lambda: signer(
        *[extension("2.5.29.18", der.sequence()) for _ in range(2)]
    ),
    Quirk.EXTENSION_MALFORMED: lambda: signer(
        extension(ext.CRL_DISTRIBUTION_POINTS, der.null()), document_types("I")
    ),
    Quirk.PATH_LENGTH_NO_CA: lambda: signer(
        extension(ext.BASIC_CONSTRAINTS, der.sequence(der.integer(0)))
    ),
    Quirk.DOCUMENT_TYPES: lambda: document_type_list(
        der.sequence(der.printable_string("I"), der.printable_string("P"))
    ),
    Quirk.DOCUMENT_TYPES_OID: lambda: document_type_list(
        der.sequence(der.integer(0), der.set_of(der.printable_string("I"))),
        ext.OLD_DOCUMENT_TYPE_LIST,
    ),
    Quirk.BOOLEAN_FORM: lambda: signer_of_body(with_extension(b"\x01\x01\x01")),
    Quirk.SOD_NO_TAG: lambda: usual().with_file(FileID.SOD, signed_data_of(usual())),
    Quirk.SOD_NO_CERTIFICATE: without_certificate,
    Quirk.SOD_CONTENT_TYPE: other_content_type,
    Quirk.SOD_VERSION: version_of_another_lds,
    Quirk.COUNTRY_CASE: country_in_small_letters,
    Quirk.ISSUER_NAME_FORM: lambda: signer(issuer=name("UT", "CSCA utopia")),
    Quirk.ISSUER_NAME: lambda: signer(issuer=name("UT", "CSCA of Utopia")),
    Quirk.SIGNER_NAME_FORM: lambda: signer_named(
        encode_name((COMMON_NAME, "CSCA Utopia"), (COUNTRY, "UT")), usual()
    ),
    Quirk.SIGNER_NAME: signer_named_as_ua_does,
    Quirk.NO_AUTHORITY_KEY: lambda: signer_without(ext.AUTHORITY_KEY_IDENTIFIER),
    Quirk.OTHER_AUTHORITY_KEY: lambda: signer(authority=b"another key's name"),
    Quirk.NO_KEY_USAGE: lambda: signer_without(ext.KEY_USAGE),
    Quirk.KEY_USAGE_NOT_CRITICAL: lambda: signer_with_key_usage(critical=False),
    Quirk.NO_USAGE_PERIOD: usual,
    Quirk.USAGE_PERIOD_SHIFTED: lambda: signer(usage_period(NOW - 9.5 * DAY, NOW + 20 * DAY)),
    Quirk.NO_DOCUMENT_TYPES: usual,
    Quirk.PATH_LENGTH: csca_of_path_length_2,
    Quirk.EXTENDED_KEY_USAGE: lambda: signer(extended_key_usage("1.2.3"), document_types("I")),
}


@cache
def document_with(quirk: Quirk) -> Document:
    return QUIRKS[quirk]()


def carriers(checks: tuple[Check, ...], quirk: Quirk) -> list[str]:
    """Return the checks that name the quirk."""
    return [check.id for check in checks if quirk in check.tolerated]


@pytest.mark.parametrize("quirk", Quirk)
def test_a_quirk_is_read_past_named_and_can_be_refused(quirk: Quirk) -> None:
    document = document_with(quirk)
    lenient = document.judged()
    named = carriers(lenient.checks, quirk)
    assert named
    assert lenient.verdict is not Verdict.REJECT, lenient.why
    for check_id in ("sod.signature", "sod.profile", "ds.chain", "ds.profile"):
        assert lenient.check(check_id).outcome is Outcome.PASSED, lenient.check(check_id)
    policy = load_policy("default")
    others = tuple(sorted(QUIRK_NAMES - {quirk.value}))
    refusing = document.judged(policy=msgspec.structs.replace(policy, tolerated_quirks=others))
    assert refusing.verdict is not Verdict.ACCEPT
    for check_id in named:
        check = refusing.check(check_id)
        assert check.outcome is Outcome.FAILED
        assert quirk.value in check.reason


# --- data groups ---------------------------------------------------------------------------------


def picture(mode: str, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((32, 40)).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def dg2(image: bytes, **fields: object) -> bytes:
    """Return a DG2 with this picture, whose record may describe it wrongly."""
    group = DataGroup2.of([FaceImage.of(image)])
    instance = group.instances[0]
    record = instance.record
    assert isinstance(record, FaceRecord)
    changed_record = record._replace(images=(record.images[0]._replace(**fields),))  # type: ignore[arg-type]
    return replace(group, instances=(replace(instance, record=changed_record),)).encode()


def dg2_of_length(short: int) -> bytes:
    """Return a DG2 whose record states a length that is too short."""
    group = DataGroup2.of([FaceImage.of(face())])
    instance = group.instances[0]
    record = instance.record
    assert isinstance(record, FaceRecord)
    record = record._replace(declared_length=len(record.encode()) - short)
    return replace(group, instances=(replace(instance, record=record),)).encode()


def details(tag: int, tags: bytes, *objects: bytes) -> bytes:
    return tlv.encode(tag, tlv.encode(0x5C, tags), *objects)


DATA_GROUP_QUIRKS: Final[dict[str, tuple[int, Callable[[], bytes], str]]] = {
    "a record length 8 octets short (NZ)": (2, lambda: dg2_of_length(8), "length"),
    "a record length 1 octet short (UK)": (2, lambda: dg2_of_length(1), "length"),
    "padding behind a JP2": (
        2,
        lambda: dg2(picture("RGB", "JPEG2000") + bytes(5)),
        "5 octets of padding after it",
    ),
    "a bare codestream (PT, ES)": (
        2,
        lambda: dg2(picture("RGB", "JPEG2000", no_jp2=True)),
        "a bare JPEG 2000 codestream",
    ),
    "one component where three are said (LT)": (
        2,
        lambda: dg2(picture("L", "JPEG2000"), colour_space=ColourSpace.RGB24),
        "in colour; it is grey",
    ),
    "a date in BCD": (
        11,
        lambda: details(0x6B, b"\x5f\x2b", tlv.encode(0x5F2B, bytes.fromhex("19900131"))),
        "is in BCD",
    ),
    "a date of issue in BCD": (
        12,
        lambda: details(0x6C, b"\x5f\x26", tlv.encode(0x5F26, bytes.fromhex("20261101"))),
        "is in BCD",
    ),
    "an empty string": (
        11,
        lambda: details(0x6B, b"\x5f\x12", tlv.encode(0x5F12, b"")),
        "is empty",
    ),
    "a bare 5F0F": (
        11,
        lambda: details(0x6B, b"\x5f\x0f", tlv.encode(0x5F0F, b"ALIAS")),
        "outside its template",
    ),
    "a DG13 that is not TLV (SG)": (
        13,
        lambda: tlv.encode(0x6D, b"\x04SGP of its own"),
        "not data objects",
    ),
}


@pytest.mark.parametrize("quirk", DATA_GROUP_QUIRKS)
def test_a_data_groups_quirk_is_read_past_named_and_can_be_refused(quirk: str) -> None:
    number, octets, says = DATA_GROUP_QUIRKS[quirk]
    named = f"lds.dg{number}"
    document = issue(more={number: octets()})
    lenient = document.judged()
    (said,) = [each for each in lenient.tolerated if each.startswith(f"{named}: ")]
    assert says in said
    assert lenient.verdict is Verdict.ACCEPT, lenient.why
    policy = load_policy("default")
    others = tuple(sorted(QUIRK_NAMES - {named}))
    refusing = document.judged(policy=msgspec.structs.replace(policy, tolerated_quirks=others))
    assert refusing.check("lds.structure").outcome is Outcome.FAILED
    assert says in refusing.check("lds.structure").reason
    assert refusing.verdict is Verdict.REFER
