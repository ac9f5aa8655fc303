"""Transliteration of names in other scripts to the letters of the machine readable zone.

Doc 9303-3, 4.6 (punctuation) and section 6 (letters).
"""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from emrtd.mrz.transliteration_tables import (
    ARABIC,
    ARABIC_LAST,
    CYRILLIC,
    CYRILLIC_EXCEPTIONS,
    CYRILLIC_FIRST,
    LATIN,
    LATIN_ALTERNATIVES,
    SHADDA,
    Language,
)
from support.errors import ElementError, MisuseError

MAX_NAME: Final = 1_000
"""The most characters of a name before it is transliterated."""

_CAPITALS: Final = {chr(code): chr(code) for code in range(ord("A"), ord("Z") + 1)}
_TABLE: Final = _CAPITALS | LATIN | CYRILLIC | ARABIC
_SEPARATORS: Final = frozenset(",،、")
"""Commas that separate components; hyphens of any kind and white space do so too."""


class Transliteration(msgspec.Struct, frozen=True):
    """The choices that section 6 leaves to the issuing State.

    `language` selects the exceptions of table B.  `choices` maps a Latin letter to a permitted
    value other than the first: {"Ñ": "NXX", "Ü": "UXX", "Ä": "A"}.
    """

    language: Language | None = None
    choices: Mapping[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        for letter, choice in self.choices.items():
            permitted = (LATIN.get(letter, ""), *LATIN_ALTERNATIVES.get(letter, ()))
            if choice not in permitted:
                allowed = f"become {' or '.join(permitted)}" if permitted[0] else "have no choice"
                reason = f"makes {choice} of {letter}, which may {allowed}"
                raise ElementError("transliteration", reason, of="MRZ")


RECOMMENDED: Final = Transliteration()
"""The first value of each table, without the exceptions of a language."""


def transliterate(name: str, options: Transliteration = RECOMMENDED) -> tuple[str, ...]:
    """Return the components of a name in letters A to Z; none for an empty name.

    Hyphens, commas and white space separate components; apostrophes and all other punctuation are
    left out.  Raises `MisuseError` for a digit, for a letter that no table has, and for a name
    without any letter.
    """
    if len(name) > MAX_NAME:
        raise MisuseError(f"a name has {len(name)} characters; at most {MAX_NAME} are allowed")
    # Compatibility forms (ligatures, presentation forms) first become the letters of the tables.
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).upper())
    components = tuple(
        letters for word in _words(plain) if (letters := _transliterate_word(word, options))
    )
    if name.strip() and not components:
        raise MisuseError(
            "a name has no letters after transliteration; use letters of Doc 9303-3, 6"
        )
    return components


def _words(name: str) -> Iterator[str]:
    """Split a name at punctuation and white space that separate components."""
    word: list[str] = []
    for character in name:
        separates = character.isspace() or character in _SEPARATORS
        if separates or unicodedata.category(character) == "Pd":
            yield "".join(word)
            word = []
        else:
            word.append(character)
    yield "".join(word)


def _transliterate_word(word: str, options: Transliteration) -> str:
    special: dict[str, str] = dict(options.choices)
    first: dict[str, str] = {}
    if options.language is not None:
        special |= CYRILLIC_EXCEPTIONS.get(options.language, {})
        first = CYRILLIC_FIRST.get(options.language, {})
    table = _TABLE | special
    letters = [character for character in word if _counts(character)]
    written: list[str] = []
    for index, letter in enumerate(letters):
        if letter == SHADDA:
            # The canonical order of marks may place a vowel, which is not encoded, before it.
            written.append(next((each for each in reversed(written) if each), ""))
        elif index == 0 and letter in first:
            written.append(first[letter])
        elif letter in ARABIC_LAST and not any(map(_is_letter, letters[index + 1 :])):
            written.append(ARABIC_LAST[letter])
        else:
            written.append(table[letter] if letter in table else _base_of(letter))
    return "".join(written)


def _counts(character: str) -> bool:
    """Whether a character is transliterated, not punctuation; raises `MisuseError` for a digit."""
    category = unicodedata.category(character)
    if category[0] == "N":
        raise MisuseError("a name has a digit; Doc 9303-3, 4.6 requires the number in letters")
    return character in _TABLE or character == SHADDA or category[0] in "LM"


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] == "L"


def _base_of(character: str) -> str:
    """Transliterate a letter without its diacritics; a combining mark alone becomes empty."""
    if unicodedata.category(character)[0] == "M":
        return ""
    if unicodedata.category(character) == "Lm":  # apostrophes that count as letters: ʼ ʻ
        return ""
    base = unicodedata.normalize("NFD", character)[0]
    if base in _TABLE and base != character:
        return _TABLE[base]
    script = unicodedata.name(character, "unnamed").split()[0].capitalize()
    raise MisuseError(
        f"a name has a letter ({script}) that Doc 9303-3, 6 does not transliterate; "
        "give the name in Latin, Cyrillic or Arabic letters"
    )
