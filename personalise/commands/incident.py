"""The commands `personalise incident`: what went wrong, in the audit log."""

from pathlib import Path
from typing import Any

import click

from personalise.commands.pki_options import make_operations, operation_options, pki_folder
from support.command_line import examples
from support.printable_text import counted

_WHAT = "What happened, in one line. It stays in the audit log: name no person and no document."


@click.group()
def incident() -> None:
    """Incidents of the PKI: opened, noted on and closed in its audit log."""


@incident.command(
    "open",
    epilog=examples(
        'personalise incident open "the HSM answered nothing for an hour" --severity 2 --pki pki',
        'personalise incident open "a signer\'s key may be known" --certificate ds --pki pki',
    ),
)
@click.argument("what")
@click.option(
    "--severity",
    type=click.Choice(["1", "2", "3", "4"]),
    default="3",
    show_default=True,
    help="1: documents may be forged, or nothing can be issued; 4: no effect on service.",
)
@click.option(
    "--certificate",
    help="Certificate that it concerns, as `pki status` names it (`ds-1`), or its serial number."
    " Its documents are counted, and its revocation belongs to the incident.",
)
@operation_options
def open_(what: str, severity: str, certificate: str | None, **options: Any) -> None:
    """Open an incident; prints its number."""
    from personalise.pki.incidents import open_incident
    from personalise.pki.naming import find_certificate

    operations = make_operations(**options)
    concerned = None if certificate is None else find_certificate(operations.pki, certificate)
    number = open_incident(operations, severity, what, concerned)
    click.echo(number)
    if concerned is not None:
        click.echo(
            f"if its key is known to others: personalise pki revoke {concerned.serial:X}"
            " --affected FILE",
            err=True,
        )


@incident.command(
    "note", epilog=examples('personalise incident note INC-2026-0001 "it answers again" --pki pki')
)
@click.argument("number")
@click.argument("what")
@operation_options
def note(number: str, what: str, **options: Any) -> None:
    """Enter a note on an open incident."""
    from personalise.pki.incidents import NOTE, enter

    enter(make_operations(**options), NOTE, number, what)
    click.echo(f"{number}: noted")


@incident.command(
    "close",
    epilog=examples('personalise incident close INC-2026-0001 "cause: a full disk" --pki pki'),
)
@click.argument("number")
@click.argument("what")
@operation_options
def close(number: str, what: str, **options: Any) -> None:
    """Close an incident, with its cause and what was done."""
    from personalise.pki.incidents import CLOSE, enter

    enter(make_operations(**options), CLOSE, number, what)
    click.echo(f"{number}: closed")


@incident.command("list", epilog=examples("personalise incident list --open --pki pki"))
@click.option("--open", "only_open", is_flag=True, help="Those that are not closed.")
@click.option("--json", "json", is_flag=True, help="Print one JSON array.")
@pki_folder
def list_(folder: Path, *, only_open: bool, json: bool) -> None:
    """List the incidents, the oldest first; no pass phrase is needed."""
    import msgspec

    from personalise.pki.auditing import audit_entries
    from personalise.pki.incidents import incidents_in
    from support.printable_text import printable

    found = incidents_in(audit_entries(folder))
    found = [each for each in found if each.closed is None or not only_open]
    if json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    for each in found:
        state = "open" if each.closed is None else f"closed {each.closed}"
        click.echo(
            printable(f"{each.number}  {each.severity}  {each.opened}  {state:28} {each.what}")
        )


@incident.command("show", epilog=examples("personalise incident show INC-2026-0001 --pki pki"))
@click.argument("number")
@pki_folder
def show(number: str, folder: Path) -> None:
    """Print an incident with everything that was entered, and done to its certificate meanwhile."""
    from personalise.pki.auditing import audit_entries
    from personalise.pki.incidents import incidents_in
    from support.errors import MisuseError
    from support.printable_text import printable

    found = [each for each in incidents_in(audit_entries(folder)) if each.number == number]
    if not found:
        raise MisuseError(
            f"there is no incident {number!r}", advice="see `personalise incident list`"
        )
    (each,) = found
    click.echo(printable(f"{each.number}, severity {each.severity}: {each.what}"))
    if each.certificate is not None:
        signed = counted(each.documents or 0, "document")
        click.echo(f"certificate {each.certificate}, which had signed {signed}")
    for entry in each.entries:
        by = f" by {', '.join(entry.officers)}" if entry.officers else ""
        text = f"{entry.at}  {entry.operation:16} {entry.outcome}{by}  {entry.what}"
        click.echo(printable(text))
