"""Iris image data blocks (ISO/IEC 39794-6), written in the form of the base standard."""

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
from emrtd.biometrics.samples import Eye, Generation, IrisImage
from support.errors import MisuseError


@unique
class IrisImageDataFormat(IntEnum):
    """The image formats, which do not include JPEG."""

    PGM = 0
    PPM = 1
    PNG = 2
    JPEG2000_LOSSLESS = 3
    JPEG2000_LOSSY = 4


@unique
class IrisImageKind(IntEnum):
    """How the image is cropped around the iris."""

    UNCROPPED = 1
    VGA = 2
    CROPPED = 3
    CROPPED_AND_MASKED = 7


@unique
class CompressionHistory(IntEnum):
    """How the image was compressed before."""

    UNDEFINED = 0
    LOSSLESS_OR_NONE = 1
    LOSSY = 2


ORIENTATION_UNDEFINED: Final = 0
FAILURE_TO_ASSESS: Final = 0
_FORMATS: Final = {
    ImageFormat.PGM: IrisImageDataFormat.PGM,
    ImageFormat.PPM: IrisImageDataFormat.PPM,
    ImageFormat.PNG: IrisImageDataFormat.PNG,
    ImageFormat.JPEG2000: IrisImageDataFormat.JPEG2000_LOSSY,
    ImageFormat.JPEG2000_CODESTREAM: IrisImageDataFormat.JPEG2000_LOSSY,
}
_FORMAT_NAMES: Final[dict[int, str]] = {
    IrisImageDataFormat.PGM: "PGM",
    IrisImageDataFormat.PPM: "PPM",
    IrisImageDataFormat.PNG: "PNG",
    IrisImageDataFormat.JPEG2000_LOSSLESS: "JPEG 2000",
    IrisImageDataFormat.JPEG2000_LOSSY: "JPEG 2000",
}


class IrisImageDataBlock(DataBlock, frozen=True):
    """An iris image data block: one representation for each image of an eye."""

    type_schema: ClassVar[Schema] = schema(
        "iris", "IrisImageDataBlock", "iris data block (ISO/IEC 39794-6)"
    )
    image_name: ClassVar[str] = "iris image"

    @classmethod
    def of(cls, iris: IrisImage) -> Self:
        """Make the block of one iris.

        Raises `MisuseError` without a time of capture, and for a format that has no code.
        """
        if iris.captured is None:
            raise MisuseError("ISO/IEC 39794-6 requires the time when an iris was captured")
        instead = "PNG or JPEG 2000"
        code = require(_FORMATS.get(iris.format), "iris", iris.format, instead)
        vga = (iris.width, iris.height) == (640, 480)
        representation: dict[str, Any] = {
            "eyeLabel": int(iris.eye),
            "irisImageKind": base_code(IrisImageKind.VGA if vga else IrisImageKind.UNCROPPED),
            "bitDepth": 8,
            "imageDataFormat": base_code(code),
            "horizontalOrientation": ORIENTATION_UNDEFINED,
            "verticalOrientation": ORIENTATION_UNDEFINED,
            "compressionHistory": int(CompressionHistory.UNDEFINED),
            "captureDateTimeBlock": date_time_block(iris.captured),
            "irisImageData": iris.data,
        }
        if iris.quality:
            failed = base_code(FAILURE_TO_ASSESS)
            representation["qualityBlocks"] = quality_blocks(iris.quality, failed)
        return cls({"versionBlock": VERSION_BLOCK, "representationBlocks": [representation]})

    def images(self) -> Iterator[bytes]:
        """Yield the image of each representation."""
        for representation in self.representations:
            yield representation["irisImageData"]

    def irises(self) -> tuple[tuple[IrisImage, tuple[str, ...]], ...]:
        """Return each iris, and how its image contradicts the block; raises `MalformedError`."""
        return tuple(map(_sample, self.representations))


def _sample(representation: Value) -> tuple[IrisImage, tuple[str, ...]]:
    image: bytes = representation["irisImageData"]
    header = sniff(image, IrisImageDataBlock.image_name)
    contradiction = disagreement(
        "iris", code_of(representation["imageDataFormat"]), _FORMAT_NAMES, header
    )
    iris = IrisImage(
        image,
        header,
        quality_of(representation.get("qualityBlocks")),
        instant_of(representation["captureDateTimeBlock"]),
        Generation.ISO_39794,
        Eye.of_code(representation["eyeLabel"]),
    )
    return iris, (contradiction,) if contradiction else ()
