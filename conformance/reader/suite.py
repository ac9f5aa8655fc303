"""Run the cases against an inspection system: our verifier, or a command."""

from collections.abc import Callable, Iterable
from enum import Enum, unique
from typing import Final, Protocol

from conformance.case import Result
from conformance.reader.case import Expected, Presented, ReaderCase, Trial, Workshop
from conformance.reader.documents import PACE_GM
from conformance.running import CaseFailedError, NotApplicableError, run_cases


class Subject(Protocol):
    """An inspection system that is tested."""

    def require(self, presented: Presented) -> None:
        """Raise `NotApplicableError` if this card cannot be presented to it."""

    def objection(self, trial: Trial, presented: Presented) -> str:
        """Present the card; return what the inspection system made wrong of it, "" if nothing."""


@unique
class Opening(Enum):
    """How a document can be opened."""

    BAC = "BAC, or no access control"
    PACE = "PACE"
    EITHER = "PACE or BAC"

    @classmethod
    def of(cls, presented: Presented) -> "Opening":
        """Return how the document of a case can be opened."""
        how = presented.document.how
        if not how.pace:
            return cls.BAC
        return cls.EITHER if how.basic_access_control else cls.PACE


_GENUINE: Final = {
    Opening.BAC: Trial(lambda at: at.presented(), Expected.ACCEPTED),
    Opening.PACE: Trial(
        lambda at: at.presented(pace=(PACE_GM,), basic_access_control=False), Expected.ACCEPTED
    ),
    Opening.EITHER: Trial(lambda at: at.presented(pace=(PACE_GM,)), Expected.ACCEPTED),
}
"""The controls: genuine documents."""


class Suite:
    """Performs cases.

    A refusal says nothing about an inspection system that refuses every document: before the first
    card that must be refused, it is given a genuine document with the same access control, and if
    it refuses that, every such case has failed.
    """

    def __init__(self, workshop: Workshop, subject: Subject) -> None:
        self._workshop = workshop
        self._subject = subject
        self._controls: dict[Opening, str] = {}

    def run(
        self, cases: Iterable[ReaderCase], tell: Callable[[Result], None] = lambda _: None
    ) -> list[Result]:
        """Run cases; return their results in the same order.  `tell` gets each when known."""
        return run_cases(cases, self.perform, tell)

    def perform(self, case: ReaderCase) -> None:
        """Present the cards of a case; raises `CaseFailedError`, or `NotApplicableError`.

        A case that is tried with BAC and with PACE is tried with BAC alone, if the inspection
        system opens no genuine document with PACE.
        """
        if case.contradicts:
            raise NotApplicableError(case.contradicts)
        made = [(trial, trial.make(self._workshop)) for trial in case.trials]
        ways = {Opening.of(presented) for _, presented in made}
        for trial, presented in made:
            self._subject.require(presented)
            opening = Opening.of(presented)
            if len(ways) > 1 and opening is Opening.PACE and self._control(opening):
                continue
            objection = self._objection(trial, presented, opening)
            if objection:
                label = f"{trial.label}: " if trial.label else ""
                raise CaseFailedError(f"{label}{objection}")

    def _objection(self, trial: Trial, presented: Presented, opening: Opening) -> str:
        if trial.expected is Expected.REFUSED:
            control = self._control(opening)
            if control:
                return f"a genuine document is not accepted either ({control})"
        for _ in range(trial.times):
            objection = self._subject.objection(trial, presented)
            if objection:
                return objection
        return presented.objection()

    def _control(self, opening: Opening) -> str:
        """Return what is wrong with how a genuine document is inspected, "" if nothing."""
        if opening not in self._controls:
            trial = _GENUINE[opening]
            presented = trial.make(self._workshop)
            self._controls[opening] = self._subject.objection(trial, presented)
        return self._controls[opening]
