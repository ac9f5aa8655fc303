"""The command `verify`.  A subcommand imports its modules when it runs, so that --help is fast."""

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from support.command_line import Instant, examples, run_command_line, timing_option, trace_option
from support.errors import ExitStatus
from support.remarks import write_trace

if TYPE_CHECKING:
    from verify.judging.report import Report

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


ELSEWHERE = {
    "bulk": "Judge LDS images: those in folders and zips.",
    "desk": "Show a page that waits for cards, reads and judges them.",
    "trust": "Fill, show and edit a trust store.",
}
"""The commands that have a module of their own, of the same name, and what each does."""


class _LazyGroup(click.Group):
    """A group that imports the commands of other modules only when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in ELSEWHERE:
            module = import_module(f"verify.commands.{cmd_name}")
            command: click.Command = getattr(module, cmd_name)
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, of which those of other modules are not imported for it."""
        others = {name: click.Command(name, short_help=text) for name, text in ELSEWHERE.items()}
        click.Group(commands={**self.commands, **others}).format_commands(ctx, formatter)


@click.group(name="verify", cls=_LazyGroup)
@click.version_option(package_name="chipseal")
def verify() -> None:
    """Inspect electronic residence permits and other eMRTDs.

    Exit status: 0 accept, 1 reject, 2 refer to the second line, 64 a mistake in the command or its
    input, 69 no reader or no card, 70 an internal error.
    """


class _Files(NamedTuple):
    """The files to which a report is written, as the options name them."""

    written: Path | None
    portrait: Path | None
    log: Path | None
    with_holder: bool

    @property
    def has_no_picture(self) -> bool:
        """Whether no file is written that an image is decoded for again."""
        return self.written is None and self.portrait is None

    def require_writers(self) -> None:
        """Raise `MisuseError` if they cannot be written as asked, before a document is read."""
        if self.with_holder and self.log is None:
            from support.errors import MisuseError

            raise MisuseError("--with-holder needs --transaction FILE")
        if self.written is not None:
            from verify.showing.output import require_writer

            require_writer(self.written)

    def write(self, report: "Report") -> None:
        """Write them; raises `OSError`."""
        from verify.showing.output import write_log, write_portrait, write_report

        if self.written is not None:
            write_report(report, self.written)
        if self.portrait is not None:
            write_portrait(report, self.portrait)
        if self.log is not None:
            write_log(report, self.log, with_holder=self.with_holder)


def _judging(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command with a judgement has."""
    options = (
        click.option(
            "--trust", required=True, type=_FILE, help="Trust store, made by `verify trust add`."
        ),
        click.option(
            "--policy",
            default="default",
            show_default=True,
            help="Inspection policy: default, strict, old_reader or a TOML file.",
        ),
        click.option(
            "--at",
            type=Instant(),
            help="Judge as of this instant, in UTC; a day is its last second.  [default: now]",
        ),
        click.option(
            "--stop-list", type=_FILE, help="Look the document up in this signed stop list."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the report as a JSON object."),
        click.option(
            "--report",
            "written",
            type=_FILE,
            help="Write the report to a file: a PDF if its name ends in .pdf, otherwise HTML.",
        ),
        click.option(
            "--portrait",
            type=_FILE,
            help="Write the portrait to a file: as PNG if its name ends in .png, otherwise as the"
            " chip stores it.",
        ),
        click.option(
            "--transaction",
            "log",
            type=_FILE,
            help="Write the log of the inspection (TR-03135-1, 6.3) to a JSON file, without"
            " personal data.",
        ),
        click.option("--with-holder", is_flag=True, help="Write personal data to that log too."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@verify.command(
    epilog=examples(
        "verify card --can - --trust trust.sqlite",
        "verify card --mrz L898902C3,740812,120415 --trust trust.sqlite --report report.html",
    )
)
@click.option(
    "--reader",
    default="",
    help="PC/SC reader (part of its name), virtual:FILE, timed:PROFILE:FILE or feeder:DIR."
    "  [default: the only one]",
)
@click.option(
    "--mrz",
    metavar="TEXT|-",
    help="The printed MRZ, line breaks and spaces ignored, or NUMBER,YYMMDD,YYMMDD: document"
    " number, date of birth, date of expiry.  - reads it from standard input.",
)
@click.option("--can", metavar="N|-", help="The printed Card Access Number.")
@click.option(
    "--terminal",
    type=_FOLDER,
    help="Read fingerprints too, with this inspection system's folder (*.cvcert and *.p8).",
)
@click.option(
    "--passphrase-file",
    type=_FILE,
    help="File with the pass phrase of the inspection system's key.",
)
@click.option("--save", type=_FOLDER, help="Save the captured evidence in a new folder.")
@click.option(
    "--wait",
    is_flag=True,
    help="Wait for the card; if it leaves while it is read, wait for it again.  [default: a card"
    " must be there]",
)
@trace_option
@timing_option
@_judging
def card(
    *,
    reader: str,
    mrz: str | None,
    can: str | None,
    terminal: Path | None,
    passphrase_file: Path | None,
    save: Path | None,
    wait: bool,
    trace: bool,
    timing: bool,
    trust: Path,
    policy: str,
    at: datetime | None,
    stop_list: Path | None,
    as_json: bool,
    **files: Any,
) -> ExitStatus:
    """Read the chip of a card in a reader, and judge it.

    Without --mrz and --can, the command asks for one of them on a terminal.  The whole printed MRZ
    is compared with the one on the chip.  On a terminal, progress is shown.
    """
    from emrtd.biometrics.images.decoder import DECODER
    from emrtd.transport.timing import SessionTiming, table
    from support.passphrase import read_passphrase
    from verify.commands.credentials import read_credentials
    from verify.commands.progress import progress
    from verify.commands.reading import phased, read_card, tell_misread
    from verify.inspection import inspect
    from verify.inspection.terminal_folder import load_terminal
    from verify.session.judging import open_session

    wanted = _Files(**files)
    wanted.require_writers()
    DECODER.fork()
    if save is not None:
        from emrtd.lds.image import require_separate

        require_separate(save)
    inspection_system = (
        None if terminal is None else load_terminal(terminal, read_passphrase(passphrase_file))
    )
    timed = SessionTiming() if timing else None
    with open_session(trust, policy, at, stop_list=stop_list) as session:
        credentials, optical = read_credentials(mrz, can)
        with progress(as_json=as_json or trace) as listener:
            evidence = read_card(
                reader,
                lambda: inspect(
                    credentials,
                    basic_access_control=session.policy.basic_access_control,
                    optical_mrz=optical,
                    terminal=inspection_system,
                    life_cycle_status=session.policy.life_cycle_status,
                    listener=phased(listener, timed),
                ),
                wait=wait,
                trace=write_trace if trace else None,
                timing=timed,
            )
        if timed is not None:
            timed.begin("judging")
        tell_misread(evidence)
        report = session.judge(evidence)
        if not as_json or wanted.written is not None:
            report = session.with_grounds(report, inspection_system)
        if timed is not None:
            timed.begin("reporting")
        status = _tell(report, wanted, as_json=as_json)
    if save is not None and evidence.files:
        from verify.session.evidence import save_evidence

        save_evidence(evidence, save)
    if timed is not None:
        for line in table(timed.finish()):
            write_trace(line)
    return status


@verify.command(epilog=examples("verify image captured --trust trust.sqlite --at 2026-11-30"))
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "--mrz",
    metavar="TEXT|-",
    help="The printed MRZ, to compare with the one in the image; as for `verify card`.",
)
@_judging
def image(
    *,
    image: Path,
    mrz: str | None,
    trust: Path,
    policy: str,
    at: datetime | None,
    stop_list: Path | None,
    as_json: bool,
    **files: Any,
) -> ExitStatus:
    """Judge an LDS image: a folder or a zip of elementary files, or one such file."""
    from emrtd.biometrics.images.decoder import DECODER

    wanted = _Files(**files)
    DECODER.fork(once=wanted.has_no_picture)  # while this process is small
    from verify.session.evidence import load_evidence, with_printed_mrz
    from verify.session.judging import open_session

    wanted.require_writers()
    with open_session(trust, policy, at, stop_list=stop_list) as session:
        evidence = load_evidence(image)
        if mrz is not None:
            from verify.commands.credentials import read_optical

            evidence = with_printed_mrz(evidence, read_optical(mrz))
        report = session.judge(evidence)
        if not as_json or wanted.written is not None:
            report = session.with_grounds(report)
        return _tell(report, wanted, as_json=as_json)


def _tell(report: "Report", wanted: _Files, *, as_json: bool) -> ExitStatus:
    """Print the report and write the files asked for; return the verdict's exit status."""
    from verify.showing.output import print_report

    print_report(report, as_json=as_json)
    wanted.write(report)
    return report.verdict.exit_status


def main() -> int:
    """Run the command line; returns the exit status."""
    return run_command_line(verify)
