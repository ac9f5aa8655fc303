"""Characters of OCR-B that are easily taken for one another, found by the check digits.

A check digit shows that a field was misread, and not where.  But most misreadings exchange two
characters of similar shape, and few of these exchanges correct the check digit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from emrtd.mrz.check_digits import FILLER, check_digit
from emrtd.mrz.layout import CheckRule, MrzLayout, Place

_PAIRS: Final = ("O0", "I1", "B8", "S5", "Z2", "G6", "D0", "Q0", "L1", "U0", "A4", "T7", "K<", "C<")
_ALIKE: Final[dict[str, str]] = {}
for _one, _other in _PAIRS:
    _ALIKE[_one] = _ALIKE.get(_one, "") + _other
    _ALIKE[_other] = _ALIKE.get(_other, "") + _one

_NUMERIC: Final = frozenset({"date_of_birth", "date_of_expiry"})
"""The elements without letters (Doc 9303-3, 4.8)."""


@dataclass(frozen=True, slots=True, repr=False)
class Confusion:
    """A character that was probably misread: its line and position (from 1), and the other one."""

    line: int
    position: int
    read: str
    likely: str


def confusions(layout: MrzLayout, text: str, rule: CheckRule) -> tuple[Confusion, ...]:
    """Return the single exchanges after which the check digit of `rule` is correct.

    `text` is the zone as far as it was read, at least to the end of what the rule covers.  In a
    date, every letter is misread: those alone are returned, if they have a digit of similar shape.
    """
    numeric = rule.name in _NUMERIC
    places = (*rule.over, rule.place)
    letters = tuple(
        found
        for place in places
        if numeric or place == rule.place
        for found in _letters(layout, text, place)
    )
    if letters:
        return letters
    return tuple(_exchanges(layout, text, rule, numeric=numeric))


def _letters(layout: MrzLayout, text: str, place: Place) -> Iterator[Confusion]:
    """Yield the letters in a place that has digits only."""
    line, first, _ = place
    for offset, character in enumerate(text[layout.span(place)]):
        if character.isalpha():
            digits = [each for each in _ALIKE.get(character, "") if each.isdigit()]
            if digits:
                yield Confusion(line, first + offset, character, digits[0])


def _exchanges(
    layout: MrzLayout, text: str, rule: CheckRule, *, numeric: bool
) -> Iterator[Confusion]:
    covered = [layout.span(place) for place in rule.over]
    printed = text[layout.span(rule.place)]
    for place, span in zip(rule.over, covered, strict=True):
        line, first, _ = place
        for at in range(span.start, span.stop):
            for likely in _ALIKE.get(text[at], ""):
                if numeric and not (likely.isdigit() or likely == FILLER):
                    continue
                changed = text[:at] + likely + text[at + 1 :]
                if check_digit("".join(changed[each] for each in covered)) == printed:
                    yield Confusion(line, first + at - span.start, text[at], likely)
