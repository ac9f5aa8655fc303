"""chip.life-cycle: whether the chip was locked when its personalisation ended.

A chip that was not can be written by anyone who holds it.  Its State has signed what it contains
now, so this is a warning: an interrupted personalisation, not a forgery.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import UNSET

from emrtd.iso7816.life_cycle import LifeCycleStatus, life_cycle_status
from emrtd.pki.findings import Check, Outcome
from support.errors import MalformedError
from support.reasons import Reason
from verify.judging.checks.case import Case, Earlier
from verify.judging.faults import describe

CHECK_ID: Final = "chip.life-cycle"
CLAUSE: Final = "ISO/IEC 7816-4, 7.4.10; Doc 9303-10, 3.11"

_NO_STATUS: Final = "the chip gives no life-cycle status"

_WRONG: Final = {
    LifeCycleStatus.CREATION: "the chip was never locked: it is still in the creation state",
    LifeCycleStatus.INITIALISATION: "the chip was never locked: it is still in personalisation",
    LifeCycleStatus.TERMINATED: "the chip states that its application is terminated",
}


def check_life_cycle(case: Case, _: Earlier) -> Iterator[Check]:
    """Compare the life-cycle status of the application with that of an issued document."""
    outcome, reason = _life_cycle(case)
    yield Check(CHECK_ID, outcome, reason, CLAUSE)


def _life_cycle(case: Case) -> tuple[Outcome, str]:
    if case.session is None:
        return Outcome.NOT_PERFORMED, "an image of files was judged; no chip was asked"
    answer = case.session.control_parameters
    if answer is UNSET:
        return Outcome.NOT_PERFORMED, "the chip was not asked for its life-cycle status"
    if not isinstance(answer, bytes):
        return Outcome.NOT_PERFORMED, Reason(
            "{no_status}: {answer}", no_status=_NO_STATUS, answer=describe(answer)
        )
    return _judged(answer)


def _judged(octets: bytes) -> tuple[Outcome, str]:
    try:
        status = life_cycle_status(octets)
    except MalformedError as error:
        return Outcome.NOT_PERFORMED, Reason(
            "{no_status}: {error}", no_status=_NO_STATUS, error=error.said
        )
    if status is None:
        return Outcome.NOT_PERFORMED, Reason(
            "{no_status} that the standard defines", no_status=_NO_STATUS
        )
    if status in _WRONG:
        return Outcome.WARNING, _WRONG[status]
    return Outcome.PASSED, Reason(
        "the life-cycle status of the application is: {status}", status=status.value
    )
