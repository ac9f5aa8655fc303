"""DG7: the signature or usual mark as it is displayed on the document (Doc 9303-10, 4.7.7)."""

from typing import ClassVar

from emrtd.lds.data_groups.displayed_images import DisplayedImages


class DataGroup7(DisplayedImages, frozen=True):
    """DG7: displayed signatures or usual marks."""

    WHAT: ClassVar[str] = "DG7"
    TAG: ClassVar[int] = 0x67
    IMAGE_TAG: ClassVar[int] = 0x5F43
