"""Master, Deviation and Defect Lists, and the PKD's LDIF."""

import base64
import io
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.asn1 import ber, der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import EcPublicKey, ecdsa_decode
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.lists import ldif
from emrtd.pki.lists.defect_list import ID_DEFECT_LIST, Defect, DefectKind, DefectList
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST, DeviationKind, DeviationList
from emrtd.pki.lists.ldif import (
    LdifChange,
    LdifFault,
    LdifItem,
    LdifRemoval,
    LdifValue,
    read_ldif,
)
from emrtd.pki.lists.master_list import MasterList
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificates import Certificate
from emrtd.tlv import encode
from support.errors import MalformedError
from tests.certificates import NOW, Authority, key
from tests.helpers import replace, shared

CSCA = Authority()
DS = CSCA.issue()
OTHER = CSCA.issue("DS 2", serial=101)
SIGNER = CSCA.list_signer(ext.DEVIATION_LIST_SIGNER)


def signed(content_type: str, content: bytes) -> bytes:
    return build_signed_data(
        content_type, content, key("list signer"), SIGNER, Hash.SHA256, NOW, by_key_identifier=True
    )


# --- Master Lists --------------------------------------------------------------------------------


def test_master_lists_read_back() -> None:
    octets = CSCA.master_list(CSCA.certificate(), DS)
    found = MasterList.parse(octets)
    assert set(found.certificates) == {CSCA.certificate(), DS}
    assert found.signed_data.signers[0].key_identifier is not None
    assert not found.signed_data.inconsistencies


def test_an_entry_that_is_not_a_certificate_is_named() -> None:
    content = der.sequence(der.integer(0), der.set_of(DS.der, der.sequence(der.null())))
    found = MasterList.parse(signed("2.23.136.1.1.2", content))
    assert found.certificates == (DS,)
    assert len(found.unreadable) == 1


@pytest.mark.parametrize(
    "content",
    [b"", der.null(), der.sequence(der.integer(1), der.set_of()), der.sequence(der.integer(0))],
)
def test_a_list_of_another_structure_is_malformed(content: bytes) -> None:
    for content_type, parse in (
        ("2.23.136.1.1.2", MasterList.parse),
        (ID_DEVIATION_LIST, DeviationList.parse),
        (ID_DEFECT_LIST, DefectList.parse),
    ):
        with pytest.raises(MalformedError):
            parse(signed(content_type, content))
        with pytest.raises(MalformedError, match="signs content of type"):
            parse(signed("1.2.3", content))


@pytest.mark.parametrize("name", ["DE_ML_2026-05-28-08-28-45.ml", "NL_ML_2026-07-22.ml"])
def test_real_lists_have_no_inconsistencies_or_quirks(name: str) -> None:
    found = MasterList.parse(shared(f"data/trust/{name}").read_bytes())
    assert not found.signed_data.inconsistencies
    assert not found.signed_data.tolerated
    assert not found.unreadable


# --- Deviation Lists -----------------------------------------------------------------------------


def deviation(
    *documents: bytes, kind: str = DeviationKind.DG_HASH_WRONG, number: int = 12
) -> bytes:
    description = der.sequence(
        der.printable_string("what is wrong"), der.oid(kind), der.tagged(0, der.integer(number))
    )
    return der.sequence(der.sequence(*documents), der.set_of(description))


def deviations(*entries: bytes, algorithm: bool = False) -> DeviationList:
    fields = [der.sequence(der.oid(Hash.SHA256.oid))] if algorithm else []
    content = der.sequence(der.integer(0), *fields, der.set_of(*entries))
    return DeviationList.parse(signed(ID_DEVIATION_LIST, content))


def test_the_fields_of_a_deviation_are_read() -> None:
    found = deviations(deviation(der.tagged_primitive(0, b"C<")))
    (only,) = found.deviations
    (description,) = only.descriptions
    assert description.kind is DeviationKind.DG_HASH_WRONG
    assert (description.number, description.text) == (12, "what is wrong")
    assert found.country == "UT"
    assert only.covers(DS, document_type="C<")
    assert not only.covers(DS, document_type="P<")
    assert not only.covers(DS)


def test_a_deviation_covers_documents_by_their_signer() -> None:
    serial = der.tagged(1, DS.issuer.encoded, DS.serial_encoded)
    identifier = DS.extensions.subject_key_identifier
    assert identifier is not None
    key_identifier = der.tagged_primitive(2, identifier)
    digest = der.tagged_primitive(3, Hash.SHA256.digest(DS.der))
    found = deviations(
        *(deviation(each) for each in (serial, key_identifier, digest)), algorithm=True
    )
    for each in found.deviations:
        assert each.covers(DS)
        assert not each.covers(OTHER)


def test_date_and_number_of_a_deviation_must_both_match() -> None:
    """IT once published such a list."""
    period = der.tagged(4, b"\x18\x0f20171001000000Z", b"\x18\x1320180205235959.999Z")
    numbers = der.tagged(5, *(der.printable_string(f"CA{n:05}AL") for n in range(30_000)))
    (only,) = deviations(deviation(der.tagged_primitive(0, b"C"), period, numbers)).deviations
    known = {"document_type": "C<", "document_number": "CA00017AL", "issued": date(2018, 2, 5)}
    assert only.covers(DS, **known)  # type: ignore[arg-type]
    for name, value in (
        ("document_type", "P<"), ("document_number", "CA99999AL"), ("issued", date(2018, 2, 6)),
        ("document_number", None), ("issued", None),
    ):  # fmt: skip
        assert not only.covers(DS, **(known | {name: value}))  # type: ignore[arg-type]
    assert "CA00017AL" not in repr(only)


def test_an_unknown_kind_of_deviation_is_kept() -> None:
    (only,) = deviations(deviation(kind="2.23.136.1.1.7.9.9")).deviations
    assert only.descriptions[0].kind is None
    assert only.descriptions[0].oid == "2.23.136.1.1.7.9.9"


@pytest.mark.parametrize(
    "entry",
    [
        der.sequence(der.sequence()),
        deviation(der.integer(1)),
        deviation(der.tagged_primitive(0, b"P"), der.tagged_primitive(0, b"P")),
        deviation(der.tagged(1, DS.issuer.encoded)),
        deviation(der.tagged(4, b"\x18\x0f20171001000000Z")),
        der.sequence(der.sequence(), der.set_of(der.sequence())),
    ],
)
def test_malformed_deviations(entry: bytes) -> None:
    with pytest.raises(MalformedError):
        deviations(entry)


# --- Defect Lists --------------------------------------------------------------------------------


def test_the_fields_of_a_defect_are_read() -> None:
    status = der.sequence(der.oid(DefectKind.CERTIFICATE_REVOKED), encode(0x0A, b"\x03"))
    other = der.sequence(der.oid("0.4.0.127.0.7.3.1.5.9"))
    identifier = DS.extensions.subject_key_identifier
    assert identifier is not None
    by_serial = der.sequence(
        der.sequence(DS.issuer.encoded, DS.serial_encoded), der.set_of(status, other)
    )
    by_key = der.sequence(
        der.tagged_primitive(0, identifier),
        der.octet_string(Hash.SHA256.digest(DS.der)),
        der.set_of(status),
    )
    wrong_hash = der.sequence(
        der.tagged_primitive(0, identifier), der.octet_string(bytes(32)), der.set_of(status)
    )
    content = der.sequence(
        der.integer(0), der.oid(Hash.SHA256.oid), der.set_of(by_serial, by_key, wrong_hash)
    )
    found = DefectList.parse(signed(ID_DEFECT_LIST, content))
    assert len(found.defects) == 4
    revoked = [each for each in found.defects if each.kind is DefectKind.CERTIFICATE_REVOKED]
    assert [each.status for each in revoked] == [3, 3, 3]
    assert sorted(each.covers(DS) for each in revoked) == [False, True, True]
    assert not any(each.covers(OTHER) for each in found.defects)


def test_a_defect_with_a_hash_covers_another_encoding_of_the_certificate() -> None:
    """Of a signature (r, s), (r, n - s) is valid too: a revoked signer must not evade its list."""
    body, algorithm, _ = ber.read(DS.der, "test").children
    r, s = ecdsa_decode(DS.signature)
    key = CSCA.key.public_key
    assert isinstance(key, EcPublicKey)
    signature = der.sequence(der.integer(r), der.integer(key.curve.n - s))
    other = Certificate.parse(
        der.sequence(body.encoded, algorithm.encoded, der.bit_string(signature))
    )
    assert other.is_signed_by(CSCA.certificate())
    defect = Defect(
        oid=DefectKind.CERTIFICATE_REVOKED,
        kind=DefectKind.CERTIFICATE_REVOKED,
        issuer=DS.issuer,
        serial=DS.serial,
        key_identifier=None,
        certificate_hash=Hash.SHA256.digest(DS.der),
        hash_algorithm=Hash.SHA256,
        status=3,
    )
    assert defect.covers(DS)
    assert defect.covers(other)
    assert not defect.covers(OTHER)


# --- any octets ----------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_any_content_is_a_list_or_malformed(content: bytes) -> None:
    body = der.sequence(der.integer(0), der.set_of(der.sequence(content, content)))
    for content_type, parse in (
        ("2.23.136.1.1.2", MasterList.parse),
        (ID_DEVIATION_LIST, DeviationList.parse),
        (ID_DEFECT_LIST, DefectList.parse),
    ):
        for octets in (content, body):
            try:
                parse(signed(content_type, octets))
            except MalformedError:
                continue


# --- LDIF ----------------------------------------------------------------------------------------


def items(text: str) -> list[LdifItem]:
    return list(read_ldif(io.BytesIO(text.encode())))


def values(text: str) -> list[LdifValue]:
    found = items(text)
    assert all(isinstance(each, LdifValue) for each in found)
    return [each for each in found if isinstance(each, LdifValue)]


def test_folded_and_commented_lines() -> None:
    text = (
        "version: 1\r\n\r\n# a comment\r\n that goes on\r\n"
        "dn: cn=one,\r\n c=UT\r\nobjectClass: top\r\nuserCertificate;binary:: QUJD\r\n REVG\r\n\r\n"
        "dn:: Y249dHdv\nx:: R0g=\nsn: Muster\n"
    )
    first, second = values(text)
    assert (first.dn, first.attribute, first.value) == ("cn=one,c=UT", "usercertificate", b"ABCDEF")
    assert first.line == 8
    assert (second.dn, second.attribute, second.value) == ("cn=two", "x", b"GH")


ENTRY = "dn: cn=one\n"


@pytest.mark.parametrize(
    "line", ["no attribute at all", "a:: ?", "a:: QUJ", "-", "a:< file:///etc/hosts"]
)
def test_a_line_that_cannot_be_read_is_named_and_the_rest_is_read(line: str) -> None:
    before, fault, after = items(f"{ENTRY}a:: QUJD\n{line}\nb:: REVG\n")
    assert isinstance(fault, LdifFault)
    assert fault.line == 3
    assert isinstance(before, LdifValue)
    assert isinstance(after, LdifValue)
    assert (before.value, after.value) == (b"ABC", b"DEF")


def test_a_value_that_is_too_long_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldif, "MAX_VALUE", 20)
    for long in ("a:: " + "QUJD" * 9, "a:: QUJD" + "\n QUJDQUJD" * 4):
        fault, value = items(f"{long}\nb:: REVG\n")
        assert fault == LdifFault(1, "is longer than 20 octets")
        assert isinstance(value, LdifValue)
        assert value.value == b"DEF"


MODIFY = f"{ENTRY}changetype: modify\n"


@pytest.mark.parametrize("operation", ["add", "replace"])
@pytest.mark.parametrize("end", ["-\n", "", "-\n\n"])
def test_a_value_that_a_modification_adds_or_replaces(operation: str, end: str) -> None:
    text = f"{MODIFY}{operation}: cRL;binary\ncRL;binary:: QUJD\n{end}"
    assert values(text) == [LdifValue("cn=one", "crl", b"ABC", 4, binary=True)]


DELETED = LdifRemoval(LdifChange.DELETION, "cn=one", "crl", 3)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{MODIFY}delete: cRL;binary\n-\n", DELETED),
        (f"{MODIFY}delete: cRL;binary\n", DELETED),
        (f"{MODIFY}replace: cRL;binary\n-\n", DELETED),
        (f"{MODIFY}delete: cRL\ncRL;binary:: QUJD\n-\n", replace(DELETED, line=4)),
        (f"{ENTRY}changetype: delete\n", LdifRemoval(LdifChange.DELETION, "cn=one", "", 2)),
        (f"{ENTRY}changetype: DELETE\n", LdifRemoval(LdifChange.DELETION, "cn=one", "", 2)),
        (f"{ENTRY}changetype:: ZGVsZXRl\n", LdifRemoval(LdifChange.DELETION, "cn=one", "", 2)),
        (
            f"{ENTRY}changetype: modrdn\nnewrdn: cn=two\ndeleteoldrdn: 1\n",
            LdifRemoval(LdifChange.RENAMING, "cn=one", "", 2),
        ),
        (
            f"{ENTRY}changetype: moddn\nnewrdn:: Y249MQ==\ndeleteoldrdn: 1\nnewsuperior: c=UT\n",
            LdifRemoval(LdifChange.RENAMING, "cn=one", "", 2),
        ),
    ],
)
def test_deletions_and_renamings_bring_no_value(text: str, found: LdifRemoval) -> None:
    assert items(text) == [found]


def test_each_part_of_a_modification_has_its_own_operation() -> None:
    text = (
        f"{MODIFY}delete: a\na:: QUJD\n-\nadd: a\na:: REVG\n-\nreplace: b\nb:: R0hJ\n"
        "delete: c\n-\n\ndn: cn=two\nd:: SktM\n"
    )
    assert items(text) == [
        LdifRemoval(LdifChange.DELETION, "cn=one", "a", 4),
        LdifValue("cn=one", "a", b"DEF", 7),
        LdifValue("cn=one", "b", b"GHI", 10),
        LdifRemoval(LdifChange.DELETION, "cn=one", "c", 11),
        LdifValue("cn=two", "d", b"JKL", 15),
    ]


@pytest.mark.parametrize("change", ["delete", "burn", "modify"])
def test_a_value_that_no_change_adds_is_not_taken(change: str) -> None:
    found = items(f"{ENTRY}changetype: {change}\ncRL;binary:: QUJD\n")
    assert not any(isinstance(each, LdifValue) for each in found)
    assert isinstance(found[-1], LdifFault)


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=5))
def test_values_read_back(octets: list[bytes]) -> None:
    text = "".join(f"a:: {base64.b64encode(each).decode()}\n" for each in octets)
    assert [each.value for each in values(text)] == octets


@given(st.data())
def test_a_file_is_read_the_same_however_it_is_divided(data: st.DataObject) -> None:
    pieces = ["a:: QUJD", "\n", "\r\n", " ", "# comment", "dn: cn=one", "-", "\n\n"]
    octets = "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=30))).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(octets)))))
    blocks = [octets[begin:end] for begin, end in pairwise([0, *cuts, len(octets)])]
    assert list(read_ldif(blocks)) == list(read_ldif([octets]))


@given(st.binary(max_size=300))
def test_any_octets_are_read_as_ldif(octets: bytes) -> None:
    for attempt in (octets, f"{MODIFY}".encode() + octets):
        list(read_ldif(io.BytesIO(attempt)))
