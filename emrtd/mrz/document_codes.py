"""The harmonized document codes of passports (Doc 9303-4, 4.4; PU: Doc 9303-8)."""

from datetime import date
from typing import Final

from emrtd import calendar

PASSPORT_CODES: Final = frozenset({"PP", "PE", "PD", "PO", "PR", "PT", "PS", "PL", "PM", "PU"})

_HARMONIZED_IF_USED: Final = date(2026, 1, 1)
_HARMONIZED: Final = calendar.PASSPORT_CODES.ends
_OTHERS_EXPIRE_BEFORE: Final = date(2038, 1, 1)


def objection_to_passport_code(code: str, issued: date, expires: date | None) -> str | None:
    """Return why a passport with these dates must not have this document code; None if it may.

    `expires` is None for a passport without a date of expiry.
    """
    code = code.rstrip("<")
    if code in PASSPORT_CODES:
        return None
    if len(code) > 1 and issued >= _HARMONIZED_IF_USED:
        return "has a second letter that is not harmonized, as it must be since 2026"
    if issued >= _HARMONIZED:
        return "has no second letter, as it must have since 2028"
    if expires is None or expires >= _OTHERS_EXPIRE_BEFORE:
        return "has no harmonized second letter, so the passport must expire before 2038"
    return None
