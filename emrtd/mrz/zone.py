"""The machine readable zone: parsing and building."""

import re
from datetime import date
from typing import Final, Self

from emrtd.mrz.check_digits import ALPHABET, FILLER, CheckDigit, check_digit
from emrtd.mrz.layout import LAYOUTS, CheckRule, MrzFormat, MrzLayout, layout_of
from emrtd.mrz.names import RECOMMENDED_LENGTHS, NameLengths, name_field
from emrtd.mrz.transliteration import RECOMMENDED, Transliteration
from support.errors import ElementError, MalformedError
from support.reasons import Reason
from support.values import Undisclosed

_ALLOWED: Final = frozenset(ALPHABET + FILLER)
_SIZES: Final = "90 (TD1), 72 (TD2, MRV-B) or 88 (TD3, MRV-A)"
_DATE: Final = re.compile(r"(?:[0-9]{2}|<<){3}")


class Mrz(Undisclosed, frozen=True):
    """A machine readable zone of any format, exactly as it is printed.

    `text` is the concatenated lines without separators: 90, 72 or 88 characters.  The properties
    are its elements without their fillers.
    """

    layout: MrzLayout
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a zone; its size and characters are checked, its check digits and dates are not.

        White space and line ends are ignored, and small letters are converted to capitals.
        Raises `MalformedError`.
        """
        joined = "".join(text.split())
        if joined.isascii():
            joined = joined.upper()
        for position, character in enumerate(joined):
            if character not in _ALLOWED:
                reason = "has a character other than A to Z, 0 to 9 and <"
                raise MalformedError("MRZ", reason, position)
        layout = layout_of(joined)
        if layout is None:
            raise MalformedError(
                "MRZ",
                Reason(
                    "has {count} characters instead of {sizes}", count=len(joined), sizes=_SIZES
                ),
            )
        return cls(layout, joined)

    @classmethod
    def build(
        cls,
        format: MrzFormat | str,  # noqa: A002 - what Doc 9303 calls it
        *,
        document_code: str,
        issuing_state: str,
        document_number: str,
        nationality: str,
        date_of_birth: date | str,
        sex: str,
        date_of_expiry: date | str,
        surname: str,
        given_names: str = "",
        optional_data: str = "",
        optional_data_2: str = "",
        transliteration: Transliteration = RECOMMENDED,
        name_lengths: NameLengths = RECOMMENDED_LENGTHS,
    ) -> Self:
        """Make a zone from its elements, and compute the check digits.

        The names may be in any script that Doc 9303-3 transliterates, and of any length.  A date
        is a `date` or YYMMDD with `<<` for unknown parts.  `sex` is F, M, or X for unspecified.
        `optional_data` is the first optional data, in TD3 the personal number; a document number
        of more than 9 characters uses part of its room.

        Raises `ElementError`, which names the element ("names" for both names), and `MisuseError`
        for a name that cannot be transliterated.
        """
        layout = LAYOUTS[MrzFormat(format)]
        number, digit, tail = _split_number(layout, _plain("document_number", document_number))
        elements = {
            "document_code": _plain("document_code", document_code),
            "issuing_state": _plain("issuing_state", issuing_state),
            "document_number": number,
            "nationality": _plain("nationality", nationality),
            "date_of_birth": _date("date_of_birth", date_of_birth),
            "sex": _sex(sex),
            "date_of_expiry": _date("date_of_expiry", date_of_expiry),
            "names": name_field(
                surname, given_names, layout.room("names"), transliteration, name_lengths
            ),
            "optional_data": tail + _plain("optional_data", optional_data, empty=True),
            "optional_data_2": _plain("optional_data_2", optional_data_2, empty=True),
        }
        characters = [FILLER] * layout.size
        for name, value in elements.items():
            room = layout.room(name)
            if len(value) > room:
                raise _error(
                    name,
                    Reason(
                        "has {octets} characters; at most {room} fit a {format}",
                        octets=len(value),
                        room=room,
                        format=format,
                    ),
                )
            if room:
                characters[layout.span(layout.places[name])] = value.ljust(room, FILLER)
        for rule in layout.checks:
            printed = digit if rule.name == "document_number" else ""
            characters[layout.span(rule.place)] = printed or check_digit(
                "".join("".join(characters[layout.span(place)]) for place in rule.over)
            )
        return cls(layout, "".join(characters))

    def __repr__(self) -> str:
        return f"Mrz({self.format})"

    def __str__(self) -> str:
        """Return the format without personal data; use `text` or `lines` for the zone itself."""
        return repr(self)

    @property
    def format(self) -> MrzFormat:
        """TD1, TD2, TD3, MRV-A or MRV-B."""
        return self.layout.format

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as printed."""
        width = self.layout.width
        return tuple(self.text[at : at + width] for at in range(0, len(self.text), width))

    def printed(self, name: str) -> str:
        """Return an element with its fillers ("names", ...); "" if the format does not have it."""
        place = self.layout.places.get(name)
        return "" if place is None else self.text[self.layout.span(place)]

    @property
    def document_code(self) -> str:
        """One or two letters: I, IR, P, PP, V."""
        return self.printed("document_code").rstrip(FILLER)

    @property
    def issuing_state(self) -> str:
        """The code of the issuing State or organization, 1 to 3 letters: UTO, D."""
        return self.printed("issuing_state").rstrip(FILLER)

    @property
    def document_number(self) -> str:
        """The whole document number, including a continuation in the optional data."""
        long_number = self._long_number()
        if long_number is not None:
            return long_number[0]
        return self.printed("document_number").rstrip(FILLER)

    @property
    def nationality(self) -> str:
        """The code of the holder's nationality, 1 to 3 letters."""
        return self.printed("nationality").rstrip(FILLER)

    @property
    def date_of_birth(self) -> str:
        """YYMMDD, with `<<` for unknown parts; see `emrtd.mrz.dates` for the century."""
        return self.printed("date_of_birth")

    @property
    def sex(self) -> str:
        """F, M, or X for unspecified (printed as `<`)."""
        return self.printed("sex").replace(FILLER, "X")

    @property
    def date_of_expiry(self) -> str:
        """YYMMDD."""
        return self.printed("date_of_expiry")

    @property
    def surname(self) -> str:
        """The primary identifier, its components separated by spaces."""
        return _words(self.printed("names").strip(FILLER).partition("<<")[0])

    @property
    def given_names(self) -> str:
        """The secondary identifier, its components separated by spaces; may be empty."""
        return _words(self.printed("names").strip(FILLER).partition("<<")[2])

    @property
    def optional_data(self) -> str:
        """The (first) optional data, without the continuation of a long document number."""
        printed, long_number = self.printed("optional_data"), self._long_number()
        if long_number is not None:
            printed = printed.partition(FILLER)[2]
        return printed.rstrip(FILLER)

    @property
    def optional_data_2(self) -> str:
        """The second optional data of a TD1; empty in other formats."""
        return self.printed("optional_data_2").rstrip(FILLER)

    @property
    def information(self) -> str:
        """MRZ_information, from which BAC and PACE derive their keys (Doc 9303-11, 4.3.2, D.2).

        The document number, the date of birth and the date of expiry, each with its check digit
        as printed.
        """
        long_number = self._long_number()
        if long_number is not None:
            parts = ["".join(long_number)]
        else:
            parts = [self.printed("document_number") + self._printed_digit("document_number")]
        for name in ("date_of_birth", "date_of_expiry"):
            parts.append(self.printed(name) + self._printed_digit(name))
        return "".join(parts)

    def check_digits(self) -> tuple[CheckDigit, ...]:
        """Return every check digit of the zone, printed and computed."""
        return tuple(self._check(rule) for rule in self.layout.checks)

    def _check(self, rule: CheckRule) -> CheckDigit:
        if rule.name == "document_number":
            long_number = self._long_number()
            if long_number is not None:
                number, printed = long_number
                return CheckDigit(rule.name, printed, check_digit(number))
        characters = "".join(self.text[self.layout.span(place)] for place in rule.over)
        unused = rule.name == "optional_data" and not characters.strip(FILLER)
        printed = self.text[self.layout.span(rule.place)]
        return CheckDigit(rule.name, printed, check_digit(characters), may_be_filler=unused)

    def _printed_digit(self, name: str) -> str:
        rule = next(rule for rule in self.layout.checks if rule.name == name)
        return self.text[self.layout.span(rule.place)]

    def _long_number(self) -> tuple[str, str] | None:
        """Return a number that continues in the optional data, and its check digit, or None."""
        if not self.layout.long_numbers or self._printed_digit("document_number") != FILLER:
            return None
        first = self.printed("document_number")
        tail = self.printed("optional_data").partition(FILLER)[0]
        if first.endswith(FILLER) or len(tail) < 2:
            return None
        return first + tail[:-1], tail[-1]


def _words(components: str) -> str:
    return " ".join(component for component in components.split(FILLER) if component)


def _split_number(layout: MrzLayout, number: str) -> tuple[str, str, str]:
    """Split a number into its first 9 characters, their check digit, and the rest.

    A number of at most 9 characters has neither: its check digit is computed later.  For a longer
    one, the check digit is a filler, and the optional data begin with the rest, the check digit
    over the whole number and a filler (Doc 9303-5, 4.2.2.2, note j).
    """
    if len(number) <= 9 or not layout.long_numbers:
        return number, "", ""
    tail = number[9:] + check_digit(number)
    room = layout.room("optional_data") - 1
    if len(tail) > room:
        most = 9 + room - 1
        raise _error(
            "document_number",
            Reason(
                "has {count} characters; at most {most} fit a {format}",
                count=len(number),
                most=most,
                format=layout.format,
            ),
        )
    if FILLER in tail:
        reason = "with more than 9 characters cannot contain a filler"
        raise _error("document_number", reason)
    return number[:9], FILLER, tail + FILLER


def _plain(element: str, value: str, *, empty: bool = False) -> str:
    """Return an element in capitals and digits; any other ASCII character becomes a filler."""
    value = value.upper().rstrip()
    plain = "".join(character if character in _ALLOWED else FILLER for character in value)
    if not value.isascii():
        raise _error(element, "has a character other than A to Z and 0 to 9")
    if not empty and not plain.strip(FILLER):
        raise _error(element, "is empty")
    return plain


def _date(element: str, value: date | str) -> str:
    if isinstance(value, date):
        return value.strftime("%y%m%d")
    if not _DATE.fullmatch(value):
        raise _error(element, "is not YYMMDD, with << for unknown parts")
    return value


def _sex(value: str) -> str:
    if value not in {"F", "M", "X", FILLER, ""}:
        raise _error("sex", "is not F, M or X (unspecified)")
    return value if value in {"F", "M"} else FILLER


def _error(element: str, reason: str) -> ElementError:
    return ElementError(element, reason, of="MRZ")
