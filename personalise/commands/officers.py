"""The commands `personalise officer` and `audit`: who approves, and the log of what was done."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.pki_options import (
    make_operations,
    officer_passphrase,
    operation_options,
    pki_folder,
)
from support.command_line import examples
from support.errors import MisuseError

if TYPE_CHECKING:
    from emrtd.crypto.signatures import PublicKey

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)


@click.group()
def officer() -> None:
    """The officers of a PKI, and the operations that need them."""


_new_passphrase = click.option(
    "--new-passphrase-file",
    type=_FILE,
    help="File whose first line is the pass phrase of the new key.  [default: prompt for it]",
)


@officer.command("enrol", epilog=examples("personalise officer enrol alice --pki pki -o alice.p8"))
@click.argument("name")
@click.option("-o", "--output", type=_PATH, help="File for the new key.")
@_new_passphrase
@click.option(
    "--public-key",
    type=_FILE,
    help="The public key of an officer who has made a key with `officer key`, in place of -o.",
)
@operation_options
def enrol(
    name: str,
    output: Path | None,
    new_passphrase_file: Path | None,
    public_key: Path | None,
    **options: Any,
) -> None:
    """Add the officer NAME to the PKI, with a new key or with the public key of their own."""
    from emrtd.crypto.public_keys import decode_public_key
    from support.files import decoding
    from support.records import read_bounded

    if (output is None) == (public_key is None):
        raise MisuseError("give either -o FILE for a new key, or --public-key FILE")
    if public_key is not None:
        with decoding(public_key):
            key = decode_public_key(read_bounded(public_key, 64 * 1024))
        make_operations(**options).enrol_officer(name, key)
        click.echo(f"{name} is an officer")
    elif output is not None:
        operations = make_operations(**options)
        key = _make_officer_key(name, output, new_passphrase_file)
        try:
            operations.enrol_officer(name, key)
        except BaseException:
            output.unlink()
            raise
        click.echo(f"{name} is an officer; their key is in {output}")


@officer.command("key", epilog=examples("personalise officer key alice -o alice.p8"))
@click.argument("name")
@click.option("-o", "--output", type=_PATH, required=True, help="File for the new key.")
@_new_passphrase
def officer_key(name: str, output: Path, new_passphrase_file: Path | None) -> None:
    """Make a key for the officer NAME at their own machine, without the PKI.

    Its public half is written beside it, for `officer enrol --public-key`.
    """
    from emrtd.crypto.public_keys import encode_public_key
    from support.files import require_new, write_atomically

    public = output.with_suffix(".pub")
    require_new(public)
    key = _make_officer_key(name, output, new_passphrase_file)
    write_atomically(public, encode_public_key(key))
    click.echo(f"{output} is the key of {name}; give {public} to the PKI")


def _make_officer_key(name: str, output: Path, new_passphrase_file: Path | None) -> "PublicKey":
    from emrtd.crypto.key_kinds import generate_private_key
    from emrtd.pki.private_key_file import encrypt_private_key
    from support.files import require_new, write_atomically

    require_new(output)
    passphrase = officer_passphrase(name, new_passphrase_file, new=True)
    key = generate_private_key("secp256r1")
    write_atomically(output, encrypt_private_key(key, passphrase), mode=0o600)
    return key.public_key


@officer.command(
    "require",
    epilog=examples(
        "personalise officer require 2 --pki pki --officer alice=alice.p8 --officer bob=bob.p8"
    ),
)
@click.argument("number", type=click.IntRange(0, 9))
@click.option(
    "--operation",
    "named",
    multiple=True,
    help="Operation that requires them; once for each.  [default: all operations]",
)
@operation_options
def require(number: int, named: tuple[str, ...], **options: Any) -> None:
    """Require NUMBER officers for operations of the PKI."""
    from personalise.pki.officers import OPERATIONS, known_operations

    chosen = known_operations(named, "--operation") or OPERATIONS
    make_operations(**options).require_officers(number, chosen)
    click.echo(f"{number} officers approve from now on: {', '.join(sorted(chosen))}")


@click.group()
def audit() -> None:
    """The audit log of a PKI."""


@audit.command("verify", epilog=examples("personalise audit verify --pki pki"))
@pki_folder
@click.option("--head", help="Head of the log that was noted earlier; it must still be in the log.")
def verify_audit(folder: Path, head: str | None) -> None:
    """Verify the whole log: hash chain, signatures, approvals.

    Note the head that is printed: `--head` checks a later log against it.
    """
    from personalise.pki.operations import verify_audit as verify

    found = verify(folder, head)
    entries = "1 entry" if found.entries == 1 else f"{found.entries} entries"
    click.echo(f"{entries}, head {found.digest}")
