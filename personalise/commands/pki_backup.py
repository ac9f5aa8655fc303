"""The commands `personalise pki backup` and `pki restore`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from personalise.commands.pki_options import (
    make_operations,
    name_and_file,
    officer_passphrase,
    operation_options,
    pin_file,
    pin_from,
)
from support.command_line import examples
from support.errors import MisuseError

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)


@click.command(
    "backup", epilog=examples("personalise pki backup --required 2 --pki pki -o pki.backup")
)
@click.option("-o", "--output", type=_PATH, required=True, help="New file for the backup.")
@click.option(
    "--required",
    type=click.IntRange(1, 100),
    default=2,
    show_default=True,
    help="How many of the officers enrolled open it together.",
)
@operation_options
def backup(output: Path, required: int, **options: Any) -> None:
    """Write the PKI to one file that its officers open together, without the pass phrase.

    Keys in an HSM are not in it, nor what the ledger keeps.
    """
    from personalise.pki.auditing import verify_audit
    from personalise.pki.backup import write_backup
    from personalise.pki.folder import AUDIT_LOG_NAME
    from personalise.pki.officers import Officers
    from support.files import require_new
    from support.passphrase import read_passphrase

    require_new(output)
    if not output.parent.is_dir():
        raise MisuseError(f"{output.parent}: there is no such folder", advice="make it first")
    operations = make_operations(**options)
    pki, officers = operations.pki, Officers.load(operations.pki.folder)
    verify_audit(pki.folder)  # a log that does not verify could not be restored
    log = (pki.folder / AUDIT_LOG_NAME).read_bytes()
    subject = {"required": str(required), "officers": " ".join(sorted(officers.keys))}
    partial = output.with_name(f".{output.name}.partial")
    try:
        with operations.operation("pki.backup", subject):
            with partial.open("xb") as stream:
                partial.chmod(0o600)
                write_backup(
                    pki.folder,
                    stream,
                    state=pki.settings.state,
                    passphrase=read_passphrase(options["passphrase_file"]),
                    officers=officers.keys,
                    required=required,
                    at=operations.at,
                    log=log,
                )
            partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    names = ", ".join(sorted(officers.keys))
    click.echo(f"{output}: {output.stat().st_size:,} octets; {required} of {names} open it")
    if pki.settings.hsm is not None:
        click.echo("the keys in the HSM are not in it: copy them with the HSM's own means")


@click.command(
    "restore",
    epilog=examples(
        "personalise pki restore pki.backup -o pki --officer alice=alice.p8 --officer bob=bob.p8"
    ),
)
@click.argument("file", type=_FILE)
@click.option("-o", "--output", type=_PATH, required=True, help="New folder for the PKI.")
@click.option(
    "--officer",
    "officers",
    multiple=True,
    metavar="NAME=KEYFILE",
    help="Officer who opens the backup, and the file of their key; once for each.",
)
@click.option(
    "--officer-passphrase-file",
    "officer_passphrases",
    multiple=True,
    metavar="NAME=FILE",
    help="File whose first line is an officer's pass phrase.  [default: prompt for it]",
)
@click.option(
    "--crl",
    "published",
    type=_FILE,
    help="The last revocation list that was published, so that numbers go on behind it.",
)
@click.option(
    "--new-passphrase-file",
    type=_FILE,
    help="File whose first line is the pass phrase of the restored keys.  [default: as for `pki"
    " init`]",
)
@pin_file
def restore(  # noqa: PLR0917 - click's options
    file: Path,
    output: Path,
    officers: tuple[str, ...],
    officer_passphrases: tuple[str, ...],
    published: Path | None,
    new_passphrase_file: Path | None,
    pin_file: Path | None,
) -> None:
    """Make the PKI again from a backup, with the keys of enough officers and nothing else.

    What was signed after the backup is not in its register: see the runbook in docs/pki.md.
    """
    from emrtd.pki.x509.crl import MAX_CRL, Crl
    from personalise.pki.backup import read_header
    from personalise.pki.keys.officer import read_officer_key
    from personalise.pki.restoring import restore as make
    from support.files import decoding
    from support.passphrase import read_passphrase
    from support.records import read_bounded

    with file.open("rb") as stream:
        header = read_header(stream, str(file))
    phrases = dict(name_and_file(each, "--officer-passphrase-file") for each in officer_passphrases)
    keys = {}
    for name, path in (name_and_file(each, "--officer") for each in officers):
        keys[name] = read_officer_key(name, path, officer_passphrase(name, phrases.get(name)))
    last = None
    if published is not None:
        with decoding(published):
            last = Crl.parse(read_bounded(published, MAX_CRL))
    with file.open("rb") as stream:
        pki = make(
            stream,
            str(file),
            output,
            keys,
            read_passphrase(new_passphrase_file),
            datetime.now(UTC).replace(microsecond=0),
            published=last,
            pin=pin_from(pin_file),
        )
    click.echo(
        f"{output}: the PKI of {header.state}, as it was at {header.made:%Y-%m-%d %H:%M} UTC"
    )
    click.echo(f"the next revocation list has number {pki.settings.crl_number + 1}")
