"""Read a card for `verify card`, and say on standard error what went wrong at the reader."""

from collections.abc import Callable

from emrtd.errors import TransportError
from emrtd.iso7816.procedure import Procedure
from emrtd.transport import readers
from support.command_line import remark
from verify.inspection import capture
from verify.judging.evidence import Evidence
from verify.judging.opening_problem import OpeningCause, opening_problem
from verify.judging.optical import whole_mrz
from verify.session.waiting import COMES_BACK, wait_for_card
from verify.wording import ENGLISH


def read_card(
    reader: str,
    procedure: Callable[[], Procedure[Evidence]],
    *,
    wait: bool = False,
    trace: Callable[[str], None] | None = None,
) -> Evidence:
    """Run an inspection on the card in a reader; `trace` gets a line about each command.

    With `wait`, wait for the card first, and again if it leaves in mid-read: the inspection then
    begins anew, which `procedure` makes.  Raises `TransportError`.
    """
    while True:
        name = wait_for_card(reader, remark) if wait else reader
        try:
            with readers.connect(name, tell=remark) as connection:
                return capture(connection, procedure(), trace)
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
    else:
        said.append(ENGLISH(f"{key}.text"))
    remark("; ".join(each.rstrip(".") for each in said))
