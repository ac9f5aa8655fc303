"""Full dates for the two-digit years of the machine readable zone."""

from datetime import date, timedelta
from typing import Final

FIRST_CHIPS: Final = date(2004, 1, 1)
"""No document with a chip was issued, and so none expired, before this day."""

NO_EXPIRY: Final = "<<<<<<"
"""The date of expiry of a document without end.

No clause of Doc 9303 defines this value, or forbids it.
"""

_YEAR: Final = timedelta(days=366)
_HORIZON: Final = 50


def full_date_of_birth(yymmdd: str, by: date) -> str:
    """Return YYYY-MM-DD, the latest day with these digits that is not after `by`.

    Unknown parts are XX.  A holder older than 99 years cannot be distinguished from one a century
    younger; DG11 can (`date_of_birth_of`).  A value that is not a date becomes XXXX-XX-XX.
    """
    year, month, day = _parts(yymmdd)
    if year is None:
        return f"XXXX-{_text(month)}-{_text(day)}"
    century = by.year - by.year % 100
    full = century + year
    earliest = (full, month or 1, day or 1)
    if earliest > (by.year, by.month, by.day):
        full -= 100
    return f"{full:04}-{_text(month)}-{_text(day)}"


def date_of_birth_of(yymmdd: str, yyyymmdd: str, by: date) -> str | None:
    """Return YYYY-MM-DD of a date of birth in the MRZ and in DG11.

    None if they disagree, or if the date in DG11 is after `by` or is not 8 digits.  DG11 has zeros
    for unknown parts (Doc 9303-10, 4.7.11); a part that only one of them knows is taken from it.
    """
    if len(yyyymmdd) != 8 or not (yyyymmdd.isascii() and yyyymmdd.isdigit()):
        return None
    year, month, day = _parts(yymmdd)
    full_year = int(yyyymmdd[:4]) or None
    _, full_month, full_day = _parts(yyyymmdd[2:])
    pairs = ((year, full_year and full_year % 100), (month, full_month), (day, full_day))
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        return None
    month, day = full_month or month, full_day or day
    if full_year is None:
        return full_date_of_birth(yymmdd, by)[:4] + f"-{_text(month)}-{_text(day)}"
    if (full_year, month or 1, day or 1) > (by.year, by.month, by.day):
        return None
    return f"{full_year:04}-{_text(month)}-{_text(day)}"


def full_date_of_expiry(yymmdd: str, at: date, issued: date | None = None) -> date | None:
    """Return the first day with these digits that the date of issue allows.

    `issued` is the date of issue, or a day before which the document was not issued; None, or a day
    after `at`, if it is not known.  The result is then at most 50 years before `at`.  It is never
    before the first chips, nor more than a year before `issued`: that year is for issuers who
    confuse the two dates, so that their documents have expired instead of lasting for a century.
    Returns None if the value is not a full date.
    """
    year, month, day = _parts(yymmdd)
    if year is None or month is None or day is None:
        return None
    first = FIRST_CHIPS
    if issued is None or issued > at:
        first = date(max(at.year - _HORIZON, first.year), 1, 1)
    elif issued - first > _YEAR:
        first = issued - _YEAR
    full = first.year - first.year % 100 + year
    if (full, month, day) < (first.year, first.month, first.day):
        full += 100
    try:
        return date(full, month, day)
    except ValueError:
        return None


def _parts(yymmdd: str) -> tuple[int | None, int | None, int | None]:
    """Split into year, month and day; None for an unknown or impossible part."""
    pairs = [yymmdd[at : at + 2] for at in (0, 2, 4)]
    year, month, day = (
        int(pair) if len(pair) == 2 and pair.isascii() and pair.isdigit() else None
        for pair in pairs
    )
    if month is not None and not 1 <= month <= 12:
        month = None
    if day is not None and not 1 <= day <= 31:
        day = None
    return year, month, day


def _text(number: int | None) -> str:
    return "XX" if number is None else f"{number:02}"
