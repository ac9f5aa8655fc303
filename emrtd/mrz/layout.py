"""The position of each data element in the machine readable zone, for every size of document.

Doc 9303-4 (TD3), -5 (TD1), -6 (TD2) and -7 (visas, MRV-A and MRV-B), each 4.2.2 and 4.2.4.
"""

from enum import StrEnum, unique
from typing import Final

import msgspec


@unique
class MrzFormat(StrEnum):
    """The five formats of the zone."""

    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"
    MRV_A = "MRV-A"
    MRV_B = "MRV-B"


Place = tuple[int, int, int]
"""Line, first position, last position (inclusive); all count from 1, as in Doc 9303."""


class CheckRule(msgspec.Struct, frozen=True):
    """One check digit: its element, its place, and the places it is computed over."""

    name: str
    place: Place
    over: tuple[Place, ...]


class MrzLayout(msgspec.Struct, frozen=True):
    """The lines, the places of the elements and the check digits of one format.

    `long_numbers` is true if a document number of more than 9 characters continues in
    `optional_data` (Doc 9303-5, 4.2.2.2, note j; Doc 9303-6 likewise).
    """

    format: MrzFormat
    lines: int
    width: int
    places: dict[str, Place]
    checks: tuple[CheckRule, ...]
    long_numbers: bool = False

    @property
    def size(self) -> int:
        """Characters of the whole zone: 90, 72 or 88."""
        return self.lines * self.width

    def span(self, place: Place) -> slice:
        """Return the slice of a place in the concatenated lines."""
        line, first, last = place
        start = (line - 1) * self.width
        return slice(start + first - 1, start + last)

    def room(self, name: str) -> int:
        """Return how many characters an element has; 0 if the format does not have it."""
        _, first, last = self.places.get(name, (1, 1, 0))
        return last - first + 1


def _two_lines(
    format_: MrzFormat,
    width: int,
    optional: int,
    *checks: CheckRule,
    long_numbers: bool = False,
) -> MrzLayout:
    """Make a layout of two lines; these differ only in width and after position 28."""
    places = {
        "document_code": (1, 1, 2),
        "issuing_state": (1, 3, 5),
        "names": (1, 6, width),
        "document_number": (2, 1, 9),
        "nationality": (2, 11, 13),
        "date_of_birth": (2, 14, 19),
        "sex": (2, 21, 21),
        "date_of_expiry": (2, 22, 27),
        "optional_data": (2, 29, optional),
    }
    common = (
        CheckRule("document_number", (2, 10, 10), ((2, 1, 9),)),
        CheckRule("date_of_birth", (2, 20, 20), ((2, 14, 19),)),
        CheckRule("date_of_expiry", (2, 28, 28), ((2, 22, 27),)),
    )
    return MrzLayout(format_, 2, width, places, common + checks, long_numbers)


LAYOUTS: Final = {
    MrzFormat.TD1: MrzLayout(
        MrzFormat.TD1,
        3,
        30,
        {
            "document_code": (1, 1, 2),
            "issuing_state": (1, 3, 5),
            "document_number": (1, 6, 14),
            "optional_data": (1, 16, 30),
            "date_of_birth": (2, 1, 6),
            "sex": (2, 8, 8),
            "date_of_expiry": (2, 9, 14),
            "nationality": (2, 16, 18),
            "optional_data_2": (2, 19, 29),
            "names": (3, 1, 30),
        },
        (
            CheckRule("document_number", (1, 15, 15), ((1, 6, 14),)),
            CheckRule("date_of_birth", (2, 7, 7), ((2, 1, 6),)),
            CheckRule("date_of_expiry", (2, 15, 15), ((2, 9, 14),)),
            CheckRule("composite", (2, 30, 30), ((1, 6, 30), (2, 1, 7), (2, 9, 15), (2, 19, 29))),
        ),
        long_numbers=True,
    ),
    MrzFormat.TD2: _two_lines(
        MrzFormat.TD2,
        36,
        35,
        CheckRule("composite", (2, 36, 36), ((2, 1, 10), (2, 14, 20), (2, 22, 35))),
        long_numbers=True,
    ),
    MrzFormat.TD3: _two_lines(
        MrzFormat.TD3,
        44,
        42,
        CheckRule("optional_data", (2, 43, 43), ((2, 29, 42),)),
        CheckRule("composite", (2, 44, 44), ((2, 1, 10), (2, 14, 20), (2, 22, 43))),
    ),
    MrzFormat.MRV_A: _two_lines(MrzFormat.MRV_A, 44, 44),
    MrzFormat.MRV_B: _two_lines(MrzFormat.MRV_B, 36, 36),
}


def layout_of(text: str) -> MrzLayout | None:
    """Return the layout of a zone by its size; a V at the start marks a visa.  None if unknown."""
    visa = text.startswith("V")
    for layout in LAYOUTS.values():
        if layout.size == len(text) and visa == layout.format.startswith("MRV"):
            return layout
    return None
