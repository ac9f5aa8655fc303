"""The command `personalise report`: the month of the service."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from personalise.commands.ledger_options import ledger_options, opened_ledger
from support.command_line import examples
from support.errors import MisuseError

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path, dir_okay=False)


@click.command(
    "report",
    epilog=examples(
        "personalise report --month 2026-11 --pki pki --html november.html --csv november.csv"
    ),
)
@click.option(
    "--month",
    type=click.DateTime(["%Y-%m"]),
    help="The month, YYYY-MM.  [default: the one before this]",
)
@click.option("--html", type=_PATH, help="File for a page; an existing one is replaced.")
@click.option("--csv", "table", type=_PATH, help="File for rows; an existing one is replaced.")
@click.option(
    "--metrics",
    type=_FILE,
    multiple=True,
    help="Saved metrics of the signing service or of a station, for the percentiles; once for"
    " each.",
)
@ledger_options
def report(  # noqa: PLR0917 - click's options
    month: datetime | None,
    html: Path | None,
    table: Path | None,
    metrics: tuple[Path, ...],
    folder: Path | None,
    ledger_url: str | None,
    passphrase_file: Path | None,
    pin_file: Path | None,
) -> None:
    """Print a month's signatures, cards, rejects, latencies, incidents, changes and what is due.

    It names no person and no document.
    """
    from personalise.ledger.opening import has_ledger
    from personalise.pki.issuing_pki import IssuingPki
    from personalise.reporting.histograms import latencies_in
    from personalise.reporting.month import report as make
    from personalise.reporting.output import as_csv, as_html
    from support.files import require_own, write_atomically
    from support.pages import PAGE
    from support.records import read_bounded

    if folder is None:
        raise MisuseError("a report is made of a PKI", advice="name it with --pki")
    if html is not None:
        require_own(html, PAGE, "page")
    if table is not None:
        require_own(table, b"section,name,value", "table of a report")
    now = datetime.now(UTC)
    begin = month.replace(tzinfo=UTC) if month is not None else _month_before(now)
    if begin > now:
        raise MisuseError(f"--month: {begin:%Y-%m} has not begun")
    texts = [read_bounded(path, 16 << 20).decode("utf-8", "replace") for path in metrics]
    with ExitStack() as stack:
        jobs = None
        if has_ledger(ledger_url, folder):
            ledger = stack.enter_context(
                opened_ledger(folder, ledger_url, passphrase_file, pin_file)
            )
            jobs = ledger.jobs()
        found = make(IssuingPki.without_keys(folder), begin, jobs, latencies_in(texts), now)
    if html is not None:
        write_atomically(html, as_html(found).encode())
    if table is not None:
        write_atomically(table, as_csv(found).encode())
    if html is None and table is None:
        click.echo(as_csv(found), nl=False)


def _month_before(at: datetime) -> datetime:
    years, month = divmod(at.month - 2, 12)
    return datetime(at.year + years, month + 1, 1, tzinfo=UTC)
