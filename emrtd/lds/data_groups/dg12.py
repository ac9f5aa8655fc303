"""DG12: additional document details (Doc 9303-10, 4.7.12)."""

from typing import ClassVar

from emrtd.lds.data_groups.details import Details, Element, ElementCoding


class DataGroup12(Details, frozen=True):
    """DG12: additional details of the document; None means that the element is absent.

    `date_of_issue` is YYYYMMDD, `personalised_at` YYYYMMDDhhmmss.  The images are JPEG or
    JPEG 2000.
    """

    issuing_authority: str | None = None
    date_of_issue: str | None = None
    other_persons: tuple[str, ...] = ()
    endorsements: str | None = None
    tax_or_exit_requirements: str | None = None
    image_of_front: bytes | None = None
    image_of_rear: bytes | None = None
    personalised_at: str | None = None
    personalisation_system: str | None = None

    WHAT: ClassVar[str] = "DG12"
    TAG: ClassVar[int] = 0x6C
    ELEMENTS: ClassVar[tuple[Element, ...]] = (
        Element(0x5F19, "issuing_authority"),
        Element(0x5F26, "date_of_issue", ElementCoding.DIGITS, 8),
        Element(0x5F1A, "other_persons", ElementCoding.SEVERAL_TEXTS),
        Element(0x5F1B, "endorsements"),
        Element(0x5F1C, "tax_or_exit_requirements"),
        Element(0x5F1D, "image_of_front", ElementCoding.OCTETS),
        Element(0x5F1E, "image_of_rear", ElementCoding.OCTETS),
        Element(0x5F55, "personalised_at", ElementCoding.DIGITS, 14),
        Element(0x5F56, "personalisation_system"),
    )
