"""Decoding and encoding a face record, compared with one copy of its image."""

from collections.abc import Callable
from functools import partial

from bench.timing import Ratio, ratio
from emrtd.biometrics.iso19794.face import FaceRecord, FacialImage, ImageDataType, RecordedPoint

ALLOWED = 20.0
SIZES = (15_000, 20_000)
HEAD = bytes.fromhex("0000000C6A5020200D0A870A")
POINTS = (RecordedPoint(1, 0xC1, 266, 239), RecordedPoint(1, 0xC2, 147, 239))


def measure() -> list[Ratio]:
    found: list[Ratio] = []
    for size in SIZES:
        image = HEAD.ljust(size, b"\x55")
        face = FacialImage(image, image_data_type=ImageDataType.JPEG2000, width=413, height=531)
        with_points = face._replace(feature_points=POINTS)
        copy = partial(bytes, memoryview(image))  # one allocation, one memcpy
        for name, each in (("", face), (", two feature points", with_points)):
            work = round_trip(FaceRecord((each,)).encode())
            label = f"decode and encode / memcpy, {size:,} octets{name}"
            found.append(Ratio(label, ratio(work, copy), ALLOWED))
    return found


def round_trip(octets: bytes) -> Callable[[], object]:
    decode = FaceRecord.decode

    def work() -> bytes:
        return decode(octets).encode()

    assert work() == octets
    return work
