"""Which wrong lengths are read past, in the records of all three modalities."""

from typing import Final

from support.errors import MalformedError
from support.reasons import Reason

MAX_IMAGES: Final = 255
"""Most images of a record; Doc 9303-10 requires one, and no document has ten."""

MAX_DISCREPANCY: Final = 8
"""New Zealand's face records declare 8 octets too few, the United Kingdom's 1."""


def check_record_length(what: str, declared: int, actual: int, offset: int) -> tuple[str, ...]:
    """Return the quirk of a record length that is a little too small; empty if it is right.

    `declared` is the value of the field at `offset`, `actual` the number of octets.  Raises
    `MalformedError` for any other wrong length.
    """
    if declared > actual:
        raise MalformedError(
            what,
            Reason(
                "is cut short: {declared} octets declared, {actual} are present",
                declared=declared,
                actual=actual,
            ),
            offset,
        )
    short = actual - declared
    if short > MAX_DISCREPANCY:
        raise MalformedError(
            what,
            Reason("declares {declared} octets but has {actual}", declared=declared, actual=actual),
            offset,
        )
    return (
        (Reason("the length field of the {what} is {short} too small", what=what, short=short),)
        if short
        else ()
    )


def check_trailing(what: str, end: int, actual: int) -> tuple[str, ...]:
    """Return the quirk of a few octets after the last image; raises `MalformedError` for more."""
    surplus = actual - end
    if surplus > MAX_DISCREPANCY:
        raise MalformedError(
            what, Reason("{surplus} octets follow the last image", surplus=surplus), end
        )
    return (
        (
            Reason(
                "{surplus} octets follow the last image of the {what}", surplus=surplus, what=what
            ),
        )
        if surplus
        else ()
    )
