"""Full dates for the two-digit years of the machine readable zone."""

from datetime import date, datetime
from typing import Final

EXPIRY_HORIZON: Final = 50
"""Years that a date of expiry may lie after the instant of inspection."""


def full_date_of_birth(yymmdd: str, at: datetime) -> str:
    """Return YYYY-MM-DD, the latest day with these digits that is not after `at`.

    Unknown parts are XX.  A holder older than 99 years cannot be distinguished from one a century
    younger.  A value that is not a date becomes XXXX-XX-XX.
    """
    year, month, day = _parts(yymmdd)
    if year is None:
        return f"XXXX-{_text(month)}-{_text(day)}"
    century = at.year - at.year % 100
    full = century + year
    earliest = (full, month or 1, day or 1)
    if earliest > (at.year, at.month, at.day):
        full -= 100
    return f"{full:04}-{_text(month)}-{_text(day)}"


def full_date_of_expiry(yymmdd: str, at: datetime) -> date | None:
    """Return the day in the century within 50 years of `at`; None if it is not a full date."""
    year, month, day = _parts(yymmdd)
    if year is None or month is None or day is None:
        return None
    full = at.year - at.year % 100 + year
    if full > at.year + EXPIRY_HORIZON:
        full -= 100
    elif full <= at.year - EXPIRY_HORIZON:
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
