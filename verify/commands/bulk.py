"""`verify bulk`: judge many images, and say how many of them are accepted, referred or rejected."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from support.command_line import Instant, examples
from support.errors import ExitStatus, MisuseError
from support.printable_text import counted

if TYPE_CHECKING:
    from verify.bulk.finding import Found
    from verify.bulk.judging import Job
    from verify.bulk.rows import Row
    from verify.bulk.summary import Summary

_FILE = click.Path(path_type=Path, dir_okay=False)


_SHOWN: Final = 20
"""How many reasons the text shows; a million documents have thousands."""


@click.command(
    epilog=examples(
        "verify bulk captured/ --trust trust.sqlite --lines rows.jsonl",
        "verify bulk captured/ --trust trust.sqlite --resume rows.jsonl --json",
        "verify bulk list.txt --trust trust.sqlite --csv rows.csv --engine dask://scheduler:8786",
    )
)
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--trust", required=True, type=_FILE, help="Trust store, made by `verify trust add`.")
@click.option(
    "--policy",
    default="default",
    show_default=True,
    help="Inspection policy: default, strict, old_reader or a TOML file.",
)
@click.option("--stop-list", type=_FILE, help="Look documents up in this signed stop list.")
@click.option(
    "--at",
    type=Instant(),
    help="Judge as of this instant, in UTC.  [default: when the command begins]",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Processes on this machine.  [default: one for each core]",
)
@click.option(
    "--engine", default="", metavar="URL", help="Judge on the workers of dask://HOST:PORT instead."
)
@click.option("--csv", "table", type=_FILE, help="Write a row for each image as CSV.")
@click.option("--lines", type=_FILE, help="Write an object for each image, one on each line.")
@click.option(
    "--resume", type=_FILE, help="Go on where this file of --lines ends; it is made if absent."
)
@click.option(
    "--full", is_flag=True, help="Add the whole report to each line, with the holder's data."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as a JSON object.")
def bulk(
    *,
    paths: tuple[Path, ...],
    trust: Path,
    policy: str,
    stop_list: Path | None,
    at: datetime | None,
    jobs: int | None,
    engine: str,
    table: Path | None,
    lines: Path | None,
    resume: Path | None,
    full: bool,
    as_json: bool,
) -> ExitStatus:
    """Judge LDS images: those in folders and zips, and those that a list of paths names.

    A folder without folders or zips in it is one image.  PATH may be a file with one path on each
    line; - reads such a list from standard input.  An image that cannot be read has a row that says
    why.  Exit status 0 when every image has been judged or could not be read.
    """
    from verify.bulk.csv_file import CsvFile
    from verify.bulk.engines import make_engine
    from verify.bulk.finding import find_images, read_list
    from verify.bulk.rows import decode_row
    from verify.bulk.rows_file import RowsFile, check_settings
    from verify.bulk.running import judge_all, key_of, without
    from verify.bulk.summary import Summary

    if lines is not None and resume is not None and lines != resume:
        raise MisuseError(
            "--lines and --resume name different files", advice="--resume alone is enough"
        )
    began = time.monotonic()
    summary = Summary()
    names: set[bytes] = set()
    listed = list(read_list(sys.stdin.buffer)) if Path("-") in paths else []
    written = resume or lines
    own = [each for each in (written, table) if each is not None]

    def find() -> "Iterator[Found]":
        return find_images(paths, listed, ignored=own)

    with ExitStack() as stack:
        job = _make_job(trust, policy, at, stop_list, full=full)
        rows_file = (
            None
            if written is None
            else stack.enter_context(RowsFile(written, resumed=resume is not None))
        )
        csv_file = None if table is None else stack.enter_context(CsvFile(table))

        def take(row: "Row") -> None:
            summary.add(row)
            if csv_file is not None:
                csv_file.write(row)

        if resume is not None and rows_file is not None:
            instant = "" if at is None else job.at.isoformat(timespec="seconds")
            for row in check_settings(rows_file.rows(), job.policy.name, instant, resume):
                if key_of(row.image) in names:
                    raise MisuseError(f"{resume}: has two rows for an image: {row.image}")
                names.add(key_of(row.image))
                take(row)
        chosen = make_engine(engine, jobs)
        stack.callback(chosen.close)
        advance = stack.enter_context(_progress(find, summary.images, as_json=as_json))
        for answer in judge_all(chosen, job, without(find(), names)):
            if rows_file is not None:
                rows_file.write(answer)
            rows = [decode_row(line) for line in answer.splitlines()]
            for row in rows:
                take(row)
            advance(len(rows))
    _tell(summary, time.monotonic() - began, as_json=as_json)
    if summary.failed:
        return ExitStatus.DEFECT
    return ExitStatus.OK


def _make_job(
    trust: Path, policy: str, at: datetime | None, stop_list: Path | None, *, full: bool
) -> "Job":
    """Open the trust store and the policy, so that a mistake in either is reported first."""
    from hashlib import sha256

    from verify.bulk.judging import Job, release
    from verify.judging.policy import load_policy
    from verify.session.judging import load_stop_list
    from verify.trust.store import TrustStore

    found = load_policy(policy)
    with TrustStore.open(trust) as store:
        content = store.content_digest()
    instant = at or datetime.now(UTC).replace(microsecond=0)
    stops = None
    if stop_list is not None:
        octets = load_stop_list(stop_list).signed_data.der
        stops = str(stop_list.absolute()), sha256(octets).digest()
    return Job(
        str(trust.absolute()),
        content,
        found,
        instant,
        now=at is None,
        release=release(),
        full=full,
        stops=stops,
    )


def _tell(summary: "Summary", seconds: float, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary.as_json(seconds), indent=1))
        return
    from support.printable_text import printable

    counts = ", ".join(f"{count:,} {verdict}" for verdict, count in summary.verdicts.items())
    click.echo(f"{counted(summary.images, 'image')} in {seconds:.1f} s: {counts}")
    click.echo("\nState     accept      refer     reject")
    for state, verdicts in summary.by_state.items():
        click.echo(f"{state:7}" + "".join(f"{count:>10,} " for count in verdicts.values()).rstrip())
    reasons = summary.most_frequent_reasons(_SHOWN)
    if reasons:
        click.echo("\n    images  check and reason")
    for check_id, outcome, reason, count in reasons:
        click.echo(printable(f"{count:>10,}  {check_id}, {outcome}: {reason}"))


@contextmanager
def _progress(
    find: "Callable[[], Iterator[Found]]", done: int, *, as_json: bool
) -> Iterator[Callable[[int], object]]:
    """Show the rate and the time left, if standard error is a terminal; yield what to call.

    The images are counted beside, by a second search, which ends long before the judging.
    """
    if as_json or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    from support.errors import ChipsealError

    class Rate(ProgressColumn):
        """How many images are judged in a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed or 0:.0f} images/s")

    columns = (
        MofNCompleteColumn(),
        BarColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    ended = threading.Event()
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None, completed=done)

        def count() -> None:
            number = 0
            try:
                for _ in find():
                    number += 1
                    if ended.is_set():
                        return
            except (ChipsealError, OSError):  # the judging reports it
                return
            shown.update(task, total=number)

        counter = threading.Thread(target=count, daemon=True)
        counter.start()
        try:
            yield lambda number: shown.advance(task, number)
        finally:
            ended.set()
            counter.join()
