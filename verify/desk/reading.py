"""One inspection: connect to the card, read it, judge it, and report each step as an input."""

import logging
from collections.abc import Callable
from typing import Final

from emrtd.errors import TransportError
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.files import FileID
from emrtd.transport.readers import connect
from support.errors import ChipsealError, MalformedError
from support.log import tell
from verify.desk.inputs import Captured, Failed, Held, Input, Judged, Told
from verify.desk.machine import Begin
from verify.desk.state import Result
from verify.desk.terminal import DeskTerminal
from verify.inspection import capture, inspect
from verify.judging.evidence import Evidence
from verify.judging.opening_problem import opening_problem
from verify.judging.report import Report
from verify.session.judging import JudgingSession

_LOG: Final = logging.getLogger(__name__)
_EVENTS: Final = logging.getLogger(f"{__name__}.events")
"""Not that of the errors, of which a line appears once a minute."""

Tell = Callable[[Input], None]


def read_card(
    begin: Begin, session: JudgingSession, terminal: DeskTerminal | None, tell: Tell
) -> None:
    """Inspect the card of `begin`; everything, and at last the result, is told as inputs.

    Raises nothing: the desk goes on after every failure.
    """
    attempt = begin.attempt
    try:
        with connect(begin.reader, tell=lambda _: tell(Held(attempt))) as connection:
            evidence = capture(
                connection,
                inspect(
                    begin.given.credentials,
                    basic_access_control=session.policy.basic_access_control,
                    optical_mrz=begin.given.optical_mrz,
                    terminal=None if terminal is None else terminal.current(),
                    life_cycle_status=session.policy.life_cycle_status,
                    listener=lambda event: tell(Told(attempt, event)),
                ),
            )
            tell(Captured(attempt))
        report = session.judge(evidence)
        _tell_judged(begin.reader, report)
        tell(Judged(attempt, Result(report, fingers(evidence), opening_problem(evidence))))
    except TransportError as error:
        tell(Failed(attempt, error.fault, error.message, error.advice))
    except (ChipsealError, OSError) as error:  # the trust store, or the disk
        _LOG.error("an inspection failed: %s", error)
        tell(Failed(attempt, None, str(error)))
    except Exception as error:  # noqa: BLE001 - the page goes on, and says so
        _LOG.error("an inspection failed: internal error (%s)", type(error).__name__)
        tell(Failed(attempt, None))


def _tell_judged(reader: str, report: Report) -> None:
    """Log the verdict, without anything of the document."""
    tell(
        _EVENTS,
        logging.INFO,
        "judged",
        reader=reader,
        verdict=str(report.verdict),
        checks=sorted(report.in_the_way),
        apdus=report.apdus,
        seconds=round(report.seconds, 3),
    )


def fingers(evidence: Evidence) -> tuple[bytes, ...]:
    """Return the finger images in DG3 as they are stored; none if it was not read."""
    octets = evidence.files.get(FileID.DG3)
    if octets is None:
        return ()
    try:
        return tuple(sample.data for sample in DataGroup3.decode(octets).samples())
    except MalformedError:  # lds.structure reports it
        return ()
