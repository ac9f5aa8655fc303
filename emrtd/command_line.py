"""What the three command lines share: exit statuses, and one line for every error."""

import sys
import traceback
from collections.abc import Callable, Sequence
from enum import IntEnum, unique
from typing import Final

import click

from emrtd.errors import EmrtdError, TransportError
from emrtd.harmless import harmless

DEBUG_FLAG: Final = "--debug"


@unique
class ExitStatus(IntEnum):
    """The exit statuses that others script against."""

    OK = 0
    REJECTED = 1
    REFERRED = 2
    MISTAKE = 64
    NO_CARD = 69
    DEFECT = 70


def run_command_line(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run a click command and return the exit status; errors become one line on stderr.

    `--debug`, anywhere on the line, adds the trace.  A trace shows code, never the value of a
    variable, so it cannot show a secret that the message does not.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = DEBUG_FLAG in arguments
    arguments = [argument for argument in arguments if argument != DEBUG_FLAG]
    name = command.name or "chipseal"

    def work() -> int:
        status = command.main(arguments, prog_name=name, standalone_mode=False)
        return status if isinstance(status, int) else ExitStatus.OK

    return _report_errors(name, work, debug=debug)


def _report_errors(name: str, work: Callable[[], int], *, debug: bool) -> int:
    try:
        return work()
    except click.exceptions.Exit as exit_request:
        return exit_request.exit_code
    except BrokenPipeError:
        return ExitStatus.OK
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback to users
        reason, status = _explain(error)
        return _fail(name, reason, status, debug=debug)


def _explain(error: Exception) -> tuple[str, ExitStatus]:
    match error:
        case click.Abort():
            return "interrupted", ExitStatus.MISTAKE
        case click.ClickException():
            return _without_arguments(error.format_message()), ExitStatus.MISTAKE
        case TransportError():
            return str(error), ExitStatus.NO_CARD
        case EmrtdError():
            return str(error), ExitStatus.MISTAKE
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror or error}", ExitStatus.MISTAKE
        case _:
            kind = type(error).__name__
            return (
                f"a defect of ours ({kind}): run again with {DEBUG_FLAG} and report the trace",
                ExitStatus.DEFECT,
            )


def _without_arguments(message: str) -> str:
    """Click repeats arguments that it did not expect: they may well be the lines of an MRZ."""
    if message.startswith("Got unexpected extra argument"):
        return "there are arguments too many: put a value of several lines or words in quotes"
    return message


def _fail(name: str, reason: str, status: ExitStatus, *, debug: bool = False) -> int:
    if debug:
        trace = traceback.TracebackException(*sys.exc_info())
        sys.stderr.write("".join(trace.stack.format()))
    sys.stderr.write(f"{name}: {harmless(' '.join(reason.split()))}\n")
    return status
