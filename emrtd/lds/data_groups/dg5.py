"""DG5: the portrait as it is displayed on the document (Doc 9303-10, 4.7.5)."""

from typing import ClassVar

from emrtd.lds.data_groups.displayed_images import DisplayedImages


class DataGroup5(DisplayedImages, frozen=True):
    """DG5: displayed portraits."""

    WHAT: ClassVar[str] = "DG5"
    TAG: ClassVar[int] = 0x65
    IMAGE_TAG: ClassVar[int] = 0x5F40
