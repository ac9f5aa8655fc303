"""Which changes of a document's files need no key of its State and are accepted: these, no others.

`docs/threat-model.md` lists them.  None changes what the State has signed or what the report says
of the document.
"""

from collections.abc import Callable
from functools import cache

import pytest

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.hashes import Hash
from emrtd.crypto.protocols import ID_SECURITY_OBJECT, KeyAgreement, chip_authentication_oid
from emrtd.crypto.signatures import EcPublicKey, ecdsa_decode
from emrtd.lds.application_directory import ApplicationDirectory
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.cvca import Cvca
from emrtd.lds.files import EMRTD_APPLICATION, FileID
from emrtd.lds.security.security_infos import (
    ChipAuthenticationInfo,
    SecurityInfo,
    TerminalAuthenticationInfo,
)
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.findings import Outcome
from emrtd.pki.quirks import Quirk
from tests.certificates import key
from tests.security.surgery import operated, signed_data_of, with_signed_data
from tests.verify.documents import CSCA, Document, issue, usual
from tests.verify.judging.test_changed_octets import MASKS
from verify.judging.report import Report, Verdict
from vsmartcard.forging.surgery import (
    changed,
    fields_of,
    parts_of,
    signed_data,
    signer_of,
    with_certificates,
    with_signers,
)

UNSIGNED = {
    FileID.ATR_INFO: AtrInfo.of(Capability.EXTENDED_LENGTH, 1000, 1000).encode(),
    FileID.DIR: ApplicationDirectory.of([EMRTD_APPLICATION]).encode(),
    FileID.CVCA: Cvca(("UTCVCA00001",)).encode(),
}
"""The files of which no copy is signed in the usual document."""


@cache
def with_unsigned_files() -> Document:
    document = usual()
    for file_id, octets in UNSIGNED.items():
        document = document.with_file(file_id, octets)
    return document


def says(report: Report) -> tuple[object, ...]:
    """What a report says of document, holder, permit and trust."""
    return (report.document, report.permit, report.portrait, report.trust)


@pytest.mark.parametrize("file_id", UNSIGNED)
def test_an_unsigned_file_changes_only_whether_it_can_be_decoded(file_id: FileID) -> None:
    document = with_unsigned_files()
    genuine = document.judged()
    assert genuine.verdict is Verdict.ACCEPT
    verdicts = set()
    for position in range(len(UNSIGNED[file_id])):
        for mask in MASKS:
            report = document.flipped(file_id, position, mask).judged()
            verdicts.add(report.verdict)
            differ = {
                one.id for one, other in zip(report.checks, genuine.checks, strict=True)
                if one != other
            }  # fmt: skip
            assert differ <= {"lds.structure"}, f"{file_id}, octet {position}, mask {mask:02X}"
            assert says(report) == says(genuine)
    assert verdicts == {Verdict.ACCEPT, Verdict.REFER}


# --- encodings of EF.SOD --------------------------------------------------------------------------


def constructed(octets: bytes) -> tuple[bytes, bytes]:
    """Return the tag and the contents of a value with one octet of tag."""
    value = ber.read(octets, "test")
    return octets[:1], value.contents


def longer(octets: bytes) -> bytes:
    """Return a value with four octets of length."""
    tag, contents = constructed(octets)
    return tag + b"\x84" + len(contents).to_bytes(4, "big") + contents


def indefinite(octets: bytes) -> bytes:
    tag, contents = constructed(octets)
    return tag + b"\x80" + contents + b"\0\0"


def in_signer(index: int, change: Callable[[bytes], bytes]) -> Document:
    """Change one field of the SignerInfo."""
    return operated(
        usual(), lambda fields: with_signers(fields, changed(signer_of(fields), index, change))
    )


def in_certificate(index: int, change: Callable[[bytes], bytes]) -> Document:
    """Change one field of the enclosed certificate: body, algorithm or signature."""
    return operated(
        usual(),
        lambda fields: with_certificates(fields, changed(parts_of(fields[3])[0], index, change)),
    )


def in_fields(index: int, change: Callable[[bytes], bytes]) -> Document:
    """Change one field of SignedData."""
    return operated(
        usual(), lambda fields: [*fields[:index], change(fields[index]), *fields[index + 1 :]]
    )


def the_other_s(signature: bytes) -> bytes:
    key = CSCA.key.public_key
    assert isinstance(key, EcPublicKey)  # signer and CSCA have keys on the same curve
    r, s = ecdsa_decode(signature)
    return der.sequence(der.integer(r), der.integer(key.curve.n - s))


def surplus_zero(signature: bytes) -> bytes:
    r, s = parts_of(signature)
    return der.sequence(tlv.encode(der.INTEGER, b"\0", constructed(r)[1]), s)


def in_signature(change: Callable[[bytes], bytes]) -> Document:
    return in_signer(5, lambda value: der.octet_string(change(constructed(value)[1])))


def in_certificate_signature(change: Callable[[bytes], bytes]) -> Document:
    return in_certificate(2, lambda value: der.bit_string(change(constructed(value)[1][1:])))


def with_null(algorithm: bytes) -> bytes:
    return der.sequence(parts_of(algorithm)[0], der.null())


def toggled_null(algorithm: bytes) -> bytes:
    parts = parts_of(algorithm)
    return der.sequence(*(parts[:1] if len(parts) == 2 else [*parts, der.null()]))


def algorithm_of(digest: Hash) -> bytes:
    return der.sequence(der.oid(digest.oid))


def more(value: bytes, *others: bytes) -> bytes:
    """Return a constructed value with more parts at its end."""
    return tlv.encode(value[0], *parts_of(value), *others)


UNSIGNED_ATTRIBUTE = tlv.encode(
    0xA1, der.sequence(der.oid("1.2.3"), tlv.encode(der.SET, der.null()))
)

ACCEPTED: dict[str, tuple[Callable[[], Document], Quirk | None]] = {
    "without its tag 77": (
        lambda: usual().with_file(FileID.SOD, signed_data_of(usual())),
        Quirk.SOD_NO_TAG,
    ),
    "a longer length field of the file": (
        lambda: usual().with_file(FileID.SOD, longer(usual().files[FileID.SOD])),
        Quirk.LONG_LENGTH,
    ),
    "a longer length field inside": (
        lambda: with_signed_data(usual(), longer(signed_data_of(usual()))),
        Quirk.LONG_LENGTH,
    ),
    "an indefinite length": (
        lambda: with_signed_data(usual(), indefinite(signed_data_of(usual()))),
        Quirk.INDEFINITE_LENGTH,
    ),
    "an indefinite length of the signed content": (
        lambda: in_fields(2, indefinite),
        Quirk.INDEFINITE_LENGTH,
    ),
    "an indefinite length of the certificate": (
        lambda: in_fields(3, lambda value: tlv.encode(0xA0, indefinite(constructed(value)[1]))),
        Quirk.INDEFINITE_LENGTH,
    ),
    "signed attributes in another order": (
        lambda: in_signer(3, lambda value: tlv.encode(0xA0, *reversed(parts_of(value)))),
        Quirk.ATTRIBUTES_ORDER,
    ),
    "an unsigned attribute": (
        lambda: operated(
            usual(),
            lambda fields: with_signers(fields, more(signer_of(fields), UNSIGNED_ATTRIBUTE)),
        ),
        Quirk.UNSIGNED_ATTRIBUTES,
    ),
    "NULL in the signature's algorithm": (lambda: in_signer(4, with_null), Quirk.ECDSA_NULL),
    "NULL in the digest's algorithm": (lambda: in_signer(2, toggled_null), None),
    "one more digest algorithm": (
        lambda: in_fields(1, lambda value: more(value, algorithm_of(Hash.SHA512))),
        None,
    ),
    "a surplus zero in the signature": (lambda: in_signature(surplus_zero), Quirk.ECDSA_ZEROS),
    "(r, n - s) as the signature": (lambda: in_signature(the_other_s), None),
    "a surplus zero in the certificate's signature": (
        lambda: in_certificate_signature(surplus_zero),
        Quirk.ECDSA_ZEROS,
    ),
    "(r, n - s) as the certificate's signature": (
        lambda: in_certificate_signature(the_other_s),
        None,
    ),
    "NULL in the certificate's outer algorithm": (
        lambda: in_certificate(1, with_null),
        Quirk.ALGORITHMS_DIFFER,
    ),
    "a second certificate": (
        lambda: in_fields(3, lambda value: more(value, CSCA.certificate().der)),
        None,
    ),
    "the same signer twice": (
        lambda: in_fields(4, lambda value: more(value, *parts_of(value))),
        None,
    ),
    "an empty field of revocation lists": (
        lambda: operated(usual(), lambda fields: [*fields[:4], tlv.encode(0xA1), fields[4]]),
        None,
    ),
}
"""Each change of EF.SOD that is accepted, and the quirk that the report names for it."""

REFUSED: dict[str, Callable[[], Document]] = {
    "an octet after the file": lambda: usual().with_file(
        FileID.SOD, usual().files[FileID.SOD] + b"\x12"
    ),
    "SignedData of version 1": lambda: in_fields(0, lambda _: der.integer(1)),
    "SignedData of version 4": lambda: in_fields(0, lambda _: der.integer(4)),
    "SignerInfo of version 3": lambda: in_signer(0, lambda _: der.integer(3)),
    "no digest algorithm": lambda: in_fields(1, lambda _: tlv.encode(der.SET)),
    "another digest algorithm of the signer": lambda: in_signer(
        2, lambda _: algorithm_of(Hash.SHA512)
    ),
    "another signature algorithm": lambda: in_signer(
        4, lambda _: der.sequence(der.oid("1.2.840.10045.4.3.3"))
    ),
    "no signed attributes": lambda: operated(
        usual(),
        lambda fields: with_signers(
            fields,
            tlv.encode(
                der.SEQUENCE, *(each for each in parts_of(signer_of(fields)) if each[0] != 0xA0)
            ),
        ),
    ),
    "another content type than the signed one": lambda: in_fields(
        2, lambda value: changed(value, 0, lambda _: der.oid(ID_SECURITY_OBJECT))
    ),
    "the content type of data": lambda: in_fields(
        2, lambda value: changed(value, 0, lambda _: der.oid("1.2.840.113549.1.7.1"))
    ),
    "no signer": lambda: in_fields(4, lambda _: tlv.encode(der.SET)),
    "the signature as r || s": lambda: in_signature(
        lambda value: b"".join(each.to_bytes(32, "big") for each in ecdsa_decode(value))
    ),
    "a revocation list": lambda: operated(
        usual(), lambda fields: [*fields[:4], tlv.encode(0xA1, CSCA.crl()), fields[4]]
    ),
    "another outer algorithm of the certificate": lambda: in_certificate(
        1, lambda _: der.sequence(der.oid("1.2.840.10045.4.3.4"))
    ),
    "one more field of the certificate": lambda: operated(
        usual(),
        lambda fields: with_certificates(fields, more(parts_of(fields[3])[0], der.null())),
    ),
}


@pytest.mark.parametrize("change", ACCEPTED)
def test_another_encoding_is_accepted_with_what_the_state_signed(change: str) -> None:
    make, quirk = ACCEPTED[change]
    document, genuine = make(), usual().judged()
    assert document.files[FileID.SOD] != usual().files[FileID.SOD]
    report = document.judged()
    assert report.verdict is Verdict.ACCEPT, report.why
    assert says(report) == says(genuine)
    named = {each for check in report.checks for each in check.tolerated}
    before = {each for check in genuine.checks for each in check.tolerated}
    assert {Quirk(each) for each in named - before} == ({quirk} if quirk else set())


def test_what_was_signed_as_ef_card_security_is_no_ef_sod() -> None:
    """The same key signs both: only the signed content type tells one from the other."""
    content = constructed(constructed(parts_of(fields_of(signed_data_of(usual()))[2])[1])[1])[1]
    how = usual().how
    signed = build_signed_data(
        ID_SECURITY_OBJECT, content, key("DS 1", how.signer_kind), how.document_signer, Hash.SHA256
    )
    relabelled = changed(fields_of(signed)[2], 0, lambda _: der.oid("2.23.136.1.1.1"))
    fields = [*fields_of(signed)[:2], relabelled, *fields_of(signed)[3:]]
    for name, octets in (("as it is", signed), ("relabelled", signed_data(fields))):
        report = with_signed_data(usual(), octets).judged()
        assert report.verdict is Verdict.REJECT, name


@pytest.mark.parametrize("change", REFUSED)
def test_any_other_change_is_rejected(change: str) -> None:
    assert REFUSED[change]().judged().verdict is Verdict.REJECT


def test_every_quirk_of_an_encoding_fails_where_the_policy_does_not_tolerate_it() -> None:
    for make, quirk in ACCEPTED.values():
        if quirk is not None:
            reasons = " ".join(make().judged(policy="strict").why)
            assert f"does not tolerate {quirk}" in reasons or f"{quirk}: " in reasons


def test_the_signed_parts_are_the_same_in_every_accepted_encoding() -> None:
    content = parts_of(fields_of(signed_data_of(usual()))[2])[1]
    for make, _ in ACCEPTED.values():
        assert constructed(constructed(content)[1])[1] in make().files[FileID.SOD]


ABSENT = (*UNSIGNED, FileID.COM, FileID.CARD_ACCESS, FileID.CARD_SECURITY)


@pytest.mark.parametrize("file_id", sorted(with_unsigned_files().files))
def test_only_files_that_are_not_data_groups_may_be_absent_from_an_image(file_id: FileID) -> None:
    report = with_unsigned_files().with_file(file_id, None).judged()
    assert (report.verdict is Verdict.ACCEPT) == (file_id in ABSENT), report.why


KNOWN_INFOS: dict[str, SecurityInfo] = {
    "Chip Authentication": ChipAuthenticationInfo(
        chip_authentication_oid(KeyAgreement.ECDH, Cipher.AES256)
    ),
    "Terminal Authentication": TerminalAuthenticationInfo(),
}


@pytest.mark.parametrize("added", KNOWN_INFOS)
def test_ef_card_access_may_have_more_infos_of_known_protocols_without_a_signed_copy(
    added: str,
) -> None:
    document = issue(card_access=(*usual().how.pace, KNOWN_INFOS[added]))
    report = document.judged()
    assert report.verdict is Verdict.ACCEPT, report.why
    check = report.check("access.downgrade")
    assert [str(each) for each in check.tolerated] != []
    assert document.judged(policy="strict").check("access.downgrade").outcome is Outcome.FAILED


def test_an_image_may_have_ef_card_security_of_another_document_of_the_state() -> None:
    """At the chip it is rejected: `test_ef_card_security_of_another_chip_is_rejected`."""
    other = issue(chip_private=0xB0B).files[FileID.CARD_SECURITY]
    report = usual().with_file(FileID.CARD_SECURITY, other).judged()
    assert other != usual().files[FileID.CARD_SECURITY]
    assert report.verdict is Verdict.ACCEPT
    assert report.check("pace.cam").outcome is Outcome.NOT_PERFORMED
