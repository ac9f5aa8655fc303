"""Run the cases against an inspection system: our verifier, or a command."""

from collections.abc import Callable, Iterable
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


_GENUINE: Final = {
    False: Trial(lambda at: at.presented(), Expected.ACCEPTED),
    True: Trial(
        lambda at: at.presented(pace=(PACE_GM,), basic_access_control=False), Expected.ACCEPTED
    ),
}
"""The controls: genuine documents without and with PACE."""


class Suite:
    """Performs cases.

    A refusal says nothing about an inspection system that refuses every document: before the first
    card that must be refused, it is given a genuine document with the same access control, and if
    it refuses that, every such case has failed.
    """

    def __init__(self, workshop: Workshop, subject: Subject) -> None:
        self._workshop = workshop
        self._subject = subject
        self._controls: dict[bool, str] = {}

    def run(
        self, cases: Iterable[ReaderCase], tell: Callable[[Result], None] = lambda _: None
    ) -> list[Result]:
        """Run cases; return their results in the same order.  `tell` gets each when known."""
        return run_cases(cases, self.perform, tell)

    def perform(self, case: ReaderCase) -> None:
        """Present the cards of a case; raises `CaseFailedError`, or `NotApplicableError`."""
        if case.contradicts:
            raise NotApplicableError(case.contradicts)
        for trial in case.trials:
            objection = self._objection(trial)
            if objection:
                label = f"{trial.label}: " if trial.label else ""
                raise CaseFailedError(f"{label}{objection}")

    def _objection(self, trial: Trial) -> str:
        presented = trial.make(self._workshop)
        self._subject.require(presented)
        if trial.expected is Expected.REFUSED:
            control = self._control(with_pace=bool(presented.document.how.pace))
            if control:
                return f"a genuine document is not accepted either ({control})"
        for _ in range(trial.times):
            objection = self._subject.objection(trial, presented)
            if objection:
                return objection
        return presented.objection()

    def _control(self, *, with_pace: bool) -> str:
        """Return what is wrong with how a genuine document is inspected, "" if nothing."""
        if with_pace not in self._controls:
            trial = _GENUINE[with_pace]
            presented = trial.make(self._workshop)
            self._controls[with_pace] = self._subject.objection(trial, presented)
        return self._controls[with_pace]
