"""Quirks of a zone: elements without the form that Doc 9303-3 requires (4.6 to 4.8, 5)."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from emrtd.mrz.dates import NO_EXPIRY
from emrtd.mrz.zone import Mrz
from support.reasons import Reason

_CODE: Final = re.compile(r"[A-Z]{1,3}<{0,2}")
_DATE: Final = re.compile(r"(?:[0-9]{2}|<<){3}")
_LEAP_YEAR: Final = 2000


def quirks(mrz: Mrz) -> tuple[str, ...]:
    """Return one sentence for each quirk, without the printed value, which is personal data."""
    return tuple(_quirks(mrz))


def _quirks(mrz: Mrz) -> Iterator[str]:
    for name, label in (("issuing_state", "issuing State"), ("nationality", "nationality")):
        if not _CODE.fullmatch(mrz.printed(name)):
            yield Reason("the code of the {label} is not 1 to 3 letters", label=label)
    if not mrz.surname:
        yield "the name is missing"
    if mrz.printed("sex") not in {"F", "M", "<"}:
        yield "the sex is neither F nor M nor <"
    if not _is_date(mrz.date_of_birth):
        yield "the date of birth is not a date"
    if mrz.date_of_expiry == NO_EXPIRY:
        yield "there is no date of expiry"
    elif "<" in mrz.date_of_expiry or not _is_date(mrz.date_of_expiry):
        yield "the date of expiry is not a date"


def _is_date(yymmdd: str) -> bool:
    """Whether the known parts can be a day; the year may be a leap year of any century."""
    if not _DATE.fullmatch(yymmdd):
        return False
    month, day = (int(pair) if pair != "<<" else 1 for pair in (yymmdd[2:4], yymmdd[4:6]))
    try:
        date(_LEAP_YEAR, month, day)
    except ValueError:
        return False
    return True
