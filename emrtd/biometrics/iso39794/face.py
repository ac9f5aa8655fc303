"""Face image data blocks (ISO/IEC 39794-5); written in ICAO's application profile."""

from collections.abc import Iterator
from enum import IntEnum, unique
from typing import Any, ClassVar, Final, Self

from emrtd.asn1.schema import Schema
from emrtd.biometrics.images.headers import ImageFormat, ImageHeader, sniff
from emrtd.biometrics.iso39794.data_block import (
    VERSION_BLOCK,
    DataBlock,
    Value,
    base_code,
    code_of,
    date_time_block,
    disagreement,
    icao_code,
    instant_of,
    quality_blocks,
    quality_of,
    schema,
)
from emrtd.biometrics.iso39794.landmarks import feature_point, landmark_block
from emrtd.biometrics.samples import FaceImage, Gender, Generation
from support.reasons import Reason


@unique
class GenderCode(IntEnum):
    """Gender; ICAO's profile has no `UNKNOWN`."""

    UNKNOWN = 0
    OTHER = 1
    MALE = 2
    FEMALE = 3


@unique
class FaceImageDataFormat(IntEnum):
    """The image formats of ICAO's profile."""

    JPEG = 2
    JPEG2000_LOSSY = 3
    JPEG2000_LOSSLESS = 4


@unique
class ImageColourSpace(IntEnum):
    """The colour spaces that are written."""

    RGB_24_BIT = 2
    GREYSCALE_8_BIT = 5


MRTD: Final = 0
"""FaceImageKind2D: an image for a machine readable travel document."""

FAILURE_TO_ASSESS: Final = 0
_FORMAT_NAMES: Final = {
    0: "PGM",
    1: "PPM",
    FaceImageDataFormat.JPEG: "JPEG",
    FaceImageDataFormat.JPEG2000_LOSSY: "JPEG 2000",
    FaceImageDataFormat.JPEG2000_LOSSLESS: "JPEG 2000",
    5: "PNG",
}
_GENDERS: Final[dict[int | None, Gender]] = {
    GenderCode.MALE: Gender.MALE,
    GenderCode.FEMALE: Gender.FEMALE,
    GenderCode.OTHER: Gender.OTHER,
    GenderCode.UNKNOWN: Gender.OTHER,
    None: Gender.UNSPECIFIED,
}
_GENDER_CODES: Final = {
    Gender.MALE: GenderCode.MALE,
    Gender.FEMALE: GenderCode.FEMALE,
    Gender.OTHER: GenderCode.OTHER,
}


class FaceImageDataBlock(DataBlock, frozen=True):
    """A face image data block: in ICAO's profile one representation, with one 2D image."""

    type_schema: ClassVar[Schema] = schema(
        "face", "FaceImageDataBlock", "face data block (ISO/IEC 39794-5)"
    )
    image_name: ClassVar[str] = "face image"

    @classmethod
    def of(cls, face: FaceImage) -> Self:
        """Make the block of one face, as ICAO's application profile requires."""
        representation: dict[str, Any] = {
            "representationId": 0,
            "imageRepresentation": (
                "base",
                (
                    "imageRepresentation2DBlock",
                    {
                        "representationData2D": face.data,
                        "imageInformation2DBlock": _image_information(face),
                    },
                ),
            ),
        }
        if face.captured is not None:
            representation["captureDateTimeBlock"] = date_time_block(face.captured)
        if face.quality:
            failed = icao_code(FAILURE_TO_ASSESS)
            representation["qualityBlocks"] = quality_blocks(face.quality, failed)
        if face.gender in _GENDER_CODES:
            gender = icao_code(_GENDER_CODES[face.gender])
            representation["identityMetadataBlock"] = {"gender": gender}
        if face.feature_points:
            representation["landmarkBlocks"] = [landmark_block(it) for it in face.feature_points]
        return cls({"versionBlock": VERSION_BLOCK, "representationBlocks": [representation]})

    def images(self) -> Iterator[bytes]:
        """Yield the 2D image of each representation that has one."""
        for representation in self.representations:
            block = _image_block(representation)
            if block is not None:
                yield block["representationData2D"]

    def faces(self) -> tuple[tuple[FaceImage, tuple[str, ...]], ...]:
        """Return each face, and how its image contradicts the block; raises `MalformedError`."""
        return tuple(
            _sample(representation, block)
            for representation in self.representations
            if (block := _image_block(representation)) is not None
        )


def _image_information(face: FaceImage) -> dict[str, Any]:
    header = face.header
    grey = header.channels == 1
    space = ImageColourSpace.GREYSCALE_8_BIT if grey else ImageColourSpace.RGB_24_BIT
    return {
        "imageDataFormat": base_code(
            FaceImageDataFormat.JPEG
            if header.format is ImageFormat.JPEG
            else FaceImageDataFormat.JPEG2000_LOSSY  # as files of a target size are
        ),
        "faceImageKind2D": icao_code(MRTD),
        "imageSizeBlock": {"width": header.width, "height": header.height},
        "imageColourSpace": icao_code(space),
    }


def _image_block(representation: Value) -> Value | None:
    """Return the 2D image block of a representation; None if it holds something else."""
    name, base = representation["imageRepresentation"]
    return base[1] if name == "base" else None


def _sample(representation: Value, block: Value) -> tuple[FaceImage, tuple[str, ...]]:
    image: bytes = block["representationData2D"]
    header = sniff(image, FaceImageDataBlock.image_name)
    metadata = representation.get("identityMetadataBlock", {})
    points = map(feature_point, representation.get("landmarkBlocks", ()))
    face = FaceImage(
        image,
        header,
        quality_of(representation.get("qualityBlocks")),
        instant_of(representation.get("captureDateTimeBlock")),
        Generation.ISO_39794,
        _GENDERS.get(code_of(metadata.get("gender")), Gender.OTHER),
        tuple(point for point in points if point is not None),
    )
    return face, tuple(_disagreements(block["imageInformation2DBlock"], header))


def _disagreements(information: Value, header: ImageHeader) -> Iterator[str]:
    code = code_of(information["imageDataFormat"])
    if contradiction := disagreement("face", code, _FORMAT_NAMES, header):
        yield contradiction
    size = information.get("imageSizeBlock")
    if size is not None and (size["width"], size["height"]) != (header.width, header.height):
        stated = f"{size['width']} x {size['height']}"
        yield Reason(
            "the face data block states {stated} pixels; the image is {size}",
            stated=stated,
            size=header.size,
        )
