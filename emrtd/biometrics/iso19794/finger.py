"""Finger image records (ISO/IEC 19794-4:2005): a general header, then finger views.

Doc 9303-10, 4.7.3.2.3 requires one finger in a record; records of several fingers, and of several
views of one finger, are read and written too.
"""

from enum import IntEnum, unique
from typing import Final, Self

from emrtd.biometrics.images.headers import ImageFormat, sniff
from emrtd.biometrics.iso19794.fixed_layout import FixedLayout, Octets, image_octets
from emrtd.biometrics.iso19794.lengths import MAX_IMAGES, check_record_length, check_trailing
from emrtd.biometrics.samples import FingerImage, FingerPosition, Generation, QualityScore
from support.errors import MalformedError, MisuseError
from support.reasons import Reason
from support.values import Hidden, PartlyCompared, Uncompared, Value

FORMAT_IDENTIFIER: Final = b"FIR\0"
VERSION: Final = b"010\0"
WHAT: Final = "finger record (ISO/IEC 19794-4)"


@unique
class ScaleUnits(IntEnum):
    """The unit of the resolutions of a record."""

    PIXELS_PER_INCH = 1
    PIXELS_PER_CM = 2


@unique
class Compression(IntEnum):
    """The image compression algorithm."""

    UNCOMPRESSED = 0
    UNCOMPRESSED_PACKED = 1
    WSQ = 2
    JPEG = 3
    JPEG2000 = 4
    PNG = 5


@unique
class ImpressionType(IntEnum):
    """How the finger touched the sensor."""

    LIVE_SCAN_PLAIN = 0
    LIVE_SCAN_ROLLED = 1
    NON_LIVE_SCAN_PLAIN = 2
    NON_LIVE_SCAN_ROLLED = 3
    LATENT = 7
    SWIPE = 8
    LIVE_SCAN_CONTACTLESS = 9


QUALITY_UNDEFINED: Final = 0xFE


_HEADER: Final = FixedLayout(
    WHAT,
    {
        "format_identifier": FORMAT_IDENTIFIER,
        "version": Octets(4),
        "record_length": 6,  # six octets, unlike the other modalities
        "capture_device_id": 2,
        "acquisition_level": 2,
        "number_of_fingers": 1,
        "scale_units": 1,
        "scan_resolution_horizontal": 2,
        "scan_resolution_vertical": 2,
        "image_resolution_horizontal": 2,
        "image_resolution_vertical": 2,
        "pixel_depth": 1,
        "compression": 1,
        "reserved": 2,
    },
)
_VIEW: Final = FixedLayout(
    "finger view (ISO/IEC 19794-4)",
    {
        "length": 4,
        "position": 1,
        "count_of_views": 1,
        "view_number": 1,
        "quality": 1,
        "impression": 1,
        "width": 2,
        "height": 2,
        "reserved": 1,
    },
)


class FingerView(Value, frozen=True):
    """One view of one finger: its header, and the image, compressed as the record states.

    Codes are as recorded, even if the standard does not define them.  `quality` is 0 to 100
    (Germany stores NFIQ 2 scores), FE if it is undefined.
    """

    image: Hidden[bytes]
    position: int
    width: int
    height: int
    count_of_views: int = 1
    view_number: int = 1
    quality: int = QUALITY_UNDEFINED
    impression: int = ImpressionType.LIVE_SCAN_PLAIN
    reserved: int = 0


class FingerRecord(PartlyCompared, frozen=True):
    """A finger image record, with the quirks that were read past.

    `number_of_fingers` and `declared_length` are None if the recorded values are right;
    `trailing` holds the octets after the last view.  Resolutions are in `scale_units`, horizontal
    then vertical; `acquisition_level` 31 means 500 pixels per inch, 41 means 1000.
    """

    views: tuple[FingerView, ...]
    compression: int = Compression.WSQ
    capture_device_id: int = 0
    acquisition_level: int = 31
    scale_units: int = ScaleUnits.PIXELS_PER_INCH
    scan_resolution: tuple[int, int] = (500, 500)
    image_resolution: tuple[int, int] = (500, 500)
    pixel_depth: int = 8
    version: bytes = VERSION
    reserved: int = 0
    number_of_fingers: int | None = None
    declared_length: int | None = None
    trailing: Hidden[bytes] = b""
    tolerated: Uncompared[tuple[str, ...]] = ()

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read a whole finger record, of at least one view; raises `MalformedError`."""
        header = _HEADER.read(octets, 0)
        position, size = _HEADER.size, len(octets)
        tolerated = list(check_record_length(WHAT, header.record_length, size, 8))
        views: list[FingerView] = []
        while position + _VIEW.size <= size:
            if len(views) == MAX_IMAGES:
                raise MalformedError(
                    WHAT,
                    Reason("holds more than {max_images} views", max_images=MAX_IMAGES),
                    position,
                )
            view, position = _decode_view(octets, position)
            views.append(view)
        if not views:
            raise MalformedError(WHAT, "holds no finger", position)
        tolerated += check_trailing(WHAT, position, size)
        number = _count_fingers(views)
        if header.number_of_fingers != number:
            tolerated.append(
                Reason(
                    "the {what} states {number_of_fingers} fingers, not {number}",
                    what=WHAT,
                    number_of_fingers=header.number_of_fingers,
                    number=number,
                )
            )
        return cls(
            tuple(views),
            header.compression,
            header.capture_device_id,
            header.acquisition_level,
            header.scale_units,
            (header.scan_resolution_horizontal, header.scan_resolution_vertical),
            (header.image_resolution_horizontal, header.image_resolution_vertical),
            header.pixel_depth,
            header.version,
            header.reserved,
            None if header.number_of_fingers == number else header.number_of_fingers,
            None if header.record_length == size else header.record_length,
            octets[position:],
            tuple(tolerated),
        )

    def encode(self) -> bytes:
        """Write the record; raises `MisuseError` for a field that does not fit."""
        if not 1 <= len(self.views) <= MAX_IMAGES:
            raise MisuseError(f"a finger record holds 1 to {MAX_IMAGES} views")
        views = b"".join(map(_encode_view, self.views))
        length = _HEADER.size + len(views) + len(self.trailing)
        number = self.number_of_fingers
        header = _HEADER.write(
            {
                "version": self.version,
                "record_length": length if self.declared_length is None else self.declared_length,
                "capture_device_id": self.capture_device_id,
                "acquisition_level": self.acquisition_level,
                "number_of_fingers": _count_fingers(self.views) if number is None else number,
                "scale_units": self.scale_units,
                "scan_resolution_horizontal": self.scan_resolution[0],
                "scan_resolution_vertical": self.scan_resolution[1],
                "image_resolution_horizontal": self.image_resolution[0],
                "image_resolution_vertical": self.image_resolution[1],
                "pixel_depth": self.pixel_depth,
                "compression": self.compression,
                "reserved": self.reserved,
            }
        )
        return header + views + self.trailing

    @classmethod
    def of(cls, finger: FingerImage) -> Self:
        """Make the record of one finger, as Doc 9303-10 requires; raises `MisuseError`."""
        compression = _COMPRESSIONS.get(finger.format)
        if compression is None:
            raise MisuseError(
                f"a finger record cannot hold a {finger.format.value} image", advice="use WSQ"
            )
        score = next((each.score for each in finger.quality if each.score is not None), None)
        resolution = (finger.resolution, finger.resolution)
        return cls(
            (
                FingerView(
                    finger.data,
                    finger.position,
                    finger.width,
                    finger.height,
                    quality=QUALITY_UNDEFINED if score is None else score,
                ),
            ),
            compression,
            acquisition_level=41 if finger.resolution >= 1000 else 31,
            scan_resolution=resolution,
            image_resolution=resolution,
        )

    def fingers(self) -> tuple[tuple[FingerImage, tuple[str, ...]], ...]:
        """Return each view, and how its image contradicts the record.

        Raises `MalformedError` for a broken image; uncompressed pixels become a PGM.
        """
        return tuple(self._sample(view) for view in self.views)

    def _sample(self, view: FingerView) -> tuple[FingerImage, tuple[str, ...]]:
        data = view.image
        if self.compression == Compression.UNCOMPRESSED:
            if len(data) != view.width * view.height or self.pixel_depth != 8:
                raise MalformedError(
                    "finger image",
                    Reason(
                        "{octets} octets are not {width} x {height} grey pixels",
                        octets=len(data),
                        width=view.width,
                        height=view.height,
                    ),
                )
            data = b"P5\n%d %d\n255\n" % (view.width, view.height) + data
        header = sniff(data, "finger image")
        found = []
        declared = _FORMAT_NAMES.get(
            self.compression, Reason("of type {compression}", compression=self.compression)
        )
        actual = "JPEG 2000" if header.format.is_jpeg2000 else header.format.value
        if declared != actual:
            found.append(
                Reason(
                    "the finger record states that its image is {declared}; it is {actual}",
                    declared=declared,
                    actual=actual,
                )
            )
        if (view.width, view.height) != (header.width, header.height):
            found.append(
                Reason(
                    "the finger record states {width} x {height} pixels; the image is {size}",
                    width=view.width,
                    height=view.height,
                    size=header.size,
                )
            )
        in_inches = self.scale_units == ScaleUnits.PIXELS_PER_INCH
        resolution = self.image_resolution[0]
        finger = FingerImage(
            data,
            header,
            (QualityScore(view.quality),) if view.quality <= 100 else (),
            generation=Generation.ISO_19794,
            position=FingerPosition.of_code(view.position),
            resolution=resolution if in_inches else round(resolution * 2.54),
        )
        return finger, tuple(found)


_COMPRESSIONS: Final = {
    ImageFormat.WSQ: Compression.WSQ,
    ImageFormat.JPEG: Compression.JPEG,
    ImageFormat.JPEG2000: Compression.JPEG2000,
    ImageFormat.JPEG2000_CODESTREAM: Compression.JPEG2000,
    ImageFormat.PNG: Compression.PNG,
}
_FORMAT_NAMES: Final[dict[int, str]] = {
    Compression.UNCOMPRESSED: "PGM",
    Compression.WSQ: "WSQ",
    Compression.JPEG: "JPEG",
    Compression.JPEG2000: "JPEG 2000",
    Compression.PNG: "PNG",
}


def _count_fingers(views: "list[FingerView] | tuple[FingerView, ...]") -> int:
    """Return how many fingers these views show; each finger has `count_of_views` views."""
    return sum(view.view_number <= 1 or view.count_of_views <= 1 for view in views) or 1


def _decode_view(octets: bytes, position: int) -> tuple[FingerView, int]:
    read = _VIEW.read(octets, position)
    if read.length < _VIEW.size:
        reason = Reason("a view of {length} octets cannot hold its own header", length=read.length)
        raise MalformedError(WHAT, reason, position)
    image = image_octets(octets, position + _VIEW.size, read.length - _VIEW.size, WHAT)
    view = FingerView(
        image,
        read.position,
        read.width,
        read.height,
        read.count_of_views,
        read.view_number,
        read.quality,
        read.impression,
        read.reserved,
    )
    return view, position + read.length


def _encode_view(view: FingerView) -> bytes:
    header = _VIEW.write(
        {
            "length": _VIEW.size + len(view.image),
            "position": view.position,
            "count_of_views": view.count_of_views,
            "view_number": view.view_number,
            "quality": view.quality,
            "impression": view.impression,
            "width": view.width,
            "height": view.height,
            "reserved": view.reserved,
        }
    )
    return header + view.image
