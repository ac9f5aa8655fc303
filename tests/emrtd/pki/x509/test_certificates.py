"""Certificates: agreement with asn1crypto and OpenSSL, and the errors of real issuers."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.errors import ProtocolError
from emrtd.pki.lists.master_list import MasterList
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.algorithms import encode_scheme, read_scheme
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.free_writer import document_types
from support.errors import MalformedError
from tests.certificates import (
    NOW,
    Authority,
    extension,
    key,
    make_certificate,
    usage_period,
)
from tests.helpers import shared

CSCA = Authority()
ALGORITHM = encode_scheme(SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256))
GOOD = CSCA.issue(more=[document_types("P", "IR"), usage_period(NOW, NOW)])


def real_certificates() -> list[Certificate]:
    names = ("DE_ML_2026-05-28-08-28-45.ml", "NL_ML_2026-07-22.ml")
    lists = [MasterList.parse(shared(f"data/trust/{name}").read_bytes()) for name in names]
    assert [len(each.certificates) for each in lists] == [588, 411]
    assert not any(each.unreadable for each in lists)
    return [certificate for each in lists for certificate in each.certificates]


def test_every_real_certificate_has_a_key_and_a_scheme() -> None:
    found = real_certificates()
    assert all(each.public_key is not None and each.scheme is not None for each in found)
    quirks = Counter(quirk for each in set(found) for quirk in each.tolerated)
    assert quirks == {
        Quirk.ECDSA_NULL: 13,
        Quirk.COUNTRY_CASE: 14,
        Quirk.SERIAL_NOT_POSITIVE: 4,
        Quirk.RSA_NO_NULL: 3,
        Quirk.BOOLEAN_FORM: 1,
        Quirk.PATH_LENGTH_NO_CA: 1,
        Quirk.TIME_TYPE: 1,
    }


def test_another_reader_agrees_on_every_real_certificate() -> None:
    for ours in set(real_certificates()):
        theirs = x509.Certificate.load(ours.der)
        assert theirs.serial_number == ours.serial
        assert theirs.subject.dump() == ours.subject.encoded
        assert theirs.issuer.dump() == ours.issuer.encoded
        validity = theirs["tbs_certificate"]["validity"]
        assert validity["not_before"].native == ours.not_before
        assert validity["not_after"].native == ours.not_after
        assert theirs.key_identifier == ours.extensions.subject_key_identifier
        assert theirs.authority_key_identifier == ours.extensions.authority_key_identifier
        assert bool(theirs.ca) == ours.is_ca
        assert theirs.signature == ours.signature


def test_openssl_reads_the_certificates_of_the_tests() -> None:
    shown = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-text"],
        input=GOOD.der,
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert "ecdsa-with-SHA256" in shown
    assert "Private Key Usage Period" in shown


def test_extensions() -> None:
    found = GOOD.extensions
    assert found.authority_key_identifier == CSCA.key_identifier
    assert found.key_usage == {ext.KeyUsage.DIGITAL_SIGNATURE}
    assert found.document_types == {"P", "IR"}
    assert found.private_key_usage_period == ext.PrivateKeyUsagePeriod(NOW, NOW)
    assert found.basic_constraints is None
    assert not found.malformed
    assert not GOOD.tolerated
    root = CSCA.certificate()
    assert root.is_ca
    assert root.is_self_issued
    assert root.extensions.basic_constraints == ext.BasicConstraints(True, 0)


def issued_with(*extensions: bytes) -> Certificate:
    return CSCA.issue(extensions=extensions)


@pytest.mark.parametrize(
    "value",
    [
        der.sequence(der.printable_string("P"), der.printable_string("PD")),
        der.sequence(der.integer(0), der.sequence(*map(der.printable_string, ("P", "PD")))),
        der.set_of(der.printable_string("P"), der.utf8_string("PD")),
        der.sequence(der.integer(0), der.set_of(der.utf8_string("P<"), der.utf8_string("PD"))),
        der.sequence(der.set_of(der.printable_string("P"), der.printable_string("PD"))),
    ],
)  # fmt: skip
def test_document_types_in_a_wrong_encoding_are_read(value: bytes) -> None:
    certificate = issued_with(extension(ext.DOCUMENT_TYPE_LIST, value))
    assert certificate.extensions.document_types == {"P", "PD"}
    assert certificate.tolerated == {Quirk.DOCUMENT_TYPES}


def test_document_types_under_the_identifier_of_a_draft() -> None:
    value = der.sequence(der.integer(0), der.set_of(der.printable_string("P")))
    certificate = issued_with(extension(ext.OLD_DOCUMENT_TYPE_LIST, value))
    assert certificate.extensions.document_types == {"P"}
    assert certificate.tolerated == {Quirk.DOCUMENT_TYPES_OID}


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        (ext.DOCUMENT_TYPE_LIST, der.sequence(der.printable_string("passport"))),
        (ext.DOCUMENT_TYPE_LIST, der.null()),
        (ext.KEY_USAGE, der.octet_string(b"\x80")),
        (ext.KEY_USAGE, b""),
        (ext.BASIC_CONSTRAINTS, der.sequence(der.integer(-1))),
        (ext.BASIC_CONSTRAINTS, der.sequence(der.boolean(True), der.integer(0), der.null())),
        (ext.PRIVATE_KEY_USAGE_PERIOD, der.sequence(der.tagged_primitive(0, b"yesterday"))),
        (ext.SUBJECT_KEY_IDENTIFIER, der.octet_string(b"x")[:-1]),
        (ext.AUTHORITY_KEY_IDENTIFIER, der.integer(1)),
    ],
)
def test_an_extension_that_cannot_be_read_is_named(oid: str, value: bytes) -> None:
    certificate = issued_with(extension(oid, value))
    assert certificate.extensions.malformed == {oid}
    assert Quirk.EXTENSION_MALFORMED in certificate.tolerated


def test_an_extension_that_occurs_twice_is_malformed() -> None:
    twice = extension(ext.SUBJECT_KEY_IDENTIFIER, der.octet_string(b"x"))
    certificate = issued_with(twice, twice)
    assert certificate.extensions.subject_key_identifier is None
    assert certificate.extensions.malformed == {ext.SUBJECT_KEY_IDENTIFIER}


def test_defaults_that_are_written() -> None:
    uncritical = der.sequence(
        der.oid(ext.SUBJECT_KEY_IDENTIFIER),
        der.boolean(False),
        der.octet_string(der.octet_string(b"x")),
    )
    no_ca = extension(ext.BASIC_CONSTRAINTS, der.sequence(der.boolean(False), der.integer(2)))
    certificate = issued_with(uncritical, no_ca)
    assert certificate.tolerated == {Quirk.DEFAULT_ENCODED, Quirk.PATH_LENGTH_NO_CA}
    assert not certificate.is_ca


@pytest.mark.parametrize("serial", [0, -5])
def test_serial_numbers_that_are_not_positive(serial: int) -> None:
    certificate = CSCA.issue(serial=serial)
    assert certificate.serial == serial
    assert certificate.tolerated == {Quirk.SERIAL_NOT_POSITIVE}
    assert CSCA.issue(serial=1 << 170).tolerated == {Quirk.SERIAL_LONG}


def rebuilt(certificate: Certificate, **parts: bytes) -> bytes:
    """Return the certificate with some of its outer parts replaced."""
    return der.sequence(
        parts.get("tbs", certificate.tbs),
        parts.get("algorithm", ALGORITHM),
        parts.get("signature", der.bit_string(certificate.signature)),
    )


def test_the_outer_algorithm_must_be_the_signed_one() -> None:
    other = encode_scheme(SignatureScheme(SignatureFamily.ECDSA, Hash.SHA1))
    assert Certificate.parse(rebuilt(GOOD)) == GOOD
    with pytest.raises(MalformedError, match="not the one that is signed"):
        Certificate.parse(rebuilt(GOOD, algorithm=other))
    oid = der.oid("1.2.840.10045.4.3.2")
    null = Certificate.parse(rebuilt(GOOD, algorithm=der.sequence(oid, der.null())))
    assert null.tolerated == {Quirk.ALGORITHMS_DIFFER}


def test_surplus_zeros_and_bits_in_a_signature() -> None:
    r, s = GOOD.signature[2 : 4 + GOOD.signature[3]], GOOD.signature[4 + GOOD.signature[3] :]
    padded = der.sequence(b"\x02" + bytes((r[1] + 1, 0)) + r[2:], s)
    assert CSCA.key.public_key is not None
    certificate = Certificate.parse(rebuilt(GOOD, signature=der.bit_string(padded)))
    assert certificate.tolerated == {Quirk.ECDSA_ZEROS}
    certificate.verify_signed_by(CSCA.key.public_key)
    with pytest.raises(MalformedError):
        Certificate.parse(rebuilt(GOOD, signature=der.bit_string(GOOD.signature, unused=1)))


def test_a_wrong_key_and_an_unknown_algorithm_do_not_verify() -> None:
    GOOD.verify_signed_by(CSCA.key.public_key)
    for _ in range(2):  # what failed is not remembered as good
        with pytest.raises(ProtocolError):
            GOOD.verify_signed_by(key("other").public_key)
    unknown = der.sequence(der.oid("1.2.3"))
    tbs = GOOD.tbs.replace(ALGORITHM, unknown)
    fields = der.sequence(*(tbs_fields(tbs)))
    certificate = Certificate.parse(rebuilt(GOOD, tbs=fields, algorithm=unknown))
    assert certificate.scheme is None
    with pytest.raises(ProtocolError, match="unknown algorithm"):
        certificate.verify_signed_by(CSCA.key.public_key)


def tbs_fields(tbs: bytes) -> list[bytes]:
    """Return the fields of a body whose length may be wrong."""
    position, found = 4, []
    while position < len(tbs):
        size = tbs[position + 1]
        head = 2
        if size & 0x80:
            head += size & 0x7F
            size = int.from_bytes(tbs[position + 2 : position + head], "big")
        found.append(tbs[position : position + head + size])
        position += head + size
    return found


def test_times_that_are_not_written_to_the_second() -> None:
    fields = tbs_fields(GOOD.tbs)
    short = der.sequence(b"\x17\x0b2610231200Z", b"\x18\x1320361119130000+0100")
    certificate = Certificate.parse(
        rebuilt(GOOD, tbs=der.sequence(*fields[:4], short, *fields[5:]))
    )
    assert certificate.tolerated == {Quirk.TIME_FORM, Quirk.TIME_TYPE}
    assert certificate.not_before == datetime(2026, 10, 23, 12, tzinfo=UTC)
    assert certificate.not_after == datetime(2036, 11, 19, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("extra", "quirk"),
    [
        (der.tagged_primitive(1, b"\0x"), Quirk.UNIQUE_ID),
        (der.null(), Quirk.EXTRA_DATA),
    ],
)
def test_superfluous_fields_are_named(extra: bytes, quirk: Quirk) -> None:
    tbs = der.sequence(*tbs_fields(GOOD.tbs), extra)
    assert Certificate.parse(rebuilt(GOOD, tbs=tbs)).tolerated == {quirk}


def test_a_version_1_certificate_with_extensions() -> None:
    tbs = der.sequence(*tbs_fields(GOOD.tbs)[1:])
    assert Certificate.parse(rebuilt(GOOD, tbs=tbs)).tolerated == {Quirk.VERSION}


def test_long_lengths() -> None:
    octets = rebuilt(GOOD, algorithm=b"\x30\x81\x0a" + ALGORITHM[2:])
    found = Certificate.parse(octets)
    assert found.tolerated == {Quirk.LONG_LENGTH, Quirk.ALGORITHMS_DIFFER}


def test_every_length_that_is_too_long_is_named() -> None:
    """Of all values, also of those in names and extensions, which are read once for many."""

    def values(value: ber.Value) -> Iterator[ber.Value]:
        yield value
        for child in value.children if value.constructed else ():
            yield from values(child)

    def encode(value: ber.Value, chosen: ber.Value) -> bytes:
        parts = value.children if value.constructed else ()
        octets = b"".join(encode(part, chosen) for part in parts) or value.contents
        long = b"\x83" + len(octets).to_bytes(3, "big")
        length = long if value is chosen else tlv.encode_length(len(octets))
        return GOOD.der[value.begin : value.begin + 1] + length + octets

    whole = ber.read(GOOD.der, "certificate")
    assert Quirk.LONG_LENGTH not in GOOD.tolerated
    for value in values(whole):
        assert Quirk.LONG_LENGTH in Certificate.parse(encode(whole, value)).tolerated


@pytest.mark.parametrize("cut", [1, 2, 70, 400])
def test_truncated_and_trailing_octets(cut: int) -> None:
    for octets in (GOOD.der[:-cut], GOOD.der + bytes(cut), b"\x30\x00", b""):
        with pytest.raises(MalformedError):
            Certificate.parse(octets)


def test_deep_nesting_is_read_or_malformed() -> None:
    nest = b""
    for _ in range(9_000):
        nest = tlv.encode(0x30, nest)
    for oid in (ext.DOCUMENT_TYPE_LIST, ext.KEY_USAGE):
        assert issued_with(extension(oid, nest)).extensions.malformed == {oid}
    found = issued_with(extension(ext.CRL_DISTRIBUTION_POINTS, nest)).extensions
    assert (found.malformed, found.crl_distribution_points) == (frozenset(), ())


def test_a_huge_certificate_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedError, match="too many"):
        Certificate.parse(der.octet_string(bytes(100_000)))


@given(st.binary(max_size=400))
def test_any_octets_are_a_certificate_or_malformed(octets: bytes) -> None:
    for attempt in (octets, der.sequence(octets), der.sequence(der.sequence(octets), octets)):
        try:
            Certificate.parse(attempt)
        except MalformedError:
            continue


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=400)
def test_a_damaged_certificate_is_read_or_malformed(damage: list[tuple[int, int]]) -> None:
    octets = bytearray(GOOD.der)
    for position, value in damage:
        octets[position % len(octets)] = value
    try:
        found = Certificate.parse(bytes(octets))
    except MalformedError:
        return
    assert str(found.subject) is not None
    assert found.subject.key is not None
    assert (found == GOOD) == (octets == GOOD.der)


@pytest.mark.parametrize(
    "scheme",
    [
        SignatureScheme(SignatureFamily.RSA, Hash.SHA512),
        SignatureScheme(SignatureFamily.ECDSA, Hash.SHA224),
        SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA1, 20, Hash.SHA1),
        SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256, 32, Hash.SHA256),
        SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA512, 20, Hash.SHA256),
    ],
)
def test_signature_algorithms_read_back(scheme: SignatureScheme) -> None:
    found, tolerated = read_scheme(ber.read(encode_scheme(scheme), "algorithm"))
    assert found == scheme
    assert not tolerated


def test_openssl_verifies_pss_with_the_parameters_that_are_written(tmp_path: Path) -> None:
    rsa = Authority(kind="RSA-2048", label="rsa")
    scheme = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA512, 20, Hash.SHA256)
    certificate = make_certificate(
        rsa.name, rsa.name, rsa.key.public_key, rsa.key, rsa.extensions(), scheme=scheme
    )
    certificate.verify_signed_by(rsa.key.public_key)
    (tmp_path / "csca.pem").write_text(certificate.to_pem())
    command = (
        f"openssl verify -check_ss_sig -attime {int(NOW.timestamp())} -CAfile csca.pem csca.pem"
    )
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
