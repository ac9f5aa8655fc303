"""The texts of one language, by key."""

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Final

from support.reasons import Reason
from verify.wording import english

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
"""The languages by their tags (BCP 47), each named in itself."""


class Wording:
    """The catalogue in one language."""

    def __init__(
        self, language: str, texts: Mapping[str, str], reasons: Mapping[str, str] | None = None
    ) -> None:
        """Make a catalogue; `reasons` are those of checks and faults, by their English text."""
        self.language: Final = language
        self.texts: Final = texts
        self._reasons: Final = reasons

    def reason(self, reason: str) -> str:
        """Return a sentence of a check, a fault or an error in this language.

        It keeps English words only where a field has those of a library or of another machine.
        """
        if self._reasons is None:
            return str(reason)
        if not isinstance(reason, Reason):
            return self._reasons.get(reason, reason)
        text = self._reasons.get(reason.text, reason.text)
        fields = {name: self._field(value) for name, value in reason.fields.items()}
        return text.format_map(fields)

    def _field(self, value: object) -> str:
        match value:
            case dt.date():
                return self.day(value)
            case str():
                return self.reason(value)
            case _:
                return str(value)

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values inserted; raises `KeyError` for a key without a text."""
        return self.texts[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a text with this key."""
        return key in self.texts

    def beginning(self, prefix: str) -> dict[str, str]:
        """Return the texts whose keys begin with a prefix, as they are."""
        return {key: text for key, text in self.texts.items() if key.startswith(prefix)}

    def date(self, text: str) -> str:
        """Return a date YYYY-MM-DD in words; unknown parts are XX.  Any other text is unchanged."""
        parts = text.split("-")
        if len(parts) != 3 or not text.isascii() or not parts[0].isdigit():
            return text
        year, month, day = parts
        if not month.isdigit() or not 1 <= int(month) <= 12:
            return self("date.year", year=year)
        name = self(f"month.{int(month)}")
        if not day.isdigit():
            return self("date.month", month=name, year=year)
        return self("date.day", day=int(day), month=name, year=year)

    def day(self, day: dt.date) -> str:
        """Return a date in words."""
        return self.date(day.isoformat())

    def count(self, key: str, number: int) -> str:
        """Return the text `key`.one or `key`.many with the number `n`."""
        return self(f"{key}.{'one' if number == 1 else 'many'}", n=self.number(number))

    def number(self, number: int) -> str:
        """Return a number with the language's separator of thousands."""
        return f"{number:,}".replace(",", self("number.thousands"))


ENGLISH: Final = Wording("en", english.TEXTS)


@cache
def wording_in(language: str) -> Wording:
    """Return the catalogue in a language; in English, if there is none for its tag."""
    if language != "de":
        return ENGLISH
    from verify.wording import german
    from verify.wording.german_reasons import REASONS

    return Wording("de", german.TEXTS, REASONS)
