"""DG7: the signature or usual mark as it is displayed on the document (Doc 9303-10, 4.7.7)."""

from dataclasses import dataclass
from typing import ClassVar

from emrtd.lds.data_groups.displayed_images import DisplayedImages


@dataclass(frozen=True, repr=False)
class DataGroup7(DisplayedImages):
    """DG7: displayed signatures or usual marks."""

    WHAT: ClassVar[str] = "DG7"
    TAG: ClassVar[int] = 0x67
    IMAGE_TAG: ClassVar[int] = 0x5F43
