"""Biometric samples, independent of the standard that encodes them.

Data preparation makes data groups from samples, and inspection reads samples from data groups;
ISO/IEC 19794 (2005) and ISO/IEC 39794 differ only in the encoding.
"""

from datetime import datetime
from enum import Enum, IntEnum, unique
from typing import Final, Self

import msgspec

from emrtd.biometrics.images.headers import ImageFormat, ImageHeader, sniff
from support.errors import MisuseError
from support.values import Hidden, PartlyCompared, Uncompared, Value


@unique
class Generation(Enum):
    """Which series of standards encodes the biometric data (Doc 9303-10, 4.5.6)."""

    ISO_19794 = "19794"
    ISO_39794 = "39794"


@unique
class Gender(Enum):
    """The holder's gender as a face record states it."""

    UNSPECIFIED = "unspecified"
    MALE = "male"
    FEMALE = "female"
    OTHER = "other or unknown"


@unique
class FingerPosition(IntEnum):
    """The finger positions with one code in both ISO/IEC 19794-4 and ISO/IEC 39794-4."""

    UNKNOWN = 0
    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10
    RIGHT_FOUR = 13
    LEFT_FOUR = 14
    BOTH_THUMBS = 15

    @property
    def label(self) -> str:
        """The name that applications use: right-index."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of_code(cls, code: int | None) -> "FingerPosition":
        """Return the position with this code; UNKNOWN for palms, toes and undefined codes."""
        return cls(code) if code in _FINGER_CODES else cls.UNKNOWN


_FINGER_CODES: Final = frozenset(FingerPosition)


@unique
class Eye(IntEnum):
    """Which eye, as both generations and CBEFF code it (Doc 9303-10, Table 56)."""

    UNKNOWN = 0
    RIGHT = 1
    LEFT = 2

    @classmethod
    def of_code(cls, code: int | None) -> "Eye":
        """Return the eye with this code; UNKNOWN for any other."""
        return cls(code) if code in {1, 2} else cls.UNKNOWN


class FeaturePoint(Value, frozen=True):
    """A landmark of the face: MPEG-4 feature point `major`.`minor`, in pixels from the top left.

    12.1 and 12.2 are the centres of the left and of the right eye (the holder's left).
    """

    major: int
    minor: int
    x: Hidden[int]
    y: Hidden[int]


class QualityScore(msgspec.Struct, frozen=True):
    """The score of a sample: 0 (worst) to 100, None if the algorithm failed to assess it.

    `organization` and `algorithm` are CBEFF registry identifiers (1 to 65535), 0 if the score was
    read from a record of ISO/IEC 19794, which has no field for them.
    """

    score: int | None
    organization: int = 0
    algorithm: int = 0


class _Sample(PartlyCompared, frozen=True):
    """An image, its header, and the metadata that both generations record."""

    data: Hidden[bytes]
    header: ImageHeader
    quality: tuple[QualityScore, ...] = ()
    captured: Hidden[datetime | None] = None
    generation: Uncompared[Generation | None] = None

    @property
    def format(self) -> ImageFormat:
        """The format of the image, from its first octets."""
        return self.header.format

    @property
    def width(self) -> int:
        """Width in pixels, from the header of the image."""
        return self.header.width

    @property
    def height(self) -> int:
        """Height in pixels, from the header of the image."""
        return self.header.height


class FaceImage(_Sample, frozen=True):
    """A face: JPEG, or JPEG 2000 as a file or as a bare codestream."""

    gender: Hidden[Gender] = Gender.UNSPECIFIED
    feature_points: tuple[FeaturePoint, ...] = ()

    @classmethod
    def of(
        cls,
        data: bytes,
        *,
        gender: Gender = Gender.UNSPECIFIED,
        feature_points: tuple[FeaturePoint, ...] = (),
        quality: tuple[QualityScore, ...] = (),
        captured: datetime | None = None,
    ) -> Self:
        """Make a sample from the image of a face.

        Raises `MalformedError` if it is not an image, `MisuseError` for another format.
        """
        header = sniff(data, "face image")
        if not (header.format is ImageFormat.JPEG or header.format.is_jpeg2000):
            raise MisuseError(
                f"a face is stored as JPEG or JPEG 2000, not as {header.format.value}",
                advice="convert the portrait first",
            )
        return cls(data, header, quality, captured, None, gender, feature_points)


class FingerImage(_Sample, frozen=True):
    """A fingerprint; `resolution` is in pixels per inch, 500 for nearly every passport."""

    position: FingerPosition = FingerPosition.UNKNOWN
    resolution: int = 500

    @classmethod
    def of(
        cls,
        data: bytes,
        position: FingerPosition,
        *,
        resolution: int = 500,
        quality: tuple[QualityScore, ...] = (),
        captured: datetime | None = None,
    ) -> Self:
        """Make a sample from the image of a finger; raises `MalformedError` if it is not one."""
        header = sniff(data, "finger image")
        return cls(data, header, quality, captured, None, position, resolution)


class IrisImage(_Sample, frozen=True):
    """The image of an eye's iris."""

    eye: Eye = Eye.UNKNOWN

    @classmethod
    def of(
        cls,
        data: bytes,
        eye: Eye,
        *,
        quality: tuple[QualityScore, ...] = (),
        captured: datetime | None = None,
    ) -> Self:
        """Make a sample from the image of an iris; raises `MalformedError` if it is not one."""
        return cls(data, sniff(data, "iris image"), quality, captured, None, eye)
