"""How much of a wrong length is read past, for the records of all three modalities."""

from typing import Final

from support.errors import MalformedError

MAX_IMAGES: Final = 255
"""How many images a record may hold; Doc 9303-10 wants one, and no document has ten."""

MAX_DISCREPANCY: Final = 8
"""New Zealand's face records declare 8 octets too few, the United Kingdom's 1."""


def check_record_length(what: str, declared: int, actual: int, offset: int) -> tuple[str, ...]:
    """Name a record length that falls short by a little; `MalformedError` for any other fault.

    `declared` is what the field at `offset` says, `actual` how many octets there are.
    """
    if declared > actual:
        raise MalformedError(
            what, f"is cut short: {declared} octets declared, {actual} are there", offset
        )
    short = actual - declared
    if short > MAX_DISCREPANCY:
        raise MalformedError(what, f"declares {declared} octets but has {actual}", offset)
    return (f"the length field of the {what} is {short} short",) if short else ()


def check_trailing(what: str, end: int, actual: int) -> tuple[str, ...]:
    """Name a few octets behind the last image; `MalformedError` for more than a few."""
    surplus = actual - end
    if surplus > MAX_DISCREPANCY:
        raise MalformedError(what, f"{surplus} octets follow the last image", end)
    return (f"{surplus} octets follow the last image of the {what}",) if surplus else ()
