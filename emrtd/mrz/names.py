"""The name field: components, fillers, and how a name that is too long is shortened.

Doc 9303-4, -5 and -6, each 4.2.3.  The standard shows several ways to shorten a name and leaves
the choice to the State.  Each of them is described by how many letters each component keeps.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from emrtd.mrz.check_digits import FILLER
from emrtd.mrz.transliteration import RECOMMENDED, Transliteration, transliterate
from support.errors import ElementError


class NameLengths(msgspec.Struct, frozen=True):
    """How many letters the components of a name may keep if the name does not fit.

    One number for each component, the last number for all that follow: `primary=(6,)` shortens each
    component of the primary identifier to 6 letters (4.2.3.3 c), `primary=(9, 7, 7, 6)` shortens
    them differently (b).  0 leaves a component of the secondary identifier out.  An empty tuple
    sets no limit.  A name that is still too long loses letters from its end backwards, component by
    component down to initials: first the secondary identifier, then the primary (a).
    """

    primary: tuple[int, ...] = ()
    secondary: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if any(length < 1 for length in self.primary) or any(n < 0 for n in self.secondary):
            reason = "are too short: each component of the primary identifier keeps a letter"
            raise ElementError("name_lengths", reason, of="MRZ")
        if self.secondary[:1] == (0,):
            reason = "are too short: the first component of the secondary identifier keeps a letter"
            raise ElementError("name_lengths", reason, of="MRZ")


RECOMMENDED_LENGTHS: Final = NameLengths()
"""Shorten components to initials from the end backwards until the name fits."""


def name_field(
    surname: str,
    given_names: str,
    room: int,
    transliteration: Transliteration = RECOMMENDED,
    lengths: NameLengths = RECOMMENDED_LENGTHS,
) -> str:
    """Return the name field, `room` characters long, padded with fillers.

    A single name belongs in `surname`.  If only `given_names` is not empty, it becomes the primary
    identifier.  Raises `ElementError` if both names are empty.
    """
    primary = transliterate(surname, transliteration)
    secondary = transliterate(given_names, transliteration)
    if not primary:
        primary, secondary = secondary, ()
    if not primary:
        advice = "give the single name of a holder as the surname"
        raise ElementError("names", "are empty", of="MRZ", advice=advice)
    joined = _join(primary, secondary)
    if len(joined) > room:
        joined = _shortened(primary, secondary, room, lengths)
    return joined.ljust(room, FILLER)


def _join(primary: Sequence[str], secondary: Sequence[str]) -> str:
    given = FILLER.join(filter(None, secondary))
    return FILLER.join(filter(None, primary)) + (FILLER * 2 + given if given else "")


def _shortened(
    primary: Sequence[str], secondary: Sequence[str], room: int, lengths: NameLengths
) -> str:
    full = [*primary, *secondary]
    parts = [
        part[:limit]
        for identifier, limits in ((primary, lengths.primary), (secondary, lengths.secondary))
        for part, limit in zip(identifier, _each(limits, len(identifier)), strict=True)
    ]

    def joined() -> str:
        return _join(parts[: len(primary)], parts[len(primary) :])

    def backwards() -> list[int]:
        given = range(len(parts) - 1, len(primary) - 1, -1)
        return [*given, *range(len(primary) - 1, -1, -1)]

    for index in backwards():  # down to initials, only as far as needed
        surplus = len(joined()) - room
        if surplus > 0 and parts[index]:
            parts[index] = parts[index][: max(1, len(parts[index]) - surplus)]
    for index in backwards():  # leave components out if even their initials do not fit
        if len(joined()) > room and index not in {0, len(primary)}:
            parts[index] = ""
    for index in backwards():  # the last position must be a letter: restore surplus letters
        spare = room - len(joined())
        if spare > 0 and parts[index]:
            parts[index] = full[index][: len(parts[index]) + spare]
    return joined()


def _each(limits: Sequence[int], count: int) -> list[int | None]:
    """Return one limit for each component, the last for all that follow; None is no limit."""
    if not limits:
        return [None] * count
    return [limits[min(index, len(limits) - 1)] for index in range(count)]
