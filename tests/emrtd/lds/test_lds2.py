import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.lds.lds2 import (
    AdditionalBiometrics,
    CertificateRecord,
    SignedRecord,
    TravelRecord,
    VisaRecord,
)
from support.errors import MalformedError

STAMP = {
    0x5F44: b"USA",
    0x5F4C: b"approved",
    0x5F45: b"20120814",
    0x5F4B: b"CBP",
    0x5F46: b"SFO",
    0x5F4A: b"SFO00001234",
    0x5F49: b"A",
    0x5F48: b"\x00\xff",
}
VISA = {
    0x5F28: b"NLD",
    0x43: b"VS",
    0x5F73: b"\x02",
    0x5F74: b"\x1e\x00\x00",
    0x49: b"NEW YORK",
    0x5F25: b"20120826",
    0x5F24: b"20130826",
    0x5A: b"XI85935F8",
    0x5B: b"VAN DER STEEN MARIANNE LOUISE",
    0x5F33: b"VAN DER STEEN",
    0x5F34: b"MARIANNE LOUISE",
    0x5F35: b"F",
    0x5F2B: b"19870814",
    0x5F2C: b"NLD",
    0x5F1F: b"VAN<DER<STEEN<<MARIANNE<LOUISE",
    0x5F40: b"\x02\x01",
}
SIGNED_BY = tlv.encode(0x5F37, b"\xaa" * 64) + tlv.encode(0x5F38, b"\x01")


def record(kind: type[SignedRecord], fields: dict[int, bytes], *more: bytes) -> bytes:
    inside = b"".join(tlv.encode(tag, value) for tag, value in fields.items())
    state = tlv.encode(kind.SEARCHED, fields[kind.SEARCHED])
    return state + tlv.encode(kind.SIGNED, inside, *more) + SIGNED_BY


def test_a_travel_record_is_decoded() -> None:
    octets = record(TravelRecord, STAMP, tlv.encode(0x5F70, b"\x01"))
    stamp = TravelRecord.decode(octets)
    assert (stamp.state, stamp.travelled_on, stamp.location) == ("USA", "20120814", "SFO")
    assert (stamp.mode, stamp.stay, stamp.result) == ("A", 255, None)
    assert (stamp.signature, stamp.certificate_record) == (b"\xaa" * 64, 1)
    assert stamp.other == ((0x5F70, b"\x01"),)
    assert stamp.signed == octets[6 : -len(SIGNED_BY)]
    assert stamp.tolerated == ()


def test_the_signed_part_keeps_its_length_octets() -> None:
    octets = record(TravelRecord, STAMP)
    size = octets[7]
    longer = octets[:7] + b"\x82\x00" + bytes((size,)) + octets[8:]
    assert TravelRecord.decode(longer).signed == longer[6 : -len(SIGNED_BY)]
    biometrics = (
        b"\x7f\x2e" + bytes((6 + len(SIGNED_BY),)) + b"\x5f\x2e\x82\x00\x01\x07" + SIGNED_BY
    )
    assert AdditionalBiometrics.decode(biometrics).signed == b"\x5f\x2e\x82\x00\x01\x07"


def test_a_visa_record_is_decoded() -> None:
    visa = VisaRecord.decode(record(VisaRecord, VISA))
    assert (visa.state, visa.document_type, visa.entries) == ("NLD", "VS", 2)
    assert (visa.effective_from, visa.expires_on) == ("20120826", "20130826")
    assert (visa.holder, visa.biometrics) == ("VAN DER STEEN MARIANNE LOUISE", 0x0201)
    assert visa.stay == b"\x1e\x00\x00"
    assert "STEEN" not in repr(visa)


def test_a_date_in_bcd_is_a_quirk() -> None:
    stamp = TravelRecord.decode(record(TravelRecord, STAMP | {0x5F45: bytes.fromhex("20120814")}))
    assert stamp.travelled_on == "20120814"
    assert stamp.tolerated == ("travel record: data object 5F45 is in BCD",)


@pytest.mark.parametrize("tag", [0x5F44, 0x5F45, 0x5F4B, 0x5F46, 0x5F4A])
def test_a_stamp_without_a_mandatory_field_is_malformed(tag: int) -> None:
    fields = {each: value for each, value in STAMP.items() if each != tag}
    octets = tlv.encode(0x5F44, b"USA") + tlv.encode(
        0x73, *(tlv.encode(each, value) for each, value in fields.items())
    )
    with pytest.raises(MalformedError, match=f"{tag:02X} is missing"):
        TravelRecord.decode(octets + SIGNED_BY)


def test_a_state_that_differs_from_the_signed_one_is_malformed() -> None:
    octets = record(TravelRecord, STAMP)
    with pytest.raises(MalformedError, match="differs from the signed one"):
        TravelRecord.decode(octets.replace(b"USA", b"UTO", 1))


def test_a_certificate_record_is_decoded() -> None:
    octets = tlv.encode(0x5F3A, b"US\x01\x02") + tlv.encode(0x72, b"\x30\x00")
    assert CertificateRecord.decode(octets) == CertificateRecord("US", b"\x01\x02", b"\x30\x00")
    with pytest.raises(MalformedError, match="two-letter country code"):
        CertificateRecord.decode(tlv.encode(0x5F3A, b"U1\x01") + tlv.encode(0x72))


@pytest.mark.parametrize("number", [b"", b"\x00", b"\xff", b"\x00\x01"])
def test_a_wrong_record_number_is_malformed(number: bytes) -> None:
    octets = tlv.encode(
        0x7F2E, tlv.encode(0x5F2E, b"x"), tlv.encode(0x5F37, b"s"), tlv.encode(0x5F38, number)
    )
    with pytest.raises(MalformedError, match="not a record number"):
        AdditionalBiometrics.decode(octets)


@given(st.binary(max_size=200), st.sampled_from([b"", record(TravelRecord, STAMP)]))
def test_any_octets_decode_or_are_malformed(octets: bytes, before: bytes) -> None:
    for candidate in (octets, before[: len(octets)] + octets, tlv.encode(0x7F2E, octets)):
        for kind in (TravelRecord, VisaRecord, CertificateRecord, AdditionalBiometrics):
            try:
                kind.decode(candidate)
            except MalformedError:
                continue
