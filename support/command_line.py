"""What the command lines share: exit statuses, and the output of errors (a line or JSON)."""

import io
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from support.collector import spare_collections
from support.core_dumps import forbid_core_dumps
from support.errors import ChipsealError, ExitStatus, MisuseError
from support.extras import extra_of
from support.printable_text import one_line

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_DAY: Final = "%Y-%m-%d"
_TIMES: Final = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z")


class Instant(click.DateTime):
    """An instant on a command line, with a time zone; without one it is UTC.

    A day alone is its last second: what was signed or issued on that day counts.
    """

    def __init__(self) -> None:
        super().__init__((_DAY, *_TIMES))

    def get_metavar(self, *_: Any, **__: Any) -> str:
        """Return what help shows in place of every format."""
        return "DATE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the instant."""
        read: datetime = super().convert(value, param, ctx)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
        is_day = isinstance(value, str) and len(value) == len("2026-11-30")
        last = time(23, 59, 59) if is_day else read.time()
        return datetime.combine(read.date(), last, UTC)


DEBUG_FLAG: Final = "--debug"
JSON_FLAG: Final = "--json"

_DEBUG_OPTION: Final = click.Option(
    [DEBUG_FLAG],
    is_flag=True,
    expose_value=False,
    help="Add the stack trace to an error; it shows no data.",
)

_PLATFORM: Final[str] = sys.platform


log_option = click.option(
    "--log",
    "log_form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Form of the log on standard error; json is one object a line (docs/integration.md).",
)


trace_option = click.option(
    "--trace",
    is_flag=True,
    help="Write a line to standard error for each command to the card: its name, sizes and status"
    " word, never its data.",
)


timing_option = click.option(
    "--timing",
    is_flag=True,
    help="Write a table to standard error: where the time went in each phase, waiting for the card"
    " and ours.",
)


class _Failure(NamedTuple):
    """An error as it is reported: `kind` is for scripts, `advice` says what to do about it."""

    kind: str
    what: str
    advice: str
    status: ExitStatus

    @property
    def line(self) -> str:
        """What is wrong and what to do, as one line without control characters."""
        text = f"{self.what}; {self.advice}" if self.advice else self.what
        return one_line(text)

    @property
    def record(self) -> dict[str, dict[str, str]]:
        """The error as `--json` prints it."""
        what, advice = one_line(self.what), one_line(self.advice)
        return {"error": {"kind": self.kind, "what": what, "advice": advice}}


def examples(*lines: str) -> str:
    """Return the end of a command's help: example commands, one a line."""
    heading = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(("\b", heading, *(f"  {line}" for line in lines)))


def run_command_line(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run a click command and return the exit status; errors become one line on stderr.

    With `--json` an error is also one object on standard output, in place of the result:
    `{"error": {"kind", "what", "advice"}}`.  `--debug`, anywhere on the line, adds the stack trace.
    It shows code and never the value of a variable, so it cannot reveal a secret.  The process may
    open private keys, so it leaves no core dump.
    """
    forbid_core_dumps()
    spare_collections()
    _settle_streams()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = DEBUG_FLAG in arguments
    arguments = [argument for argument in arguments if argument != DEBUG_FLAG]
    name = command.name or "chipseal"

    try:
        _require_posix()
        _list_debug(command, arguments)
        status = command.main(
            arguments, prog_name=name, standalone_mode=False, help_option_names=["-h", "--help"]
        )
        sys.stdout.flush()  # output that cannot be written is an error
        return status if isinstance(status, int) else ExitStatus.OK
    except click.exceptions.Exit as exit_request:
        return exit_request.exit_code
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback to users
        failure = _explain(error)
        if debug:
            import traceback

            trace = traceback.TracebackException.from_exception(error)
            sys.stderr.write("".join(trace.stack.format()))
        if _wants_json(arguments):
            import json

            sys.stdout.write(json.dumps(failure.record) + "\n")
            sys.stdout.flush()
        sys.stderr.write(f"{_log_line(arguments, failure) or f'{name}: {failure.line}'}\n")
        return failure.status


def _require_posix() -> None:
    """Raise `MisuseError` on Windows, which lacks the locks and the processes that we use."""
    if _PLATFORM == "win32":
        raise MisuseError("does not run on Windows", advice="use Linux, or Linux in WSL 2")


def _list_debug(command: click.Command, arguments: Sequence[str]) -> None:
    """List `--debug` in the help of a command and of the subcommands that the arguments name."""
    words = (argument for argument in arguments if not argument.startswith("-"))
    named: click.Command | None = command
    while named is not None:
        if _DEBUG_OPTION not in named.params:
            named.params.append(_DEBUG_OPTION)
        if not isinstance(named, click.Group):
            return
        word = next(words, None)
        named = None if word is None else named.get_command(click.Context(named), word)


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether the option `--json` is on the line, before any `--`."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return JSON_FLAG in before


def _log_line(arguments: Sequence[str], failure: _Failure) -> str:
    """Return an error as a line of the structured log; "" if the command does not write one."""
    pairs = zip(arguments, [*arguments, ""][1:], strict=True)
    if not any(each == "--log=json" or (each, value) == ("--log", "json") for each, value in pairs):
        return ""
    import logging

    from support.log import COMPONENTS, line

    component = next((each for each in arguments if each in COMPONENTS), "")
    if not component:
        return ""
    what, advice = one_line(failure.what), one_line(failure.advice)
    return line(component, logging.ERROR, "ended", what, kind=failure.kind, advice=advice)


def _explain(error: Exception) -> _Failure:
    match error:
        case click.Abort():
            return _Failure("interrupted", "interrupted", "", ExitStatus.MISTAKE)
        case click.ClickException():
            return _Failure("usage", *_mistake(error), ExitStatus.MISTAKE)
        case ChipsealError():
            return _Failure(error.kind, error.message, error.advice, error.exit_status)
        case ModuleNotFoundError() if extra := extra_of(error):
            package = str(error.name).partition(".")[0]
            what = f"the package {package} is not installed"
            return _Failure("usage", what, f"pip install 'chipseal[{extra}]'", ExitStatus.MISTAKE)
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            what = f"{where}{error.strerror or error}"
            return _Failure("system", what, "", ExitStatus.MISTAKE)
        case _:
            what = f"internal error ({type(error).__name__})"
            advice = f"run again with {DEBUG_FLAG} and report the trace"
            return _Failure("internal", what, advice, ExitStatus.DEFECT)


def _mistake(error: click.ClickException) -> tuple[str, str]:
    """Return what is wrong with a command line, and what to do."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # its message is the whole help
        return "no command is named", "--help lists the commands"
    if _is_about_extra_arguments(error):  # its message repeats them: a line of an MRZ?
        return "too many arguments", "put a value of several lines or words in quotes"
    return error.format_message(), ""


def _is_about_extra_arguments(error: click.ClickException) -> bool:
    """Whether a command received more arguments than it accepts.

    click has no type for this error, and its message may be translated.  But for a command without
    subcommands it is the only error whose type is `UsageError` itself.
    """
    if type(error) is not click.UsageError or error.ctx is None:
        return False
    return not isinstance(error.ctx.command, click.Group)


class _OutlastingFile(io.FileIO):
    """A file that accepts and discards writes after its reader has closed the pipe.

    A command whose reader (such as `head`) ends early therefore still runs to its end and keeps its
    exit status.  Any other error is raised once only: at exit the same octets are written again.
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
    """Open standard streams that were closed, and let output streams outlast their reader."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # closed before this process began
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
