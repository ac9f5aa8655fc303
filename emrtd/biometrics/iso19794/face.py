"""Face records (ISO/IEC 19794-5:2005): one header, then facial images one after another.

Every inspection reads this record, so it is read and written with precompiled structures and one
copy of the image: it takes a dozen times as long as copying a 15 kB image (`python -m bench
face_record`).  The rarer finger and iris records are read field by field (`fixed_layout`).
"""

from enum import IntEnum, unique
from itertools import repeat, starmap
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Final, NamedTuple

from emrtd.biometrics.images.headers import IMAGE_MAGICS, ImageFormat, ImageHeader, sniff
from emrtd.biometrics.iso19794.lengths import MAX_IMAGES, check_record_length, check_trailing
from emrtd.biometrics.samples import FaceImage, FeaturePoint, Gender, Generation, QualityScore
from support.errors import MalformedError, MisuseError
from support.reasons import Reason

FORMAT_IDENTIFIER: Final = b"FAC\0"
VERSION: Final = b"010\0"
WHAT: Final = "face record (ISO/IEC 19794-5)"

_RECORD_HEADER: Final = Struct(">4s4sIH")  # facial record header: 14 octets
_BLOCKS: Final = Struct(">IHBBB3sH3s3sBBHHBBHH")  # facial and image information, no points: 32
_INFORMATION: Final = Struct(">IHBBB3sH3s3s")  # facial information: 20 octets
_POINT: Final = Struct(">BBHHH")  # feature point: 8 octets
_IMAGE_INFORMATION: Final = Struct(">BBHHBBHH")  # 12 octets
_made: Final = tuple.__new__  # as `_make`, without a Python call for each


@unique
class GenderField(IntEnum):
    """The gender field of the facial information."""

    UNSPECIFIED = 0x00
    MALE = 0x01
    FEMALE = 0x02
    UNKNOWN = 0xFF


@unique
class FaceImageType(IntEnum):
    """How the face is posed and cropped in the image."""

    BASIC = 0
    FULL_FRONTAL = 1
    TOKEN_FRONTAL = 2


@unique
class ImageDataType(IntEnum):
    """How the image is compressed."""

    JPEG = 0
    JPEG2000 = 1


@unique
class ColourSpace(IntEnum):
    """The image colour space."""

    UNSPECIFIED = 0
    RGB24 = 1
    YUV422 = 2
    GREY8 = 3
    OTHER = 4


class RecordedPoint(NamedTuple):
    """A feature point as recorded; in type 1, MPEG-4, `code` is a nibble major, a nibble minor."""

    feature_type: int
    code: int
    x: int
    y: int
    reserved: int = 0

    def __repr__(self) -> str:  # the place of a feature is personal data
        return f"RecordedPoint({self.code >> 4}.{self.code & 15})"


class FacialImage(NamedTuple):
    """One facial image: facial information, feature points, image information, the image.

    Codes are as recorded, even if the standard does not define them.  `feature_mask` is 3 octets;
    `pose_angle` and `pose_uncertainty` are one octet each for yaw, pitch and roll.
    """

    image: bytes
    gender: int = GenderField.UNSPECIFIED
    eye_colour: int = 0
    hair_colour: int = 0
    feature_mask: bytes = b"\0\0\0"
    expression: int = 0
    pose_angle: bytes = b"\0\0\0"
    pose_uncertainty: bytes = b"\0\0\0"
    face_image_type: int = FaceImageType.FULL_FRONTAL
    image_data_type: int = ImageDataType.JPEG
    width: int = 0
    height: int = 0
    colour_space: int = ColourSpace.UNSPECIFIED
    source_type: int = 0
    device_type: int = 0
    quality: int = 0
    feature_points: tuple[RecordedPoint, ...] = ()

    def __repr__(self) -> str:  # the rest is personal data
        return f"FacialImage({len(self.image)} octets, {self.width} x {self.height})"


class FaceRecord(NamedTuple):
    """A face record, with the quirks that were read past.

    `declared_length` is the declared record length if it is wrong, else None; `trailing` holds the
    octets after the last image.  Both are written back as they were.
    """

    images: tuple[FacialImage, ...]
    version: bytes = VERSION
    declared_length: int | None = None
    trailing: bytes = b""
    tolerated: tuple[str, ...] = ()

    @classmethod
    def decode(cls, octets: bytes) -> "FaceRecord":
        """Read a whole face record, of at least one image; raises `MalformedError`."""
        try:
            identifier, version, length, count = _RECORD_HEADER.unpack_from(octets)
        except StructError:
            raise MalformedError(WHAT, "is cut short in its header", len(octets)) from None
        if identifier != FORMAT_IDENTIFIER:
            raise MalformedError(
                WHAT,
                Reason(
                    "begins with {identifier}, not with FAC", identifier=identifier.hex().upper()
                ),
                0,
            )
        if not 1 <= count <= MAX_IMAGES:
            raise MalformedError(
                WHAT,
                Reason(
                    "holds {count} images; 1 to {max_images} are read",
                    count=count,
                    max_images=MAX_IMAGES,
                ),
                12,
            )
        size = len(octets)
        first, position = _decode_image(octets, 14)
        if count == 1 and length == size == position and version == VERSION:  # nearly every record
            return _made(cls, ((first,), version, None, b"", ()))
        images = [first]
        for _ in range(count - 1):
            image, position = _decode_image(octets, position)
            images.append(image)
        tolerated = (
            *check_record_length(WHAT, length, size, 8),
            *check_trailing(WHAT, position, size),
            *_check_version(version),
        )
        declared = None if length == size else length
        return cls(tuple(images), version, declared, octets[position:], tolerated)

    def encode(self) -> bytes:
        """Write the record; raises `MisuseError` for a field that does not fit."""
        images, version, declared, trailing, _ = self
        if len(version) != 4 or not 1 <= len(images) <= MAX_IMAGES:
            raise MisuseError(f"a face record has 4 octets of version and 1 to {MAX_IMAGES} images")
        parts = [b""]
        size = 14 + len(trailing)
        try:
            for each in images:
                size += _encode_image(each, parts)
            parts[0] = _RECORD_HEADER.pack(
                FORMAT_IDENTIFIER, version, size if declared is None else declared, len(images)
            )
        except StructError as problem:
            raise MisuseError(f"face record: a field does not fit: {problem}") from None
        parts.append(trailing)
        return b"".join(parts)

    @classmethod
    def of(cls, *faces: FaceImage) -> "FaceRecord":
        """Make a record of these faces."""
        return cls(tuple(_recorded(face) for face in faces))

    def faces(self) -> tuple[tuple[FaceImage, tuple[str, ...]], ...]:
        """Return each face, and how its image contradicts the record; raises `MalformedError`."""
        return tuple(_sample(image) for image in self.images)


def _decode_image(octets: bytes, position: int) -> tuple[FacialImage, int]:
    points: tuple[RecordedPoint, ...] = ()
    start = position + 32
    try:
        blocks = _BLOCKS.unpack_from(octets, position)
        face, picture = blocks[2:9], blocks[9:]
        if blocks[1]:
            start += 8 * blocks[1]
            picture = _IMAGE_INFORMATION.unpack_from(octets, start - 12)
            recorded = _POINT.iter_unpack(octets[position + 20 : start - 12])
            points = tuple(map(_made, repeat(RecordedPoint), recorded))
    except StructError:
        raise MalformedError(WHAT, "is cut short in a facial image", position) from None
    length = blocks[0]
    end = position + length
    if end < start or end > len(octets):
        raise MalformedError(
            WHAT,
            Reason(
                "a facial image declares {length} octets; its headers take {start} and {octets}"
                " are left",
                length=length,
                start=start - position,
                octets=len(octets) - position,
            ),
            position,
        )
    image = octets[start:end]
    if not image.startswith(IMAGE_MAGICS):
        sniff(image, "face image")  # raises the error
    return _made(FacialImage, (image, *face, *picture, points)), end


def _encode_image(image: FacialImage, parts: list[bytes]) -> int:
    octets, points = image[0], image[16]
    if not len(image[4]) == len(image[6]) == len(image[7]) == 3:
        raise MisuseError("face record: feature mask and pose angles are three octets each")
    length = 32 + len(octets) + 8 * len(points)
    if points:
        parts.append(_INFORMATION.pack(length, len(points), *image[1:8]))
        parts.extend(starmap(_POINT.pack, points))
        parts.append(_IMAGE_INFORMATION.pack(*image[8:16]))
    else:
        parts.append(_BLOCKS.pack(length, 0, *image[1:16]))
    parts.append(octets)
    return length


_GENDERS: Final[dict[int, Gender]] = {
    GenderField.UNSPECIFIED: Gender.UNSPECIFIED,
    GenderField.MALE: Gender.MALE,
    GenderField.FEMALE: Gender.FEMALE,
    GenderField.UNKNOWN: Gender.OTHER,
}
_DATA_TYPES: Final[dict[int, str]] = {
    ImageDataType.JPEG: "JPEG",
    ImageDataType.JPEG2000: "JPEG 2000",
}
_GENDER_CODES: Final = {gender: code for code, gender in _GENDERS.items()}


def _recorded(face: FaceImage) -> FacialImage:
    header = face.header
    score = next((each.score for each in face.quality if each.score is not None), 0)
    return FacialImage(
        face.data,
        gender=_GENDER_CODES[face.gender],
        image_data_type=ImageDataType.JPEG2000 if header.format.is_jpeg2000 else ImageDataType.JPEG,
        width=header.width,
        height=header.height,
        colour_space=ColourSpace.GREY8 if header.channels == 1 else ColourSpace.RGB24,
        quality=score,
        feature_points=tuple(
            RecordedPoint(1, point.major << 4 | point.minor, point.x, point.y)
            for point in face.feature_points
        ),
    )


def _sample(image: FacialImage) -> tuple[FaceImage, tuple[str, ...]]:
    header = sniff(image.image, "face image")
    face = FaceImage(
        image.image,
        header,
        (QualityScore(image.quality),) if 1 <= image.quality <= 100 else (),
        generation=Generation.ISO_19794,
        gender=_GENDERS.get(image.gender, Gender.OTHER),
        feature_points=tuple(
            FeaturePoint(point.code >> 4, point.code & 15, point.x, point.y)
            for point in image.feature_points
            if point.feature_type == 1
        ),
    )
    return face, tuple(_disagreements(image, header))


_CODES: Final = (
    ("gender", 1, frozenset(_GENDERS)),
    ("eye colour", 2, frozenset({*range(8), 0xFF})),
    ("hair colour", 3, frozenset({*range(10), 0xFF})),
    ("type of face image", 8, frozenset(FaceImageType)),
)
"""Fields of a facial image, their places in it, and their codes (ISO/IEC 19794-5:2005, 5.5)."""
_LAST_ANGLE: Final = 181
"""The last code of an angle of the pose, and of its uncertainty, in steps of 2 degrees."""


def _check_version(version: bytes) -> tuple[str, ...]:
    """Return the quirk of a record of another version; empty for that of the standard."""
    if version == VERSION:
        return ()
    return (Reason("the {what} has version {version}", what=WHAT, version=version.hex().upper()),)


def _undefined(image: FacialImage) -> list[str]:
    """Return which fields have a code that the standard does not define."""
    names = [name for name, place, codes in _CODES if image[place] not in codes]
    if max(image[6]) > _LAST_ANGLE:
        names.append("pose")
    if max(image[7]) > _LAST_ANGLE:
        names.append("uncertainty of the pose")
    return [
        Reason("the face record has an undefined code of the {name}", name=name) for name in names
    ]


def _disagreements(image: FacialImage, header: ImageHeader) -> list[str]:
    found = _undefined(image)
    declared = _DATA_TYPES.get(
        image.image_data_type,
        Reason("of type {image_data_type}", image_data_type=image.image_data_type),
    )
    actual = "JPEG 2000" if header.format.is_jpeg2000 else header.format.value
    if declared != actual:
        found.append(
            Reason(
                "the face record states that its image is {declared}; it is {actual}",
                declared=declared,
                actual=actual,
            )
        )
    if header.format is ImageFormat.JPEG2000_CODESTREAM:
        found.append("the face image is a bare JPEG 2000 codestream, not a JP2 file")
    padding = _padding_after(image.image)
    if padding:
        found.append(
            Reason("the face image has {padding} octets of padding after it", padding=padding)
        )
    if header.channels == 1 and image.colour_space in _COLOURED:
        found.append("the face record states that its image is in colour; it is grey")
    if (image.width, image.height) not in {(header.width, header.height), (0, 0)}:
        found.append(
            Reason(
                "the face record states {width} x {height} pixels; the image is {size}",
                width=image.width,
                height=image.height,
                size=header.size,
            )
        )
    return found


_COLOURED: Final = frozenset({ColourSpace.RGB24, ColourSpace.YUV422})


def _padding_after(image: bytes) -> int:
    """Return how many zeros follow the marker that ends a JPEG or a JPEG 2000 codestream."""
    if image[-1:] != b"\0":
        return 0
    trimmed = image.rstrip(b"\0")
    return len(image) - len(trimmed) if trimmed.endswith(b"\xff\xd9") else 0
