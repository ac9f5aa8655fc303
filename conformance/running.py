"""Run cases one after another, and record what became of each."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from conformance.case import Case, Outcome, Result
from emrtd.errors import TransportError, TransportFault
from support.errors import ChipsealError, MisuseError

_OF_THE_CARD: Final = {TransportFault.CARD_MUTE, TransportFault.EXTENDED_LENGTH}
"""Faults of what is tested, not of the reader that it is tested with."""


class CaseFailedError(ChipsealError):
    """What was tested does not behave as the case requires; the message says how it behaved."""

    kind = "failed case"


class NotApplicableError(ChipsealError):
    """A case cannot be run here; the message says why."""

    kind = "not applicable"


C = TypeVar("C", bound=Case)


def run_cases(
    cases: Iterable[C],
    perform: Callable[[C], None],
    tell: Callable[[Result], None] = lambda _result: None,
) -> list[Result]:
    """Perform each case, and return the results in the same order; `tell` gets each as it is known.

    `perform` returns if the case has passed, and raises `NotApplicableError` if it cannot be run.
    After any other error of ours the case has failed: it is an answer that does not fit the
    protocol, or none.  But `MisuseError` is raised, and `TransportError` unless the card is mute:
    without a reader, a card or a correct description nothing was tested.  A withdrawn case is not
    performed.
    """
    results = []
    for case in cases:
        result = _result(case, perform)
        tell(result)
        results.append(result)
    return results


def _result(case: C, perform: Callable[[C], None]) -> Result:
    if case.withdrawn:
        return Result(case.id, Outcome.NOT_APPLICABLE, case.withdrawn)
    try:
        perform(case)
    except NotApplicableError as error:
        return Result(case.id, Outcome.NOT_APPLICABLE, str(error))
    except MisuseError:
        raise
    except ChipsealError as error:
        if isinstance(error, TransportError) and error.fault not in _OF_THE_CARD:
            raise
        return Result(case.id, Outcome.FAILED, str(error))
    return Result(case.id, Outcome.PASSED)
