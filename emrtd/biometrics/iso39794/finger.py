"""Finger image data blocks (ISO/IEC 39794-4), written in the form of the base standard."""

from collections.abc import Iterator
from enum import IntEnum, unique
from typing import Any, ClassVar, Final, Self

from emrtd.asn1.schema import Schema
from emrtd.biometrics.images.headers import ImageFormat, sniff
from emrtd.biometrics.iso39794.data_block import (
    VERSION_BLOCK,
    DataBlock,
    Value,
    base_code,
    code_of,
    date_time_block,
    disagreement,
    instant_of,
    quality_blocks,
    quality_of,
    require,
    schema,
)
from emrtd.biometrics.samples import FingerImage, FingerPosition, Generation


@unique
class FingerImageDataFormat(IntEnum):
    """The image formats; the codes are not those of ISO/IEC 19794-4."""

    PGM = 0
    WSQ = 1
    JPEG2000_LOSSY = 2
    JPEG2000_LOSSLESS = 3
    PNG = 4


@unique
class ImpressionCode(IntEnum):
    """How the finger touched the sensor."""

    PLAIN_CONTACT = 0
    ROLLED_CONTACT = 1
    LATENT = 4
    SWIPE_CONTACT = 8
    STATIONARY_CONTACTLESS_PLAIN = 24
    STATIONARY_CONTACTLESS_ROLLED = 25
    OTHER = 28
    UNKNOWN = 29
    MOVING_CONTACTLESS_PLAIN = 41
    MOVING_CONTACTLESS_ROLLED = 42


INCH: Final = 0
FAILURE_TO_ASSESS: Final = 0
_FORMATS: Final = {
    ImageFormat.PGM: FingerImageDataFormat.PGM,
    ImageFormat.WSQ: FingerImageDataFormat.WSQ,
    ImageFormat.PNG: FingerImageDataFormat.PNG,
    ImageFormat.JPEG2000: FingerImageDataFormat.JPEG2000_LOSSY,
    ImageFormat.JPEG2000_CODESTREAM: FingerImageDataFormat.JPEG2000_LOSSY,
}
_FORMAT_NAMES: Final[dict[int, str]] = {
    FingerImageDataFormat.PGM: "PGM",
    FingerImageDataFormat.WSQ: "WSQ",
    FingerImageDataFormat.JPEG2000_LOSSY: "JPEG 2000",
    FingerImageDataFormat.JPEG2000_LOSSLESS: "JPEG 2000",
    FingerImageDataFormat.PNG: "PNG",
}


class FingerImageDataBlock(DataBlock, frozen=True):
    """A finger image data block: one representation for each finger."""

    type_schema: ClassVar[Schema] = schema(
        "finger", "FingerImageDataBlock", "finger data block (ISO/IEC 39794-4)"
    )
    image_name: ClassVar[str] = "finger image"

    @classmethod
    def of(cls, finger: FingerImage) -> Self:
        """Make the block of one finger; raises `MisuseError` for a format that has no code."""
        instead = "WSQ, PNG or JPEG 2000"
        code = require(_FORMATS.get(finger.format), "finger", finger.format, instead)
        representation: dict[str, Any] = {
            "position": base_code(finger.position),
            "impression": base_code(ImpressionCode.PLAIN_CONTACT),
            "imageDataFormat": base_code(code),
            "imageData": finger.data,
            "spatialSamplingRateBlock": {
                "samplesPerUnit": finger.resolution,
                "unitDimension": INCH,
            },
        }
        if finger.captured is not None:
            representation["captureDateTimeBlock"] = date_time_block(finger.captured)
        if finger.quality:
            failed = base_code(FAILURE_TO_ASSESS)
            representation["qualityBlocks"] = quality_blocks(finger.quality, failed)
        return cls({"versionBlock": VERSION_BLOCK, "representationBlocks": [representation]})

    def images(self) -> Iterator[bytes]:
        """Yield the image of each representation."""
        for representation in self.representations:
            yield representation["imageData"]

    def fingers(self) -> tuple[tuple[FingerImage, tuple[str, ...]], ...]:
        """Return each finger, and how its image contradicts the block; raises `MalformedError`."""
        return tuple(map(_sample, self.representations))


def _sample(representation: Value) -> tuple[FingerImage, tuple[str, ...]]:
    image: bytes = representation["imageData"]
    header = sniff(image, FingerImageDataBlock.image_name)
    contradiction = disagreement(
        "finger", code_of(representation["imageDataFormat"]), _FORMAT_NAMES, header
    )
    finger = FingerImage(
        image,
        header,
        quality_of(representation.get("qualityBlocks")),
        instant_of(representation.get("captureDateTimeBlock")),
        Generation.ISO_39794,
        FingerPosition.of_code(code_of(representation["position"])),
        _resolution(representation.get("spatialSamplingRateBlock")),
    )
    return finger, (contradiction,) if contradiction else ()


def _resolution(block: Value | None) -> int:
    """Return pixels per inch; 500 if the block is absent, as in every passport."""
    if block is None:
        return 500
    samples: int = block["samplesPerUnit"]
    return samples if block["unitDimension"] == INCH else round(samples * 2.54)
