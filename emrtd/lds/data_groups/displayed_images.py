"""What DG5 and DG7 share: images to be displayed (Doc 9303-10, 4.7.5 and 4.7.7)."""

from typing import ClassVar, Self

from emrtd import tlv
from emrtd.lds.content import FileContent
from emrtd.lds.values import INSTANCES, Other, check_count, others
from support.errors import MalformedError, MisuseError
from support.reasons import Reason

MAX_IMAGES = 9


class DisplayedImages(FileContent, frozen=True):
    """One to nine images, each a whole JPEG (JFIF) or JPEG 2000 file."""

    images: tuple[bytes, ...]
    other: Other = ()

    WHAT: ClassVar[str]
    TAG: ClassVar[int]
    IMAGE_TAG: ClassVar[int]

    @classmethod
    def _decode(cls, octets: bytes) -> Self:
        tolerated: list[str] = []
        objects = tlv.read_expected(octets, cls.TAG, cls.WHAT).children()
        images = tuple(each.value for each in objects.all(cls.IMAGE_TAG))
        check_count(objects, len(images), cls.WHAT, tolerated)
        if not images or len(images) > MAX_IMAGES:
            raise MalformedError(
                cls.WHAT,
                Reason(
                    "has {count} images instead of 1 to {max_images}",
                    count=len(images),
                    max_images=MAX_IMAGES,
                ),
            )
        other = others(objects, INSTANCES, cls.IMAGE_TAG)
        return cls(images, other, tolerated=tuple(tolerated))

    def _encode(self) -> bytes:
        count = len(self.images)
        if not 1 <= count <= MAX_IMAGES or not all(self.images):
            raise MisuseError(f"{self.WHAT}: holds 1 to {MAX_IMAGES} images, none of them empty")
        return tlv.encode(
            self.TAG,
            tlv.encode(INSTANCES, bytes((count,))),
            *(tlv.encode(self.IMAGE_TAG, image) for image in self.images),
            *(tlv.encode(tag, value) for tag, value in self.other),
        )
