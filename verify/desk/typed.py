"""What the officer has typed or scanned so far: which fields are right, and what is missing.

The check digits are those of `emrtd.mrz`; nothing is decided in the page.
"""

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from emrtd.access.passwords import Password
from emrtd.mrz import Mrz, MrzFormat
from emrtd.mrz.check_digits import ALPHABET, FILLER, check_digit
from emrtd.mrz.confusions import Confusion, confusions
from emrtd.mrz.layout import LAYOUTS, CheckRule, MrzLayout
from support.errors import MisuseError
from verify.desk.state import Given
from verify.inspection.opening import Credentials
from verify.judging.optical import information_of, read_optical_mrz

MOST_CHARACTERS: Final = 400
"""More than any MRZ with line breaks has."""

_CAN: Final = re.compile(r"[0-9]{6,16}")
_SHORTER_CAN: Final = re.compile(r"[0-9]{1,5}")
_FIELDS: Final = re.compile(r"[A-Z0-9<]{1,22},[0-9<]{6},[0-9]{6}")
_ZONE: Final = frozenset(ALPHABET + FILLER)


@unique
class Kind(StrEnum):
    """What the text is, as far as it can be told."""

    EMPTY = "empty"
    CAN = "can"
    FIELDS = "fields"
    ZONE = "zone"
    UNKNOWN = "unknown"


@unique
class FieldState(StrEnum):
    """The state of a field that has a check digit."""

    RIGHT = "right"
    WRONG = "wrong"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Field:
    """A field, and the characters of it that were probably misread if its digit is wrong."""

    name: str
    state: FieldState
    confusions: tuple[Confusion, ...] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """The text so far.

    `complete`: it can be used as it is.  `fields` is empty unless the text is an MRZ.  `missing` is
    how many characters the MRZ still lacks, negative if it has too many.  `strange` is the position
    (from 1, without white space) of a character that no MRZ has, 0 if there is none.
    """

    kind: Kind
    complete: bool = False
    fields: tuple[Field, ...] = ()
    missing: int = 0
    strange: int = 0

    @property
    def right(self) -> bool:
        """Whether it is complete, and no check digit is wrong."""
        return self.complete and all(each.state is FieldState.RIGHT for each in self.fields)


def look(text: str) -> Typed:
    """Look at a text of at most `MOST_CHARACTERS` characters."""
    lines = [_compact(line) for line in text.splitlines()]
    compact = "".join(lines)
    if not compact:
        return Typed(Kind.EMPTY)
    if _CAN.fullmatch(compact) or _SHORTER_CAN.fullmatch(compact):
        return Typed(Kind.CAN, complete=_CAN.fullmatch(compact) is not None)
    if "," in compact:
        return Typed(Kind.FIELDS, complete=_FIELDS.fullmatch(compact) is not None)
    strange = next((at for at, each in enumerate(compact, 1) if each not in _ZONE), 0)
    if strange:
        return Typed(Kind.UNKNOWN, strange=strange)
    layout = _layout(lines, compact)
    missing = layout.size - len(compact)
    fields = tuple(_field(layout, compact, rule) for rule in layout.checks)
    return Typed(Kind.ZONE, complete=missing == 0, fields=fields, missing=missing)


def read(text: str) -> Given:
    """Return the passwords in a complete text; raises `MisuseError`, which never repeats it."""
    compact = "".join(text.split())
    if len(compact) > MOST_CHARACTERS:
        raise MisuseError("the text is longer than any MRZ", advice="read the MRZ alone")
    if _CAN.fullmatch(compact):
        return Given(Credentials(can=Password.can(compact)))
    optical = read_optical_mrz(compact)
    password = Password.from_mrz_information(information_of(optical))
    return Given(Credentials(mrz=password), optical)


def _compact(line: str) -> str:
    joined = "".join(line.split())
    return joined.upper() if joined.isascii() else joined


def _layout(lines: list[str], compact: str) -> MrzLayout:
    """Return the format: by the length of the first line, by a whole zone, or by the first letter.

    A zone without line breaks that is still being typed has the length of another format for a
    moment; it is only taken for that if all check digits say so.
    """
    visa = compact.startswith("V")
    layouts = [layout for layout in LAYOUTS.values() if _is_visa(layout) is visa]
    first = next(line for line in lines if line)
    for layout in layouts:
        if len(first) == layout.width and len(first) < len(compact):
            return layout
        if len(compact) == layout.size and all(
            _is_right(layout, compact, r) for r in layout.checks
        ):
            return layout
    if visa:
        return LAYOUTS[MrzFormat.MRV_A]
    return LAYOUTS[MrzFormat.TD3 if compact.startswith("P") else MrzFormat.TD1]


def _is_visa(layout: MrzLayout) -> bool:
    return layout.format in {MrzFormat.MRV_A, MrzFormat.MRV_B}


def _field(layout: MrzLayout, text: str, rule: CheckRule) -> Field:
    ends = max(layout.span(place).stop for place in (*rule.over, rule.place))
    if len(text) < ends:
        return Field(rule.name, FieldState.INCOMPLETE)
    if _is_right(layout, text, rule):
        return Field(rule.name, FieldState.RIGHT)
    likely = () if rule.name == "composite" else confusions(layout, text, rule)
    return Field(rule.name, FieldState.WRONG, likely)


def _is_right(layout: MrzLayout, text: str, rule: CheckRule) -> bool:
    """Whether a check digit is correct; a long document number needs the whole zone."""
    if len(text) == layout.size:
        zone = Mrz(layout, text)
        return next(each for each in zone.check_digits() if each.name == rule.name).correct
    printed = text[layout.span(rule.place)]
    covered = "".join(text[layout.span(place)] for place in rule.over)
    if printed == FILLER and (layout.long_numbers or not covered.strip(FILLER)):
        return True
    return check_digit(covered) == printed
