"""What the three command lines share: exit statuses, and one line for every error."""

import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from support.errors import ChipsealError, ExitStatus
from support.printable_text import printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

DEBUG_FLAG: Final = "--debug"


def run_command_line(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run a click command and return the exit status; errors become one line on stderr.

    `--debug`, anywhere on the line, adds the trace.  A trace shows code, never the value of a
    variable, so it cannot show a secret that the message does not.
    """
    _settle_streams()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = DEBUG_FLAG in arguments
    arguments = [argument for argument in arguments if argument != DEBUG_FLAG]
    name = command.name or "chipseal"

    def work() -> int:
        status = command.main(arguments, prog_name=name, standalone_mode=False)
        sys.stdout.flush()  # what does not reach its reader is an error, not a done
        return status if isinstance(status, int) else ExitStatus.OK

    return _report_errors(name, work, debug=debug)


def _report_errors(name: str, work: Callable[[], int], *, debug: bool) -> int:
    try:
        return work()
    except click.exceptions.Exit as exit_request:
        return exit_request.exit_code
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback to users
        reason, status = _explain(error)
        return _fail(name, reason, status, debug=debug)


def _explain(error: Exception) -> tuple[str, ExitStatus]:
    match error:
        case click.Abort():
            return "interrupted", ExitStatus.MISTAKE
        case click.ClickException():
            return _mistake(error), ExitStatus.MISTAKE
        case ChipsealError():
            return str(error), error.exit_status
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror or error}", ExitStatus.MISTAKE
        case _:
            kind = type(error).__name__
            return (
                f"a defect of ours ({kind}): run again with {DEBUG_FLAG} and report the trace",
                ExitStatus.DEFECT,
            )


def _mistake(error: click.ClickException) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # its message is the whole help
        return "names no command; --help shows those there are"
    message = error.format_message()
    if message.startswith("Got unexpected extra argument"):  # and repeats it: a line of an MRZ?
        return "there are arguments too many: put a value of several lines or words in quotes"
    return message


def _fail(name: str, reason: str, status: ExitStatus, *, debug: bool = False) -> int:
    if debug:
        trace = traceback.TracebackException(*sys.exc_info())
        sys.stderr.write("".join(trace.stack.format()))
    sys.stderr.write(f"{name}: {printable(' '.join(reason.split()))}\n")
    return status


class _OutlastingFile(io.FileIO):
    """A file to which writing goes on when nobody reads it any more.

    So a verdict keeps its exit status, and a command goes to its end, where a reader like `head`
    has seen enough.  Any other failure is told once: the same octets come again at exit.
    """

    _lost = False

    def write(self, octets: "Buffer") -> int:
        size = memoryview(octets).nbytes
        if self._lost:
            return size
        try:
            return super().write(octets)
        except BrokenPipeError:
            return size
        except OSError as error:
            self._lost = True
            where = "standard output" if self.fileno() == 1 else "standard error"
            raise OSError(error.errno, error.strerror, where) from None


def _settle_streams() -> None:
    """Have every standard stream there, and outlast its reader."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # it was closed before we began
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
        elif mode == "w" and stream is getattr(sys, f"__{name}__"):
            stream.flush()
            outlasting = io.TextIOWrapper(
                io.BufferedWriter(_OutlastingFile(stream.fileno(), "w", closefd=False)),
                encoding=stream.encoding,
                errors=stream.errors,
                line_buffering=stream.line_buffering,
            )
            setattr(sys, name, outlasting)
