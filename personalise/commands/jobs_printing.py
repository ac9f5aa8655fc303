"""The commands `personalise jobs export` and `printed`: to the printer and back.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.jobs_output import print_decided
from personalise.commands.ledger_options import as_json, folder_of
from personalise.commands.people import deciding, decision_options, work_options, working
from support.command_line import examples
from support.errors import ExitStatus, MalformedError, MisuseError
from support.printable_text import counted
from support.remarks import remark

if TYPE_CHECKING:
    from personalise.ledger.delivery import Personal
    from personalise.ledger.sql_ledger import SqlLedger
    from personalise.pki.keys.station import StationKeys
    from personalise.printing.record import PrintRecord
    from personalise.printing.results import PrintResult

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)
_OFFICE_OPTIONS = ("officers", "officer_passphrases")

station_key = click.option(
    "--station-key",
    type=_FILE,
    help="The station's private key, which decrypts the CAN.  [default: the matching key in your"
    " own data folder]",
)


@click.command("prepare", epilog=examples("personalise jobs prepare --pki pki"))
@as_json
@work_options
def prepare(*, as_json: bool, **options: Any) -> int:
    """Prepare the images of all received applications, without a card.

    A station does this by itself, as many as it needs; for the printer they are prepared before.
    Exit status: 64 if images could not be prepared, 0 otherwise.
    """
    from personalise.ledger.journal import station_slot
    from personalise.ledger.opening import ledger_url
    from personalise.ledger.states import JobState, Printing
    from personalise.station.line.preparation import PreparationSettings, Problem, prepare_all

    problems: list[Problem] = []
    with working("jobs prepare", **options) as (ledger, _), station_slot(ledger.id) as slot:
        folder = folder_of(options["folder"], options["ledger_url"])
        if folder is None:
            raise MisuseError("images are signed with the PKI's keys", advice="name it with --pki")
        url = ledger_url(options["ledger_url"], folder)
        ahead = 1 << 31
        secrets = options["passphrase_file"], options["pin_file"]
        settings = PreparationSettings(folder, url, *secrets, ahead)
        prepare_all(settings, ledger, slot.name, problems.append)
        waiting = sum(
            ledger.count_up_to(ahead, JobState.PREPARED, printing=each)
            for each in (Printing.NONE, Printing.WANTED)
        )
    if as_json:
        not_prepared = [{"application": each.job, "reason": each.reason} for each in problems]
        click.echo(json.dumps({"waiting": waiting, "not_prepared": not_prepared}))
    else:
        for each in problems:
            click.echo(f"{each.job}: {each.reason}")
        verb = "waits" if waiting == 1 else "wait"
        click.echo(f"{counted(waiting, 'application')} {verb} for a card or the printer")
    return ExitStatus.MISTAKE if problems else ExitStatus.OK


@click.command(
    "export",
    epilog=examples(
        "personalise jobs export --print monday.csv --pki pki",
        "personalise jobs export A-0123 A-4567 --print two.jsonl --again --pki pki",
        "personalise jobs export A-0123 --pki pki -o images/A-0123",
    ),
)
@click.argument("applications", nargs=-1)
@click.option(
    "--print",
    "print_file",
    type=_PATH,
    help="New file for the printer: NAME.csv or NAME.jsonl, with the portraits in NAME-portraits."
    " All applications that wait for a card, if none is named.",
)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="At most so many applications for the printer.",
)
@click.option(
    "--again",
    is_flag=True,
    help="Named applications also if they are at the printer; without names, all that are there.",
)
@click.option("-o", "--output", type=_PATH, help="New folder for the LDS image of one application.")
@station_key
@as_json
@decision_options
def export(
    applications: tuple[str, ...],
    print_file: Path | None,
    most: int,
    output: Path | None,
    station_key: Path | None,
    *,
    again: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write what is printed on cards, or an image; either is entered in the ledger.

    With --print, for an operator: a line a document, with the MRZ, the visual zone, the CAN, the
    portrait's file and the content of a barcode.  From then on each of these applications is
    written only to the card that comes back for it (`personalise jobs printed`).  The file and the
    portraits are personal data in clear, which only their owner can read; no purge reaches them.

    With -o, for a supervisor: the image of one application, in clear but for the chip's keys.
    """
    if print_file is not None and output is None:
        work = {name: value for name, value in options.items() if name not in _OFFICE_OPTIONS}
        _export_print(applications, print_file, most, station_key, again, as_json=as_json, **work)
    elif output is not None and print_file is None and len(applications) == 1:
        _export_image(applications[0], output, as_json=as_json, **options)
    else:
        raise MisuseError(
            "it is not said what to export",
            advice="name a file with --print, or one application and a folder with -o",
        )


def _export_image(application: str, output: Path, *, as_json: bool, **options: Any) -> None:
    from emrtd.lds.image import require_free

    require_free(output)
    with deciding("jobs.export", {"application": application}, **options) as decision:
        ledger, person, _ = decision
        ledger.export(application, by=person).save(output)
        print_decided(ledger, application, as_json=as_json)


def _export_print(
    applications: Sequence[str],
    path: Path,
    most: int,
    station_key: Path | None,
    again: bool,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    from personalise.printing.files import PrintFile
    from personalise.printing.record import portrait_name, record_of
    from personalise.station.sealed_image import SealedImage

    keys = _station_keys(station_key, options["passphrase_file"])

    def make(each: "Personal") -> tuple["PrintRecord", bytes]:
        image = SealedImage.unseal(each.image, keys, Path(each.job))
        name, portrait = portrait_name(each.job, each.application)
        return record_of(each.job, each.application, image, name), portrait

    def held(job: str, error: MalformedError) -> None:
        remark(f"{job}: held for a supervisor: {error.message}")

    with (
        working("jobs export --print", **options) as (ledger, person),
        PrintFile(path) as file,
    ):
        found = ledger.for_printer(make, applications, by=person, most=most, again=again, held=held)
        for record, portrait in found:
            file.add(record, portrait)
    if as_json:
        print_record = {"file": str(path), "portraits": str(file.portraits), "count": file.count}
        click.echo(json.dumps(print_record))
    elif file.count:
        click.echo(f"{path}: {counted(file.count, 'application')}, portraits in {file.portraits}")
    if not file.count:
        remark("no application waits for the printer, so no file was written")


@click.command("printed", epilog=examples("personalise jobs printed result.csv --pki pki --json"))
@click.argument("results", type=_FILE)
@station_key
@as_json
@work_options
def printed(results: Path, station_key: Path | None, *, as_json: bool, **options: Any) -> int:
    """Match the cards that came back from the printer to their applications.

    RESULTS is the printer's file, CSV or JSON lines: on each line `application`, `card` (the serial
    number), and what was printed: `document_number`, `mrz` (or `mrz_1` to `mrz_3`), `can`.  A card
    whose print is not its application's is rejected, and the application is printed again.  Only a
    card that was matched is written, with this application only.

    Exit status: 2 if a card was rejected or a line refused, 0 otherwise.
    """
    from personalise.printing.results import read_results

    found = read_results(results)
    outcomes = []
    keys = _station_keys(station_key, options["passphrase_file"])
    with working("jobs printed", **options) as (ledger, person):
        for each in found:
            outcome, reason = _match(ledger, each, keys, person)
            outcomes.append(
                {
                    "application": each.application,
                    "card": each.card,
                    "outcome": outcome,
                    "reason": reason,
                }
            )
    if as_json:
        click.echo(json.dumps(outcomes))
    else:
        for line in outcomes:
            click.echo("  ".join(filter(None, line.values())))
    all_matched = all(each["outcome"] == "matched" for each in outcomes)
    return ExitStatus.OK if all_matched else ExitStatus.REFERRED


def _match(
    ledger: "SqlLedger", result: "PrintResult", keys: "StationKeys", person: str
) -> tuple[str, str | None]:
    """Enter one line; return its outcome and the reason."""
    from personalise.printing.results import disagreement
    from personalise.station.sealed_image import SealedImage

    try:
        personal = ledger.personal(result.application)
        image = SealedImage.unseal(personal.image, keys, Path(result.application))
        differs = disagreement(result, image)
        if differs is None:
            ledger.printed(result.application, result.card, by=person)
            return "matched", None
        reason = f"{differs} is not the application's"
        ledger.print_rejected(result.application, result.card, reason, by=person)
    except MisuseError as error:
        return "refused", error.message
    return "rejected", reason


def _station_keys(file: Path | None, passphrase_file: Path | None) -> "StationKeys":
    from personalise.pki.keys.station import StationKeys
    from support.passphrase import read_passphrase

    return StationKeys(read_passphrase(passphrase_file), file)
