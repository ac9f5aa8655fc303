"""What the data blocks of ISO/IEC 39794-4, -5 and -6 share."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from emrtd import tlv
from emrtd.asn1.schema import Schema
from emrtd.biometrics.images.headers import ImageFormat, ImageHeader, identify, sniff
from emrtd.biometrics.samples import QualityScore
from support.errors import MisuseError
from support.reasons import Reason
from support.values import Hidden, PartlyCompared, Uncompared

STANDARDISED_FORMAT: Final = 0xA1
"""Biometric data in standardised format, within 7F2E (Doc 9303-10, Table 2)."""

VERSION_BLOCK: Final = {"generation": 3, "year": 2019}

Value = Mapping[str, Any]
Code = tuple[str, Any]


def schema(part: str, type_name: str, what: str) -> Schema:
    """Return the schema of a data block, from the ASN.1 modules in this folder."""
    folder = Path(__file__).parent
    return Schema(what, type_name, (folder / "common.asn1", folder / f"{part}.asn1"))


class DataBlock(PartlyCompared, frozen=True):
    """A data block: `value` holds every field under its name in the standard.

    A SEQUENCE is a mapping, a CHOICE a pair of name and value.  `wrapped` is whether the block is
    inside the data object A1, as in a data group.  `source` is the block as it was read if it
    holds unknown elements, else None: it is then written back as it was.
    """

    value: Hidden[Value]
    wrapped: bool = True
    source: Hidden[Uncompared[bytes | None]] = None
    tolerated: Uncompared[tuple[str, ...]] = ()

    type_schema: ClassVar[Schema]
    image_name: ClassVar[str]

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read a whole block, with or without the A1 around it.

        Raises `MalformedError`, also for an image of an unknown format.
        """
        what = cls.type_schema.what
        wrapped = octets[:1] == b"\xa1"
        inner = tlv.read_expected(octets, STANDARDISED_FORMAT, what).value if wrapped else octets
        value = cls.type_schema.decode(inner)
        source = None
        tolerated: tuple[str, ...] = ()
        if cls.type_schema.encode(value) != inner:
            source = octets
            tolerated = (Reason("the {what} holds unknown elements", what=what),)
        block = cls(value, wrapped, source, tolerated)
        for image in block.images():
            if identify(image) is None:
                sniff(image, cls.image_name)  # raises the error
        return block

    def encode(self) -> bytes:
        """Write the block; raises `MisuseError` for a field that the standard does not allow."""
        if self.source is not None:
            return self.source
        octets = self.type_schema.encode(self.value)
        return tlv.encode(STANDARDISED_FORMAT, octets) if self.wrapped else octets

    @property
    def representations(self) -> list[Value]:
        """The representation blocks, in order."""
        found: list[Value] = self.value["representationBlocks"]
        return found

    def images(self) -> Iterator[bytes]:
        """Yield the image of each representation."""
        raise NotImplementedError


def code_of(coded: Code | None) -> int | None:
    """Return the number of an enumeration in either form; None if it is absent or extended."""
    if coded is None:
        return None
    name, value = coded
    found = value if name == "code" else value.get("fallback")
    return None if found is None else int(found)


def icao_code(code: int) -> Code:
    """Return an enumeration in the form of ICAO's application profile of part 5."""
    return "extensionBlock", {"fallback": code}


def base_code(code: int) -> Code:
    """Return an enumeration in the form of the base standard."""
    return "code", code


def date_time_block(instant: datetime) -> dict[str, int]:
    """Return a DateTimeBlock in UTC, with milliseconds if there is a fraction of a second."""
    if instant.tzinfo is None:
        raise MisuseError("a time of capture needs a time zone")
    instant = instant.astimezone(UTC)
    block = {
        name: getattr(instant, name)
        for name in ("year", "month", "day", "hour", "minute", "second")
    }
    if instant.microsecond:
        block["millisecond"] = instant.microsecond // 1000
    return block


def instant_of(block: Mapping[str, int] | None) -> datetime | None:
    """Return the instant of a DateTimeBlock in UTC; None if its date is incomplete or invalid."""
    if block is None or not {"month", "day"} <= block.keys():
        return None
    fields = {name: value for name, value in block.items() if name != "millisecond"}
    try:
        return datetime(**fields, microsecond=block.get("millisecond", 0) * 1000, tzinfo=UTC)
    except ValueError:
        return None


def quality_blocks(scores: tuple[QualityScore, ...], failed: Code) -> list[dict[str, Any]]:
    """Return QualityBlocks; `failed` is failureToAssess in the form to write."""
    return [
        {
            "algorithmIdBlock": {"organization": each.organization, "id": each.algorithm},
            "scoreOrError": ("error", failed) if each.score is None else ("score", each.score),
        }
        for each in scores
    ]


def quality_of(blocks: list[Value] | None) -> tuple[QualityScore, ...]:
    """Return the scores of QualityBlocks."""
    return tuple(
        QualityScore(
            each["scoreOrError"][1] if each["scoreOrError"][0] == "score" else None,
            each["algorithmIdBlock"]["organization"],
            each["algorithmIdBlock"]["id"],
        )
        for each in blocks or ()
    )


def disagreement(
    what: str, code: int | None, formats: Mapping[int, str], header: ImageHeader
) -> str:
    """Return how an image contradicts its record, in one sentence; empty if they agree.

    `formats` maps the codes of the record to the names of formats; JPEG 2000 has two codes.
    """
    declared = formats.get(-1 if code is None else code, Reason("of format {code}", code=code))
    actual = ImageFormat.JPEG2000.value if header.format.is_jpeg2000 else header.format.value
    if declared == actual:
        return ""
    return Reason(
        "the {what} data block states that its image is {declared}; it is {actual}",
        what=what,
        declared=declared,
        actual=actual,
    )


def require(found: int | None, what: str, image_format: ImageFormat, instead: str) -> int:
    """Return the code of an image format; raises `MisuseError` if None, and advises `instead`."""
    if found is None:
        raise MisuseError(
            f"a {what} data block cannot hold a {image_format.value} image",
            advice=f"use {instead}",
        )
    return found
