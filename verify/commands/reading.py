"""Read a card for `verify card`, and say on standard error what went wrong at the reader."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from emrtd.errors import TransportError
from emrtd.iso7816.procedure import Procedure
from emrtd.transport import readers
from emrtd.transport.timing import SessionTiming, TimedConnection
from support.remarks import remark
from verify.inspection import capture
from verify.inspection.events import (
    Event,
    Listener,
    Opened,
    Opening,
    Proved,
    Proving,
    Reopened,
    SessionLost,
)
from verify.judging.evidence import Evidence
from verify.judging.opening_problem import OpeningCause, opening_problem
from verify.judging.optical import whole_mrz
from verify.session.waiting import COMES_BACK, wait_for_card
from verify.wording import ENGLISH

_PHASES: Final[Mapping[type[Event], str]] = MappingProxyType(
    {
        Opening: "opening",
        Opened: "reading",
        Proving: "proving",
        Proved: "reading",
        SessionLost: "opening",
        Reopened: "reading",
    }
)
"""The phase of a session that begins with an event."""


def phased(listener: Listener, timing: SessionTiming | None) -> Listener:
    """Return the same listener, which also tells a timing the phases of the inspection."""
    if timing is None:
        return listener

    def tell(event: Event) -> None:
        name = _PHASES.get(type(event))
        if name is not None:
            timing.begin(name)
        listener(event)

    return tell


def read_card(
    reader: str,
    procedure: Callable[[], Procedure[Evidence]],
    *,
    wait: bool = False,
    trace: Callable[[str], None] | None = None,
    timing: SessionTiming | None = None,
) -> Evidence:
    """Run an inspection on the card in a reader; `trace` gets a line about each command.

    `timing` is told when the card is waited for.

    With `wait`, wait for the card first, and again if it leaves in mid-read: the inspection then
    begins anew, which `procedure` makes.  Raises `TransportError`.
    """
    while True:
        name = wait_for_card(reader, remark) if wait else reader
        if timing is not None:
            timing.restart()
            timing.begin("connecting")
        try:
            with readers.connect(name, tell=remark) as connection:
                if timing is None:
                    return capture(connection, procedure(), trace)
                timing.begin("opening")
                return capture(TimedConnection(connection, timing), procedure(), trace)
        except TransportError as error:
            if not wait or error.fault not in COMES_BACK:
                raise
            remark(error.message)


def tell_misread(evidence: Evidence) -> None:
    """Write to standard error why the chip did not open, and what to read again.

    Names the fields of the MRZ whose check digits are wrong, never their content.
    """
    problem = opening_problem(evidence)
    if problem is None or problem.cause is OpeningCause.OTHER:
        return
    key = f"opening.{problem.cause.value}"
    named = f"{key}.title.{problem.password}"
    said = [ENGLISH(named if ENGLISH.has(named) else f"{key}.title")]
    if problem.cause is OpeningCause.WRONG_PASSWORD:
        mrz = whole_mrz(evidence.optical_mrz)
        wrong = () if mrz is None else (each for each in mrz.check_digits() if not each.correct)
        fields = ", ".join(ENGLISH(f"field.{each.name}").lower() for each in wrong)
        if fields:
            said.append(f"check digit wrong: {fields}")
        if problem.tries_left is not None:
            said.append(ENGLISH.count("opening.tries", problem.tries_left))
    else:  # sentences of their own
        said = [f"{said[0]}. {ENGLISH(f'{key}.text')}"]
    remark("; ".join(each.rstrip(".") for each in said))
