"""Check digits of the machine readable zone (Doc 9303-3, 4.9)."""

from typing import Final

import msgspec

FILLER: Final = "<"
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The characters of the zone besides the filler; the index of each is its value."""

_WEIGHTS: Final = (7, 3, 1)
_VALUES: Final = {FILLER: 0} | {character: value for value, character in enumerate(ALPHABET)}


class CheckDigit(msgspec.Struct, frozen=True):
    """A check digit as it is printed and as it should be.

    `name` is the element that it protects, or "composite".  `printed` is one character.
    """

    name: str
    printed: str
    computed: str
    may_be_filler: bool = False

    @property
    def correct(self) -> bool:
        """Whether the digit is correct; for unused optional data, a filler is correct too."""
        return self.printed == self.computed or (self.may_be_filler and self.printed == FILLER)


def check_digit(characters: str) -> str:
    """Compute the check digit over characters A to Z, 0 to 9 and `<`, whose value is 0."""
    values = [_VALUES[character] for character in characters]
    total = sum(weight * sum(values[at::3]) for at, weight in enumerate(_WEIGHTS))
    return str(total % 10)
