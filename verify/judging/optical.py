"""The printed MRZ, as an officer types it or a scanner reads it."""

import re
from typing import Final

from emrtd.mrz import Mrz, check_digit
from support.errors import MalformedError, MisuseError

_NUMBER_SIZE: Final = 9
_THREE_FIELDS: Final = re.compile(r"([A-Z0-9<]{1,22}),([0-9<]{6}),([0-9]{6}|<{6})")

FORMS: Final = (
    "the whole printed MRZ (line breaks and spaces are ignored), or document number, date of birth "
    "and date of expiry as NUMBER,YYMMDD,YYMMDD"
)
"""The forms that `read_optical_mrz` accepts, for messages and help texts."""


def read_optical_mrz(text: str) -> str:
    """Read either form; return the whole MRZ (90, 72 or 88 characters) or the MRZ information.

    Raises `MisuseError` if the text has neither form; its message never repeats the text.
    """
    compact = "".join(text.split())
    if compact.isascii():
        compact = compact.upper()
    fields = _THREE_FIELDS.fullmatch(compact)
    if fields is not None:
        number, born, expires = fields.groups()
        number = number.rstrip("<").ljust(_NUMBER_SIZE, "<")
        return "".join(part + check_digit(part) for part in (number, born, expires))
    try:
        return Mrz.parse(compact).text
    except MalformedError as error:
        raise MisuseError(error.message, advice=f"enter {FORMS}") from None


def information_of(optical_mrz: str) -> str:
    """Return the MRZ information, from which BAC and PACE derive keys (Doc 9303-11, 4.3.2)."""
    whole = whole_mrz(optical_mrz)
    return optical_mrz if whole is None else whole.information


def whole_mrz(optical_mrz: str) -> Mrz | None:
    """Return the whole printed MRZ; None if only the MRZ information was read."""
    try:
        return Mrz.parse(optical_mrz)
    except MalformedError:
        return None
