"""The commands that show a PKI and change nothing: `pki status`, `pki show`, `officer list`, …"""

from datetime import UTC, datetime
from pathlib import Path

import click

from personalise.commands.pki_options import pki_folder
from support.command_line import examples

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path, dir_okay=False)


@click.command(
    "status",
    epilog=examples("personalise pki status pki", "personalise pki status pki --html status.html"),
)
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--json", "json", is_flag=True, help="Print one JSON object.")
@click.option("--html", type=_PATH, help="File for a page of it; an earlier page is replaced.")
def status(folder: Path, *, json: bool, html: Path | None) -> int:
    """Show every key, certificate, CRL and list of a PKI, and what is due by when.

    No pass phrase is needed.  The exit status is 2 if something is overdue, for monitoring.
    """
    from personalise.pki.issuing_pki import IssuingPki
    from personalise.pki.status.due import due
    from personalise.pki.status.output import as_html, as_json, as_text
    from personalise.pki.status.overview import read_overview
    from personalise.spoc.status import with_spoc
    from support.files import require_own, write_atomically
    from support.pages import PAGE

    if html is not None:
        require_own(html, PAGE, "page")
    overview = read_overview(IssuingPki.without_keys(folder), datetime.now(UTC))
    overview, to_do = with_spoc(folder, overview, due(overview))
    if html is not None:
        write_atomically(html, as_html(overview, to_do).encode())
    if json:
        click.echo(as_json(overview, to_do))
    else:
        for line in as_text(overview, to_do):
            click.echo(line)
    return 2 if any(each.overdue for each in to_do) else 0


@click.command("show", epilog=examples("personalise pki show pki/csca.cer pki/crl.crl"))
@click.argument("files", type=_FILE, nargs=-1, required=True)
def show(files: tuple[Path, ...]) -> None:
    """Print what is in certificates (X.509, card-verifiable), CRLs, Master and Deviation Lists."""
    from personalise.pki.status.describing import describe_file
    from support.printable_text import printable

    for path in files:
        for line in describe_file(path):
            click.echo(printable(line))


@click.command("list", epilog=examples("personalise officer list --pki pki"))
@pki_folder
@click.option("--json", "json", is_flag=True, help="Print one JSON object.")
def list_officers(folder: Path, *, json: bool) -> None:
    """List the officers of a PKI, and what they must approve."""
    from hashlib import sha256
    from json import dumps

    from emrtd.crypto.public_keys import encode_public_key
    from personalise.pki.officers import Officers

    officers = Officers.load(folder)
    keys = {name: sha256(encode_public_key(key)).hexdigest() for name, key in officers.keys.items()}
    guarded = sorted(officers.guarded) if officers.required else []
    if json:
        record = {"officers": keys, "required": officers.required, "operations": guarded}
        click.echo(dumps(record, indent=2))
        return
    for name, digest in sorted(keys.items()):
        click.echo(f"{name:20} key {digest}")
    if not keys:
        click.echo("no officer is enrolled")
    elif guarded:
        click.echo(f"{officers.required} approve: {', '.join(guarded)}")
    else:
        click.echo("no operation requires an officer")


@click.command("show", epilog=examples("personalise audit show --since 2026-11-01 --pki pki"))
@pki_folder
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Entries from this day on (UTC).")
@click.option("--json", "json", is_flag=True, help="Print one JSON object for each entry.")
def show_audit(folder: Path, since: datetime | None, *, json: bool) -> None:
    """Print the entries of the audit log; each is verified before it is printed."""
    from json import dumps

    from personalise.pki.auditing import audit_entries
    from support.printable_text import printable

    first = "" if since is None else f"{since:%Y-%m-%d}"
    for entry in audit_entries(folder):
        if entry.at < first:
            continue
        names = [each.officer for each in entry.approvals]
        if json:
            record = {
                "sequence": entry.sequence,
                "at": entry.at,
                "operation": entry.operation,
                "subject": dict(entry.subject),
                "outcome": entry.outcome,
                "officers": names,
            }
            click.echo(dumps(record))
            continue
        subject = " ".join(f"{name}={value}" for name, value in entry.subject.items())
        by = f"  by {', '.join(names)}" if names else ""
        text = f"{entry.sequence:5} {entry.at}  {entry.operation:20} {entry.outcome}  {subject}{by}"
        click.echo(printable(text))
