"""DG11: additional personal details (Doc 9303-10, 4.7.11)."""

from typing import ClassVar

from emrtd.lds.data_groups.details import Details, Element, ElementCoding


class DataGroup11(Details, frozen=True):
    """DG11: additional details of the holder; None means that the element is absent.

    Names are coded with fillers as in the MRZ, but untruncated and in their own script; places
    and addresses have `<` between their parts.  `emrtd.lds.values.coded_name` makes the names.
    `date_of_birth` is YYYYMMDD, with zeros for unknown parts.  `proof_of_citizenship` is an image.
    """

    name_in_full: str | None = None
    other_names: tuple[str, ...] = ()
    personal_number: str | None = None
    date_of_birth: str | None = None
    place_of_birth: str | None = None
    permanent_address: str | None = None
    telephone: str | None = None
    profession: str | None = None
    title: str | None = None
    personal_summary: str | None = None
    proof_of_citizenship: bytes | None = None
    other_document_numbers: str | None = None
    custody_information: str | None = None

    WHAT: ClassVar[str] = "DG11"
    TAG: ClassVar[int] = 0x6B
    ELEMENTS: ClassVar[tuple[Element, ...]] = (
        Element(0x5F0E, "name_in_full"),
        Element(0x5F0F, "other_names", ElementCoding.SEVERAL_TEXTS),
        Element(0x5F10, "personal_number"),
        Element(0x5F2B, "date_of_birth", ElementCoding.DIGITS, 8),
        Element(0x5F11, "place_of_birth"),
        Element(0x5F42, "permanent_address"),
        Element(0x5F12, "telephone"),
        Element(0x5F13, "profession"),
        Element(0x5F14, "title"),
        Element(0x5F15, "personal_summary"),
        Element(0x5F16, "proof_of_citizenship", ElementCoding.OCTETS),
        Element(0x5F17, "other_document_numbers"),
        Element(0x5F18, "custody_information", limit=999),
    )
