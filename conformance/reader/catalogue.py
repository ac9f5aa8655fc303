"""The inspection-system cases of TR-03105-5.1, version 1.5, and one for each kind of forgery.

Where part 5.1 refers to the ICAO guideline for what must become of a case, it follows here from
Doc 9303: what the case breaks is named in its title, and a document of another form than Doc 9303
requires must not be accepted.
"""

from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Final

from conformance.reader.case import ReaderCase, Trial
from conformance.reader.cases import (
    access,
    biometrics,
    chip_authentication,
    files,
    mrz,
    pace,
    security_object,
    terminal_authentication,
)
from conformance.reader.titles import TITLES

SUITE: Final = "TR-03105-5.1"

TERMINAL: Final = "TA"
"""The profile of a case that needs an inspection system with certificates."""

_DELETED: Final = "deleted from part 5.1"

CONTRADICTIONS: Final = {
    "LDS_K_04": "part 5.1 wants a file with the tag 7F65 refused, but Doc 9303-10, 3.11.1, note 1"
    " allows further data objects in EF.ATR/INFO, and an inspection system reads past those that it"
    " does not know",
}
"""Cases that contradict Doc 9303, and how."""

_UNITS: Final = (
    access.UNIT,
    chip_authentication.UNIT,
    terminal_authentication.UNIT,
    pace.UNIT,
    files.UNIT,
    mrz.UNIT,
    biometrics.UNIT,
    biometrics.FINGERS,
    security_object.UNIT,
)


def _case(id_: str, title: str, trials: dict[str, tuple[tuple[Trial, ...], bool]]) -> ReaderCase:
    found, needs_terminal = trials.get(id_, ((), False))
    return ReaderCase(
        id_,
        title or "(no longer a case)",
        TERMINAL if needs_terminal else "",
        "TR-03105-5.1",
        "" if title else _DELETED,
        found,
        CONTRADICTIONS.get(id_, ""),
    )


@cache
def standard_cases() -> MappingProxyType[str, ReaderCase]:
    """Return the cases of part 5.1, by id and in its order."""
    trials = {
        id_: (tuple(found), unit.needs_terminal)
        for unit in _UNITS
        for id_, found in unit.trials.items()
    }
    return MappingProxyType({id_: _case(id_, title, trials) for id_, title in TITLES.items()})


@cache
def cases() -> MappingProxyType[str, ReaderCase]:
    """Return every case: those of part 5.1, and one for each kind of forgery."""
    from conformance.reader.forged import forged_cases

    both = chain(standard_cases().items(), ((each.id, each) for each in forged_cases()))
    return MappingProxyType(dict(both))
