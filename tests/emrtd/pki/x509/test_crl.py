import subprocess

import pytest
from asn1crypto import crl as other
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.asn1 import der
from emrtd.errors import ProtocolError
from emrtd.pki.x509.crl import MAX_CRL, MAX_ENTRIES, Crl
from support.errors import MalformedError
from tests.certificates import DAY, NOW, Authority, extension, key

CSCA = Authority()
GOOD = CSCA.crl([3, 7, 1 << 150])


def test_the_fields_of_a_list_are_read() -> None:
    crl = Crl.parse(GOOD)
    assert dict(crl.revoked) == {3: NOW - DAY, 7: NOW - DAY, 1 << 150: NOW - DAY}
    assert (crl.this_update, crl.next_update, crl.number) == (NOW - DAY, NOW + 30 * DAY, 1)
    assert crl.authority_key_identifier == CSCA.key_identifier
    assert crl.country == "UT"
    assert not crl.tolerated
    assert not crl.unknown_critical
    crl.verify_signed_by(CSCA.key.public_key)
    with pytest.raises(ProtocolError):
        crl.verify_signed_by(key("another").public_key)


def test_other_readers_agree() -> None:
    theirs = other.CertificateList.load(GOOD)
    entries = theirs["tbs_cert_list"]["revoked_certificates"]
    assert [entry["user_certificate"].native for entry in entries] == [3, 7, 1 << 150]
    shown = subprocess.run(
        ["openssl", "crl", "-inform", "DER", "-noout", "-text"],
        input=GOOD,
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert "Serial Number: 07" in shown


def test_a_list_without_entries_or_an_end() -> None:
    crl = Crl.parse(CSCA.crl(next_update=None))
    assert not crl.revoked
    assert crl.next_update is None


def test_an_unknown_critical_extension_is_listed() -> None:
    """An indirect or partitioned list, which Doc 9303-12 forbids, must not pass for a full one."""
    fields = der.sequence(
        der.sequence(
            der.integer(5),
            der.time(NOW),
            der.sequence(extension("2.5.29.29", der.null(), critical=True)),
        )
    )
    assert Crl.parse(with_entries(fields)).unknown_critical == {"2.5.29.29"}


def with_entries(entries: bytes) -> bytes:
    algorithm = der.sequence(der.oid("1.2.840.10045.4.3.2"))
    body = der.sequence(der.integer(1), algorithm, CSCA.name, der.time(NOW), der.time(NOW), entries)
    return der.sequence(body, algorithm, der.bit_string(b"signature"))


@pytest.mark.parametrize("cut", [1, 3, 80])
def test_truncated_and_trailing_octets(cut: int) -> None:
    for octets in (GOOD[:-cut], GOOD + bytes(cut)):
        with pytest.raises(MalformedError):
            Crl.parse(octets)


def test_the_largest_crl_has_room_for_the_most_entries() -> None:
    largest = der.sequence(der.integer((1 << 159) - 1), der.time(NOW))
    assert MAX_ENTRIES * len(largest) + 10_000 < MAX_CRL


def test_many_entries_take_little_time() -> None:
    entry = der.sequence(der.integer(1 << 100), der.time(NOW))
    crl = Crl.parse(with_entries(der.sequence(entry * 5_000)))
    assert len(crl.revoked) == 1


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=300)
def test_a_damaged_list_is_read_or_malformed(damage: list[tuple[int, int]]) -> None:
    octets = bytearray(GOOD)
    for position, value in damage:
        octets[position % len(octets)] = value
    try:
        crl = Crl.parse(bytes(octets))
    except MalformedError:
        return
    if octets == GOOD:
        return
    try:
        crl.verify_signed_by(CSCA.key.public_key)
    except ProtocolError:
        return
    assert crl.tbs == Crl.parse(GOOD).tbs
    assert crl.objection is not None  # the algorithm beside the signature, which is not signed


@given(st.binary(max_size=300))
def test_any_octets_are_a_list_or_malformed(octets: bytes) -> None:
    for attempt in (octets, der.sequence(der.sequence(octets), der.null(), octets)):
        try:
            Crl.parse(attempt)
        except MalformedError:
            continue
