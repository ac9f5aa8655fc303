"""The command `personalise intake`.

It imports what it needs when it runs, so that `--help` stays fast.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from personalise.commands.pki_options import open_pki, passphrase_file, pin_file, pki_folder
from support.command_line import examples
from support.errors import ExitStatus
from support.printable_text import counted
from support.remarks import remark

if TYPE_CHECKING:
    from personalise.intake.intake import Checked
    from personalise.intake.receipt import ReceivedPackage
    from personalise.intake.unwrapping import IntakeKey

_PATH = click.Path(path_type=Path)
_MEGABYTE = 1024 * 1024


@click.command(
    epilog=examples(
        "personalise intake applications --pki pki",
        "personalise intake inbox/*.p7m --pki pki --senders senders.pem --receipt receipt.p7m",
    )
)
@click.argument("paths", metavar="PATH...", type=_PATH, nargs=-1, required=True)
@pki_folder
@click.option(
    "--ledger",
    "ledger_url",
    metavar="URL",
    help="Ledger: sqlite:///FILE or postgresql://...  [default: what CHIPSEAL_LEDGER names, or"
    " ledger.sqlite in the PKI's folder]",
)
@click.option(
    "--senders",
    "senders_path",
    type=click.Path(path_type=Path, exists=True),
    help="File or folder with the certificates of senders, or of their CAs (PEM or DER), and"
    " revocation lists.  Packages must be signed by one of them.",
)
@click.option(
    "--receipt",
    "receipt_path",
    type=_PATH,
    help="New file for the receipt, or a folder for one receipt of each package: CMS SignedData"
    " over JSON, verified with the PKI's receipt.cer.",
)
@click.option(
    "--profile",
    "profile_name",
    default="permit",
    show_default=True,
    help="Chip profile: the name of an installed one (permit, permit-bac, passport,"
    " permit-jmrtd-applet), or a file.",
)
@click.option("--priority", default=0, show_default=True, help="Higher ones are made earlier.")
@click.option(
    "--max-age",
    type=click.FloatRange(min=0, min_open=True),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="How long ago a package may have been signed.",
)
@click.option(
    "--max-applications",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Applications that one package may hold.",
)
@click.option(
    "--max-megabytes",
    type=click.FloatRange(min=0, min_open=True),
    default=256,
    show_default=True,
    help="Size that one package may have.",
)
@click.option(
    "--allow-pkcs1", is_flag=True, help="Read packages that are encrypted with RSA PKCS#1 v1.5."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Processes that check applications.  [default: one for each core]",
)
@click.option(
    "--resume",
    is_flag=True,
    help="An intake of these packages was interrupted: one that was entered has the receipt that it"
    " would have had then.",
)
@passphrase_file
@pin_file
@click.option("--json", "as_json", is_flag=True, help="Print the content of the receipt.")
def intake(  # noqa: PLR0917 - click's options
    paths: tuple[Path, ...],
    folder: Path,
    ledger_url: str | None,
    senders_path: Path | None,
    receipt_path: Path | None,
    profile_name: str,
    priority: int,
    max_age: float,
    max_applications: int,
    max_megabytes: float,
    jobs: int | None,
    passphrase_file: Path | None,
    pin_file: Path | None,
    *,
    allow_pkcs1: bool,
    resume: bool,
    as_json: bool,
) -> int:
    """Take applications into the ledger.

    PATH is the folder of an application, an encrypted package, or a folder of these.  What is wrong
    is refused, and does not stop the rest.

    Exit status: 0 if everything was taken, 2 if something is held for a supervisor, 64 if something
    was refused.
    """
    from personalise.intake.archive_rules import Limits
    from personalise.intake.checking import InProcesses
    from personalise.intake.intake import Intake, Terms
    from personalise.intake.receipt import Receipt, require_receipt_signer, write_receipts
    from personalise.intake.recovering import RecoveringReceiver
    from personalise.intake.senders import Senders
    from personalise.intake.validation import Outcome, Validator
    from personalise.ledger.opening import ledger_url as url_of
    from personalise.ledger.opening import open_ledger
    from personalise.pki.clock import require_clock
    from personalise.pki.intake_keys import intake_keys
    from personalise.pki.people import require_operator
    from personalise.preparing.chip_profile import ChipProfile
    from support.cores import usable_cores
    from support.files import require_new

    require_operator(folder, "intake")
    if receipt_path is not None and receipt_path.is_file():
        require_new(receipt_path)
    at = datetime.now(UTC).replace(microsecond=0)
    senders = None if senders_path is None else Senders.load(senders_path)
    profile = ChipProfile.load(profile_name)
    pki = open_pki(folder, passphrase_file, pin_file, with_signing_keys=receipt_path is not None)
    require_clock(pki.folder, at, pki.settings.accepted_clock)
    if receipt_path is not None:
        require_receipt_signer(pki)  # fail before anything is taken if it cannot be signed

    @cache
    def keys() -> "list[IntakeKey]":
        return [*intake_keys(pki)]

    terms = Terms(
        profile=str(Path(profile_name).resolve()) if Path(profile_name).is_file() else profile_name,
        validator=Validator.of(pki, profile, at),
        limits=Limits(max_applications, int(max_megabytes * _MEGABYTE)),
        senders=senders,
        max_age=timedelta(days=max_age),
        allow_pkcs1=allow_pkcs1,
        priority=priority,
    )
    received = []
    checker = InProcesses(terms.validator, jobs or usable_cores())
    ledger = open_ledger(url_of(ledger_url, folder), pki, create=True)
    try:
        with closing(checker), _progress() as checked:
            receiver = RecoveringReceiver(ledger) if resume else ledger
            for package in Intake(receiver, terms, keys, checked, checker).run(paths):
                received.append(package)
                _report(package)
    finally:
        ledger.close()
        receipt = Receipt(pki.settings.state, at, received)
        if receipt_path is not None and received:
            write_receipts(receipt_path, receipt, pki)
    counts = {outcome: receipt.count(outcome) for outcome in Outcome}
    if as_json:
        click.echo(json.dumps(receipt.record(), ensure_ascii=False))
    else:
        summary = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.items())
        click.echo(f"{summary}; {counted(receipt.refused_packages, 'package')} refused whole")
    if counts[Outcome.REFUSED] or receipt.refused_packages:
        return ExitStatus.MISTAKE
    return ExitStatus.REFERRED if counts[Outcome.HELD] else ExitStatus.OK


@contextmanager
def _progress() -> "Iterator[Checked]":
    """Show how many applications were checked, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,} applications checked"))
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("")
        yield lambda _: progress.advance(task)


def _report(package: "ReceivedPackage") -> None:
    """Name what was refused or held, on standard error."""
    from personalise.intake.refusals import Refusal
    from personalise.intake.validation import Outcome

    if package.refusal is not None:
        advice = package.refusal.advice
        if package.refusal.refusal is Refusal.REPLAYED:
            advice = "if it has no receipt since the intake was interrupted, repeat with --resume"
        said = f"; {advice}" if advice else ""
        remark(f"{package.name}: refused: {package.refusal.message}{said}")
    for each in package.applications:
        verdict = each.verdict
        if verdict.outcome is not Outcome.TAKEN:
            where = f"{verdict.field}: " if verdict.field else ""
            advice = f"; {verdict.advice}" if verdict.advice else ""
            place = f"{package.name}: application {each.position}"
            remark(f"{place}: {verdict.outcome}: {where}{verdict.reason}{advice}")
