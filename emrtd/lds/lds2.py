"""Read the files of the LDS2 applications (Doc 9303-10, 5): travel records, visas, biometrics.

Inspecting States append the records after issuance.  Text fields are readable, so they are kept as
recorded.  Each record has a signature over its signed part, tag and length included.
"""

from typing import Any, ClassVar, Final, Self

import msgspec

from emrtd import tlv
from emrtd.lds.values import Other, others, read_digits, read_text
from support.values import Undisclosed

TRAVEL_RECORDS_APPLICATION: Final = bytes.fromhex("A0000002472001")
VISA_RECORDS_APPLICATION: Final = bytes.fromhex("A0000002472002")
ADDITIONAL_BIOMETRICS_APPLICATION: Final = bytes.fromhex("A0000002472003")

ENTRY_RECORDS, EXIT_RECORDS, VISA_RECORDS, CERTIFICATES = 0x0101, 0x0102, 0x0103, 0x011A
"""File identifiers; those of EF.Biometrics1 to 64 are 0201 to 0240."""

MAX_RECORDS: Final = 254

_SIGNATURE, _CERTIFICATE = 0x5F37, 0x5F38
_DATE, _NUMBER, _OCTETS = "date", "number", "octets"

_Field = tuple[str, str, bool]
"""The name of a field, its coding, and whether it is mandatory."""


class SignedRecord(Undisclosed, frozen=True, kw_only=True):
    """One record: its signed part, the signature and the signer.

    `signed` is the signed data object with tag and length, `signature` the value of DO 5F37,
    `certificate_record` the number of the signer's record in EF.Certificates (1 to 254).
    """

    signed: bytes
    signature: bytes
    certificate_record: int
    other: Other = ()
    tolerated: tuple[str, ...] = ()

    WHAT: ClassVar[str]
    SEARCHED: ClassVar[int]
    """Tag of the State; a copy precedes the signed part, for SEARCH RECORD."""
    SIGNED: ClassVar[int]
    FIELDS: ClassVar[dict[int, _Field]]

    @classmethod
    def decode(cls, record: bytes) -> Self:
        """Read one record, as READ RECORD returns it; raises `MalformedError`."""
        tolerated: list[str] = []
        objects = tlv.read_all(record, cls.WHAT)
        signed = objects.one(cls.SIGNED)
        inside = signed.children()
        fields: dict[str, Any] = {}
        for tag, (name, coding, mandatory) in cls.FIELDS.items():
            found = inside.one(tag) if mandatory else inside.get(tag)
            fields[name] = None if found is None else _value(found, coding, tolerated)
        copy = objects.one(cls.SEARCHED)
        if copy.value != inside.one(cls.SEARCHED).value:
            raise copy.malformed("the State for SEARCH RECORD differs from the signed one")
        return cls(
            signed=_octets_of(signed, objects, record, 0),
            signature=objects.one(_SIGNATURE).value,
            certificate_record=_record_number(objects.one(_CERTIFICATE)),
            other=others(inside, *cls.FIELDS),
            tolerated=tuple(tolerated),
            **fields,
        )


class TravelRecord(SignedRecord, frozen=True, kw_only=True):
    """An entry or exit stamp (Table 86).  Dates are YYYYMMDD; `mode` is A (air), S (sea), L (land).

    `stay` is in days.
    """

    state: str
    visa_decisions: str | None
    travelled_on: str
    authority: str
    location: str
    inspector: str
    result: str | None
    mode: str | None
    stay: int | None
    conditions: str | None

    WHAT: ClassVar[str] = "travel record"
    SEARCHED: ClassVar[int] = 0x5F44
    SIGNED: ClassVar[int] = 0x73
    FIELDS: ClassVar[dict[int, _Field]] = {
        0x5F44: ("state", "", True),
        0x5F4C: ("visa_decisions", "", False),
        0x5F45: ("travelled_on", _DATE, True),
        0x5F4B: ("authority", "", True),
        0x5F46: ("location", "", True),
        0x5F4A: ("inspector", "", True),
        0x5F4D: ("result", "", False),
        0x5F49: ("mode", "", False),
        0x5F48: ("stay", _NUMBER, False),
        0x5F4E: ("conditions", "", False),
    }


class VisaRecord(SignedRecord, frozen=True, kw_only=True):
    """A visa (Table 90).  Dates are YYYYMMDD; `stay` is 3 octets: days, months, years.

    `biometrics` is the file identifier of an EF of the Additional Biometrics application.
    """

    state: str
    document_type: str
    mrv_a: str | None
    mrv_b: str | None
    entries: int | None
    stay: bytes | None
    passport_number: str | None
    visa_type: bytes | None
    territory: bytes | None
    place_of_issue: str
    effective_from: str
    expires_on: str
    document_number: str
    additional_information: str | None
    holder: str
    surname: str
    given_names: str
    sex: str
    date_of_birth: str
    nationality: str
    mrz: str
    biometrics: int | None

    WHAT: ClassVar[str] = "visa record"
    SEARCHED: ClassVar[int] = 0x5F28
    SIGNED: ClassVar[int] = 0x71
    FIELDS: ClassVar[dict[int, _Field]] = {
        0x5F28: ("state", "", True),
        0x43: ("document_type", "", True),
        0x5F71: ("mrv_a", "", False),
        0x5F72: ("mrv_b", "", False),
        0x5F73: ("entries", _NUMBER, False),
        0x5F74: ("stay", _OCTETS, False),
        0x5F75: ("passport_number", "", False),
        0x5F76: ("visa_type", _OCTETS, False),
        0x5F77: ("territory", _OCTETS, False),
        0x49: ("place_of_issue", "", True),
        0x5F25: ("effective_from", _DATE, True),
        0x5F24: ("expires_on", _DATE, True),
        0x5A: ("document_number", "", True),
        0x5F32: ("additional_information", "", False),
        0x5B: ("holder", "", True),
        0x5F33: ("surname", "", True),
        0x5F34: ("given_names", "", True),
        0x5F35: ("sex", "", True),
        0x5F2B: ("date_of_birth", _DATE, True),
        0x5F2C: ("nationality", "", True),
        0x5F1F: ("mrz", "", True),
        0x5F40: ("biometrics", _NUMBER, False),
    }


class CertificateRecord(msgspec.Struct, frozen=True):
    """A signer's certificate in EF.Certificates (Table 83).

    `country` is the two-letter code of its issuer, `serial_number` the octets of its serial number,
    `certificate` the DER of the X.509 certificate.
    """

    country: str
    serial_number: bytes
    certificate: bytes

    @classmethod
    def decode(cls, record: bytes) -> Self:
        """Read one record; raises `MalformedError`."""
        objects = tlv.read_all(record, "certificate record")
        reference = objects.one(0x5F3A)
        country = reference.value[:2]
        if not (country.isalpha() and len(country) == 2 and len(reference.value) > 2):
            raise reference.malformed("is not a two-letter country code and a serial number")
        return cls(country.decode("ascii"), reference.value[2:], objects.one(0x72).value)


class AdditionalBiometrics(Undisclosed, frozen=True):
    """One of EF.Biometrics1 to 64 (Table 93).

    `data` is the biometric data; `signed` the whole DO 5F2E, which is signed.
    """

    data: bytes
    signed: bytes
    signature: bytes
    certificate_record: int

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read a whole file; raises `MalformedError`."""
        template = tlv.read_expected(octets, 0x7F2E, "EF.Biometrics")
        objects = template.children()
        data = objects.one(0x5F2E)
        return cls(
            data.value,
            _octets_of(data, objects, octets, template.offset),
            objects.one(_SIGNATURE).value,
            _record_number(objects.one(_CERTIFICATE)),
        )


def _octets_of(
    wanted: tlv.DataObject, objects: tlv.DataObjects, octets: bytes, start: int
) -> bytes:
    """Return a data object with its tag and length as encoded, which are signed too.

    `start` is where the first of `objects` begins in `octets`.
    """
    for each in objects:
        end = each.offset + len(each.value)
        if each is wanted:
            return octets[start:end]
        start = end
    raise AssertionError("the data object is one of them")


def _value(data_object: tlv.DataObject, coding: str, tolerated: list[str]) -> str | int | bytes:
    if coding == _OCTETS:
        return data_object.value
    if coding == _DATE:
        return read_digits(data_object, 8, tolerated)
    if coding == _NUMBER:
        if not 1 <= len(data_object.value) <= 2:
            raise data_object.malformed("is not a number of one or two octets")
        return int.from_bytes(data_object.value, "big")
    return read_text(data_object, tolerated)


def _record_number(data_object: tlv.DataObject) -> int:
    if len(data_object.value) != 1 or not 1 <= data_object.value[0] <= MAX_RECORDS:
        raise data_object.malformed("is not a record number, 01 to FE")
    return data_object.value[0]
