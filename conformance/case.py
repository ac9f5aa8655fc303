"""A case of a conformity test, and its result."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique

from support.errors import ExitStatus, MisuseError


@unique
class Outcome(StrEnum):
    """What became of a case; the values are those of `--json`."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True)
class Case:
    """A test case of the catalogue.

    `id` is its number in the standard ("ISO7816_J_12"); `title` says in our own words what is
    tested; `profile` names the features that the tested card or reader must have, "" for none;
    `clause` is the clause of the standard that defines the case.  `withdrawn` is why no test must
    be run any more, "" if the case is in force.
    """

    id: str
    title: str
    profile: str = ""
    clause: str = ""
    withdrawn: str = ""


@dataclass(frozen=True)
class Result:
    """What became of one case; `reason` says why, "" if it has passed."""

    id: str
    outcome: Outcome
    reason: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the object that `--json` prints."""
        return {"id": self.id, "outcome": str(self.outcome), "reason": self.reason}


def exit_status(results: Iterable[Result]) -> ExitStatus:
    """Return the exit status of a command with these results: rejected if a case failed."""
    failed = any(each.outcome is Outcome.FAILED for each in results)
    return ExitStatus.REJECTED if failed else ExitStatus.OK


def selected(cases: Mapping[str, Case], wanted: Iterable[str]) -> list[Case]:
    """Return the cases that are wanted, in the order of the catalogue; all if none is named.

    Raises `MisuseError` for an id that the catalogue does not have.
    """
    wanted = frozenset(wanted)
    for id_ in sorted(wanted - cases.keys()):
        from difflib import get_close_matches

        near = get_close_matches(id_, cases, 3)
        advice = f"did you mean {' or '.join(near)}?" if near else "--list prints the cases"
        raise MisuseError(f"{id_}: no such case", advice=advice)
    return [case for id_, case in cases.items() if not wanted or id_ in wanted]
