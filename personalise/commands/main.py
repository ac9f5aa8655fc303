"""The command `personalise`.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

from pathlib import Path

import click

from personalise.commands.card_keys import card_keys
from personalise.commands.cvca import eac
from personalise.commands.incident import incident
from personalise.commands.intake import intake
from personalise.commands.intake_service import intake_service
from personalise.commands.jobs import jobs
from personalise.commands.ledger import ledger
from personalise.commands.officers import audit, officer
from personalise.commands.people import people
from personalise.commands.pki import pki
from personalise.commands.pki_act import act
from personalise.commands.pki_backup import backup, restore
from personalise.commands.pki_exchange import exchange
from personalise.commands.pki_init import pki_init, pki_plan
from personalise.commands.pki_rehearse import rehearse
from personalise.commands.pki_status import list_officers, show, show_audit, status
from personalise.commands.prepare import prepare, quality, seal_application
from personalise.commands.report import report
from personalise.commands.sign_service import sign_service
from personalise.commands.specimen import specimen
from personalise.commands.spoc import partner, spoc, terminal
from personalise.commands.spoc_messages import SPOC_COMMANDS
from personalise.commands.station import station
from personalise.commands.write import passwords, write
from support.command_line import examples, run_command_line


@click.group(name="personalise")
@click.version_option(package_name="chipseal")
def personalise() -> None:
    """Issue electronic residence permits and other eMRTDs.

    Exit status: 0 done, 64 a mistake in the command or its input, 65 the document cannot be
    written to this card, 69 no reader or no card, 70 an internal error.
    """


personalise.add_command(prepare)
personalise.add_command(seal_application)
personalise.add_command(intake)
personalise.add_command(write)
personalise.add_command(passwords)
personalise.add_command(station)
personalise.add_command(card_keys)
personalise.add_command(jobs)
personalise.add_command(ledger)
personalise.add_command(quality)
personalise.add_command(pki)
personalise.add_command(officer)
personalise.add_command(audit)
personalise.add_command(people)
personalise.add_command(incident)
personalise.add_command(report)
personalise.add_command(sign_service)
personalise.add_command(intake_service)
personalise.add_command(eac)
eac.add_command(spoc)
eac.add_command(partner)
eac.add_command(terminal)
for each in SPOC_COMMANDS:
    eac.add_command(each)
pki.add_command(act)
pki.add_command(backup)
pki.add_command(restore)
pki.add_command(rehearse)
pki.add_command(exchange)
pki.add_command(pki_init)
pki.add_command(pki_plan)
pki.add_command(status)
pki.add_command(show)
officer.add_command(list_officers)
audit.add_command(show_audit)


@personalise.command(
    epilog=examples("personalise demo", "personalise demo --in-process --profile permit -o shown")
)
@click.option(
    "--in-process",
    is_flag=True,
    help="Run every command and the virtual chip in one process, without a reader and pcscd.",
)
@click.option(
    "--reader-port",
    type=int,
    help="Port of the virtual reader to use.  [default: the first free one]",
)
@click.option("--hsm", "with_hsm", is_flag=True, help="Keep the PKI's keys in SoftHSM.")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    default=("permit", "permit-bac", "passport"),
    help="Chip profile, once for each document.  [default: permit, permit-bac, passport]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for the output; the folder of an earlier demonstration is emptied.",
)
def demo(
    *,
    in_process: bool,
    reader_port: int | None,
    with_hsm: bool,
    profiles: tuple[str, ...],
    output: Path,
) -> int:
    """Issue documents onto virtual cards in a PC/SC reader, and inspect them."""
    from rich.console import Console

    from personalise.demonstration.demo import run_demo

    return run_demo(
        output,
        profiles,
        Console(),
        in_process=in_process,
        with_hsm=with_hsm,
        port=reader_port,
    )


personalise.add_command(specimen)


def main() -> int:
    """Run the command line and return the exit status."""
    return run_command_line(personalise)
