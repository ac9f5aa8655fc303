"""Deviation Lists (Doc 9303-12, 10): known errors in documents, published by the issuing State.

`DeviationList.parse` only reads a list; `emrtd.pki.passive.examine` verifies its signature, with
`Purpose.DEVIATION_LIST_SIGNER`.  `Deviation.covers` returns whether a document is concerned.
"""

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum, unique
from typing import Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import (
    read_integer,
    read_oid,
    read_small_integer,
    read_text,
    read_time,
)
from emrtd.crypto.algorithm_identifiers import read_hash
from emrtd.crypto.hashes import Hash
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.encodings import has_digest
from emrtd.pki.x509.names import Name
from support.values import Hidden, Value

ID_DEVIATION_LIST: Final = "2.23.136.1.1.7"
"""eContentType id-icao-DeviationList."""

MAX_DOCUMENT_NUMBERS: Final = 2_000_000
"""The most document numbers in one deviation; IT once listed 299,400."""

_WHAT: Final = "Deviation List"


@unique
class DeviationKind(StrEnum):
    """A kind of deviation; the value is its object identifier (Doc 9303-12, 10.2)."""

    DS_SIGNATURE = "2.23.136.1.1.7.1.1"
    DS_ENCODING = "2.23.136.1.1.7.1.2"
    CSCA_ENCODING = "2.23.136.1.1.7.1.3"
    AA_KEY_COMPROMISED = "2.23.136.1.1.7.1.4"
    DG_MALFORMED = "2.23.136.1.1.7.2.1"
    DG_HASH_WRONG = "2.23.136.1.1.7.2.2"
    SOD_SIGNATURE_WRONG = "2.23.136.1.1.7.2.3"
    COM_INCONSISTENT = "2.23.136.1.1.7.2.4"
    MRZ_WRONG_DATA = "2.23.136.1.1.7.3.1"
    MRZ_WRONG_CHECK_DIGIT = "2.23.136.1.1.7.3.2"
    CHIP = "2.23.136.1.1.7.4"
    NATIONAL_USE = "2.23.136.1.1.7.5"


class DeviationDescription(msgspec.Struct, frozen=True):
    """One deviation: its object identifier (`kind` if it is known) and an optional text.

    `number` is the parameter if it is a number: a data group (20 is EF.SOD, 21 EF.COM), a field of
    a certificate or of the MRZ.
    """

    oid: str
    kind: DeviationKind | None
    text: str = ""
    number: int | None = None


class Deviation(Value, frozen=True):
    """Which documents deviate, and how.  A document must match every field that is not empty."""

    descriptions: tuple[DeviationDescription, ...]
    document_type: str | None = None
    issuer: Name | None = None
    serial: int | None = None
    key_identifier: bytes | None = None
    certificate_digest: bytes | None = None
    digest_algorithm: Hash | None = None
    issued: tuple[datetime, datetime] | None = None
    document_numbers: Hidden[frozenset[str]] = frozenset()

    def covers(
        self,
        signer: Certificate,
        *,
        document_type: str | None = None,
        document_number: str | None = None,
        issued: date | None = None,
    ) -> bool:
        """Whether a document is concerned, by its signer and by fields of its data groups.

        A field that the list requires and that is not known (None) does not match.
        """
        if self.document_type is not None and not (
            document_type and document_type.rstrip("<") == self.document_type
        ):
            return False
        if self.document_numbers and not (
            document_number and document_number.rstrip("<") in self.document_numbers
        ):
            return False
        if self.issued is not None:
            first, last = self.issued
            if issued is None or not first.date() <= issued <= last.date():
                return False
        return self._names(signer)

    def _names(self, signer: Certificate) -> bool:
        if self.issuer is not None:
            return signer.serial == self.serial and self.issuer.matches(signer.issuer)
        if self.key_identifier is not None:
            return signer.extensions.subject_key_identifier == self.key_identifier
        if self.certificate_digest is not None:
            algorithm = self.digest_algorithm
            return algorithm is not None and has_digest(signer, algorithm, self.certificate_digest)
        return True


class DeviationList(msgspec.Struct, frozen=True):
    """A Deviation List: its SignedData, and its deviations."""

    signed_data: SignedData
    deviations: tuple[Deviation, ...]

    @classmethod
    def parse(cls, octets: bytes) -> "DeviationList":
        """Read a whole list with nothing behind it; raises `MalformedError`."""
        return cls.read(SignedData.parse(octets, _WHAT))

    @classmethod
    def read(cls, signed_data: SignedData) -> "DeviationList":
        """Read the list that a SignedData signs; raises `MalformedError`."""
        whole = signed_data.read_content(ID_DEVIATION_LIST, _WHAT)
        fields = list(whole.expect(der.SEQUENCE).children)
        if not fields or read_small_integer(fields.pop(0)) != 0:
            raise whole.malformed("is not a version 0 list of deviations")
        algorithm = read_hash(fields.pop(0)) if len(fields) == 2 else None
        if len(fields) != 1:
            raise whole.malformed("does not hold exactly one set of deviations")
        deviations = tuple(
            _read_deviation(each, algorithm) for each in fields[0].expect(der.SET).children
        )
        return cls(signed_data, deviations)

    @property
    def country(self) -> str | None:
        """The country of the State that signed the list."""
        return self.signed_data.country


def _read_deviation(value: ber.Value, algorithm: Hash | None) -> Deviation:
    fields = value.expect(der.SEQUENCE).children
    if len(fields) != 2:
        raise value.malformed("a deviation consists of documents and descriptions")
    descriptions = tuple(_read_description(each) for each in fields[1].expect(der.SET).children)
    found: dict[int, ber.Value] = {}
    for each in fields[0].expect(der.SEQUENCE).children:
        number = each.tag & 0x1F
        if each.tag & 0xC0 != 0x80 or number > 5 or number in found:
            raise each.malformed("is not a field of the documents, or occurs twice")
        found[number] = each
    issuer, serial = _read_issuer(found[1]) if 1 in found else (None, None)
    return Deviation(
        descriptions=descriptions,
        document_type=_implicit_text(found[0]).rstrip("< ") if 0 in found else None,
        issuer=issuer,
        serial=serial,
        key_identifier=_unwrapped(found[2]) if 2 in found else None,
        certificate_digest=_unwrapped(found[3]) if 3 in found else None,
        digest_algorithm=algorithm,
        issued=_read_period(found[4]) if 4 in found else None,
        document_numbers=frozenset(_numbers(found[5])) if 5 in found else frozenset(),
    )


def _implicit_text(value: ber.Value) -> str:
    """Return a PrintableString, tagged implicitly or explicitly."""
    return _unwrapped(value).decode("latin-1")


def _unwrapped(value: ber.Value) -> bytes:
    """Return the contents of a primitive value, tagged implicitly or explicitly."""
    if value.constructed:
        children = value.children
        if len(children) != 1:
            raise value.malformed("does not hold exactly one value")
        return children[0].contents
    return value.contents


def _read_issuer(value: ber.Value) -> tuple[Name, int]:
    fields = value.children
    if len(fields) == 1:  # tagged explicitly
        fields = fields[0].expect(der.SEQUENCE).children
    if len(fields) != 2:
        raise value.malformed("a certificate is identified by its issuer and serial number")
    return Name.read(fields[0]), read_integer(fields[1])


def _read_period(value: ber.Value) -> tuple[datetime, datetime]:
    fields = value.children
    if len(fields) != 2:
        raise value.malformed("a period has two ends")
    return read_time(fields[0]), read_time(fields[1])


def _numbers(value: ber.Value) -> Iterator[str]:
    for each in value.each(MAX_DOCUMENT_NUMBERS):
        yield read_text(each).strip("< ")


def _read_description(value: ber.Value) -> DeviationDescription:
    fields = list(value.expect(der.SEQUENCE).children)
    text = ""
    if fields and fields[0].tag != der.OID:
        text = read_text(fields.pop(0))
    if not fields:
        raise value.malformed("a description has no object identifier")
    oid = read_oid(fields.pop(0))
    number = None
    for each in fields:
        if each.tag == 0x80:
            if len(each.contents) > der.MAX_INTEGER:
                raise each.malformed(f"a number of {len(each.contents)} octets")
            number = int.from_bytes(each.contents, "big")
        elif each.tag == 0xA0 and each.children and each.children[0].tag == der.INTEGER:
            number = read_integer(each.children[0])
    kind = DeviationKind(oid) if oid in set(DeviationKind) else None
    return DeviationDescription(oid, kind, text, number)
