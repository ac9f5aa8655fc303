"""Iris image records (ISO/IEC 19794-6:2005): a header, then eyes, then the images of each eye."""

from enum import IntEnum, unique
from typing import Final, Self

import msgspec

from emrtd.biometrics.images.headers import ImageFormat, sniff
from emrtd.biometrics.iso19794.fixed_layout import FixedLayout, Octets, image_octets
from emrtd.biometrics.iso19794.lengths import MAX_IMAGES, check_record_length, check_trailing
from emrtd.biometrics.samples import Eye, Generation, IrisImage, QualityScore
from support.errors import MalformedError, MisuseError
from support.reasons import Reason
from support.values import Hidden, PartlyCompared, Uncompared, Value

FORMAT_IDENTIFIER: Final = b"IIR\0"
VERSION: Final = b"010\0"
WHAT: Final = "iris record (ISO/IEC 19794-6)"


@unique
class IrisImageFormat(IntEnum):
    """The image format field, which states colour and compression."""

    MONO_RAW = 2
    RGB_RAW = 4
    MONO_JPEG = 6
    RGB_JPEG = 8
    MONO_JPEG_LS = 10
    RGB_JPEG_LS = 12
    MONO_JPEG2000 = 14
    RGB_JPEG2000 = 16


QUALITY_UNDEFINED: Final = 0xFE
ROTATION_UNDEFINED: Final = 0xFFFF


_HEADER: Final = FixedLayout(
    WHAT,
    {
        "format_identifier": FORMAT_IDENTIFIER,
        "version": Octets(4),
        "record_length": 4,
        "capture_device_id": 2,
        "number_of_eyes": 1,
        "header_length": 2,
        "image_properties": 2,
        "iris_diameter": 2,
        "image_format": 2,
        "width": 2,
        "height": 2,
        "intensity_depth": 1,
        "image_transformation": 1,
        "device_unique_identifier": Octets(16),
    },
)
_EYE: Final = FixedLayout(
    "eye header (ISO/IEC 19794-6)",
    {
        "eye": 1,
        "number_of_images": 2,
    },
)
_IMAGE: Final = FixedLayout(
    "iris image (ISO/IEC 19794-6)",
    {
        "image_number": 2,
        "quality": 1,
        "rotation_angle": 2,
        "rotation_uncertainty": 2,
        "length": 4,
    },
)


class RecordedIris(Value, frozen=True):
    """One image of an eye: the image, quality (0 to 100, FE undefined), rotation of the head."""

    image: Hidden[bytes]
    image_number: int = 1
    quality: int = QUALITY_UNDEFINED
    rotation_angle: int = ROTATION_UNDEFINED
    rotation_uncertainty: int = ROTATION_UNDEFINED


class RecordedEye(msgspec.Struct, frozen=True):
    """The images of one eye; `eye` is as recorded: 1 right, 2 left, 0 undefined."""

    eye: int
    images: tuple[RecordedIris, ...]


class IrisRecord(PartlyCompared, frozen=True):
    """An iris image record, with the quirks that were read past.

    `width` and `height` are those of the raw images, `iris_diameter` is in pixels;
    `image_properties` is the bit field as recorded; `declared_length` is None if it is right.
    """

    eyes: tuple[RecordedEye, ...]
    image_format: int
    width: int
    height: int
    iris_diameter: int = 0
    image_properties: int = 0
    intensity_depth: int = 8
    image_transformation: int = 0
    capture_device_id: int = 0
    device_unique_identifier: bytes = bytes(16)
    version: bytes = VERSION
    header_length: int = _HEADER.size
    declared_length: int | None = None
    trailing: Hidden[bytes] = b""
    tolerated: Uncompared[tuple[str, ...]] = ()

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read a whole iris record, of at least one image; raises `MalformedError`."""
        header = _HEADER.read(octets, 0)
        end, size = _HEADER.size, len(octets)
        tolerated = list(check_record_length(WHAT, header.record_length, size, 8))
        if header.header_length != _HEADER.size:
            tolerated.append(
                Reason(
                    "the {what} states a header of {header_length} octets",
                    what=WHAT,
                    header_length=header.header_length,
                )
            )
        eyes: list[RecordedEye] = []
        for _ in range(header.number_of_eyes):
            eye = _EYE.read(octets, end)
            end += _EYE.size
            if len(eyes) + eye.number_of_images > MAX_IMAGES:
                raise MalformedError(
                    WHAT, Reason("holds more than {max_images} images", max_images=MAX_IMAGES), end
                )
            images = []
            for _ in range(eye.number_of_images):
                image, end = _decode_image(octets, end)
                images.append(image)
            eyes.append(RecordedEye(eye.eye, tuple(images)))
        if not any(eye.images for eye in eyes):
            raise MalformedError(WHAT, "holds no image", 14)
        tolerated += check_trailing(WHAT, end, size)
        return cls(
            tuple(eyes),
            header.image_format,
            header.width,
            header.height,
            header.iris_diameter,
            header.image_properties,
            header.intensity_depth,
            header.image_transformation,
            header.capture_device_id,
            header.device_unique_identifier,
            header.version,
            header.header_length,
            None if header.record_length == size else header.record_length,
            octets[end:],
            tuple(tolerated),
        )

    def encode(self) -> bytes:
        """Write the record; raises `MisuseError` for a field that does not fit."""
        if not 1 <= sum(len(eye.images) for eye in self.eyes) <= MAX_IMAGES:
            raise MisuseError(f"an iris record holds 1 to {MAX_IMAGES} images")
        eyes = b"".join(map(_encode_eye, self.eyes))
        length = _HEADER.size + len(eyes) + len(self.trailing)
        header = _HEADER.write(
            {
                "version": self.version,
                "record_length": length if self.declared_length is None else self.declared_length,
                "capture_device_id": self.capture_device_id,
                "number_of_eyes": len(self.eyes),
                "header_length": self.header_length,
                "image_properties": self.image_properties,
                "iris_diameter": self.iris_diameter,
                "image_format": self.image_format,
                "width": self.width,
                "height": self.height,
                "intensity_depth": self.intensity_depth,
                "image_transformation": self.image_transformation,
                "device_unique_identifier": self.device_unique_identifier,
            }
        )
        return header + eyes + self.trailing

    @classmethod
    def of(cls, iris: IrisImage) -> Self:
        """Make the record of one image of one eye, as Doc 9303-10 requires.

        Raises `MisuseError` for an image of another format than JPEG or JPEG 2000.
        """
        formats = _FORMATS.get(iris.format)
        if formats is None:
            raise MisuseError(
                f"an iris record cannot hold a {iris.format.value} image",
                advice="use JPEG or JPEG 2000",
            )
        score = next((each.score for each in iris.quality if each.score is not None), None)
        image = RecordedIris(iris.data, quality=QUALITY_UNDEFINED if score is None else score)
        return cls(
            (RecordedEye(iris.eye, (image,)),),
            formats[0 if iris.header.channels == 1 else 1],
            iris.width,
            iris.height,
        )

    def irises(self) -> tuple[tuple[IrisImage, tuple[str, ...]], ...]:
        """Return each image, and how it contradicts the record; raises `MalformedError`."""
        return tuple(self._sample(eye, image) for eye in self.eyes for image in eye.images)

    def _sample(self, eye: RecordedEye, image: RecordedIris) -> tuple[IrisImage, tuple[str, ...]]:
        data = image.image
        if self.image_format in _RAW and self.intensity_depth == 8:
            magic, channels = _RAW[self.image_format]
            if len(data) != self.width * self.height * channels:
                raise MalformedError(
                    "iris image",
                    Reason(
                        "{octets} octets are not {width} x {height} pixels",
                        octets=len(data),
                        width=self.width,
                        height=self.height,
                    ),
                )
            data = magic + b"\n%d %d\n255\n" % (self.width, self.height) + data
        header = sniff(data, "iris image")
        found = []
        if header.format in _FORMATS and self.image_format not in _FORMATS[header.format]:
            found.append(
                Reason(
                    "the iris record states format {image_format}; its image is {format}",
                    image_format=self.image_format,
                    format=header.format.value,
                )
            )
        if {self.width, self.height} != {header.width, header.height}:  # often transposed
            found.append(
                Reason(
                    "the iris record states {width} x {height} pixels; the image is {size}",
                    width=self.width,
                    height=self.height,
                    size=header.size,
                )
            )
        known = Eye.of_code(eye.eye)
        scores = (QualityScore(image.quality),) if image.quality <= 100 else ()
        iris = IrisImage(data, header, scores, generation=Generation.ISO_19794, eye=known)
        return iris, tuple(found)


_JPEG2000_FORMATS: Final = (IrisImageFormat.MONO_JPEG2000, IrisImageFormat.RGB_JPEG2000)
_FORMATS: Final[dict[ImageFormat, tuple[int, int]]] = {
    ImageFormat.JPEG: (IrisImageFormat.MONO_JPEG, IrisImageFormat.RGB_JPEG),
    ImageFormat.JPEG2000: _JPEG2000_FORMATS,
    ImageFormat.JPEG2000_CODESTREAM: _JPEG2000_FORMATS,
}
_RAW: Final[dict[int, tuple[bytes, int]]] = {
    IrisImageFormat.MONO_RAW: (b"P5", 1),
    IrisImageFormat.RGB_RAW: (b"P6", 3),
}


def _decode_image(octets: bytes, position: int) -> tuple[RecordedIris, int]:
    read = _IMAGE.read(octets, position)
    image = image_octets(octets, position + _IMAGE.size, read.length, WHAT)
    iris = RecordedIris(
        image, read.image_number, read.quality, read.rotation_angle, read.rotation_uncertainty
    )
    return iris, position + _IMAGE.size + read.length


def _encode_eye(eye: RecordedEye) -> bytes:
    header = _EYE.write({"eye": eye.eye, "number_of_images": len(eye.images)})
    return header + b"".join(
        _IMAGE.write(
            {
                "image_number": image.image_number,
                "quality": image.quality,
                "rotation_angle": image.rotation_angle,
                "rotation_uncertainty": image.rotation_uncertainty,
                "length": len(image.image),
            }
        )
        + image.image
        for image in eye.images
    )
