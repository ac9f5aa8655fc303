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


_tsa_certificate = click.option(
    "--tsa-certificate",
    type=_FILE,
    help="Certificate of the time-stamp authority, or of its CA.  [default: the one beside the"
    " time stamps]",
)
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


@officer.command(
    "remove",
    epilog=examples(
        "personalise officer remove bob --pki pki --officer alice=alice.p8 --officer carol=carol.p8"
    ),
)
@click.argument("name")
@operation_options
def remove(name: str, **options: Any) -> None:
    """Remove the officer NAME, who is gone or whose key is lost: they approve nothing more.

    What they approved before stays valid, and their name is not used again.
    """
    operations = make_operations(**options)
    operations.remove_officer(name)
    click.echo(
        f"{name} is no longer an officer; make a new backup, since {name} opens the old ones"
    )
    people = operations.pki.settings.people
    if f"officer:{name}" in {*people.operators, *people.supervisors}:
        click.echo(f"`personalise people` still names officer:{name}", err=True)


@officer.command("key", epilog=examples("personalise officer key alice -o alice.p8"))
@click.argument("name")
@click.option("-o", "--output", type=_PATH, required=True, help="File for the new key.")
@_new_passphrase
def officer_key(name: str, output: Path, new_passphrase_file: Path | None) -> None:
    """Make a key for the officer NAME at their own machine, without the PKI.

    Its public half is written beside it, for `officer enrol --public-key`.
    """
    from emrtd.crypto.public_keys import encode_public_key
    from personalise.pki.officers import require_name
    from support.files import require_new, write_atomically

    require_name(name)
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
@click.option(
    "--anchor",
    "elsewhere",
    type=_FILE,
    multiple=True,
    help="Time stamp of the log that was kept elsewhere; once for each.",
)
@_tsa_certificate
def verify_audit(
    folder: Path, head: str | None, elsewhere: tuple[Path, ...], tsa_certificate: Path | None
) -> None:
    """Verify the whole log: hash chain, signatures, approvals, and its time stamps.

    Note the head that is printed: `--head` checks a later log against it.
    """
    from personalise.pki.auditing import verify_audit as verify
    from personalise.pki.time_stamps import read_trusted, require_anchored

    found = verify(folder, head)
    trusted = None if tsa_certificate is None else read_trusted(tsa_certificate)
    stamps = require_anchored(folder, elsewhere, trusted)
    entries = "1 entry" if found.entries == 1 else f"{found.entries} entries"
    click.echo(f"{entries}, head {found.digest}")
    if stamps:
        count = "1 time stamp," if len(stamps) == 1 else f"{len(stamps)} time stamps, the last"
        click.echo(f"{count} of {stamps[-1].at:%Y-%m-%d %H:%M:%S} UTC")


@audit.command(
    "anchor",
    epilog=examples(
        "personalise audit anchor --tsa http://tsa.example/ --tsa-certificate tsa.cer --pki pki",
        "personalise audit anchor --query head.tsq --pki pki",
        "personalise audit anchor --answer head.tsr --tsa-certificate tsa.cer --pki pki",
    ),
)
@pki_folder
@click.option("--tsa", metavar="URL", help="Address of a time-stamp authority (RFC 3161).")
@click.option("--query", type=_PATH, help="New file for a query, to be sent from another machine.")
@click.option("--answer", type=_FILE, help="The authority's answer to such a query.")
@_tsa_certificate
def anchor(
    folder: Path,
    tsa: str | None,
    query: Path | None,
    answer: Path | None,
    tsa_certificate: Path | None,
) -> None:
    """Have a time-stamp authority sign the head of the log, so that a cut tail is noticed.

    The time stamp is kept in DIR/anchors; keep a copy elsewhere.  `audit verify` checks it.
    """
    import secrets

    from personalise.pki import time_stamps
    from personalise.pki.auditing import verify_audit as verify
    from support.files import require_new, write_atomically
    from support.records import read_bounded

    if [tsa, query, answer].count(None) != 2:
        raise MisuseError("give one of --tsa, --query and --answer")
    nonce = None
    if answer is not None:
        octets = read_bounded(answer, time_stamps.MAX_ANSWER)
    else:
        nonce = secrets.randbits(63)
        asked = time_stamps.query(bytes.fromhex(verify(folder).digest), nonce)
        if query is not None:
            require_new(query)
            write_atomically(query, asked)
            click.echo(f"{query}: send it to the authority, then give its --answer")
            return
        octets = _ask(str(tsa), asked)
    beside = folder / time_stamps.FOLDER / time_stamps.TRUSTED_NAME
    if tsa_certificate is None and not beside.is_file():
        raise MisuseError(
            "the authority's certificate is not known yet", advice="give --tsa-certificate FILE"
        )
    trusted = time_stamps.read_trusted(tsa_certificate or beside)
    path = time_stamps.add_anchor(folder, octets, trusted, nonce)
    click.echo(f"{path}: keep a copy elsewhere")


def _ask(url: str, query: bytes) -> bytes:
    """Send a query to an authority (RFC 3161, 3.4); return its answer."""
    try:
        import httpx
    except ImportError:
        raise MisuseError(
            "the package httpx is missing", advice="install chipseal[service], or use --query"
        ) from None
    kind = {"Content-Type": "application/timestamp-query"}
    try:
        answer = httpx.post(url, content=query, headers=kind, timeout=30)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise MisuseError(
            f"{url}: {error}", advice="check the address, or use --query and --answer"
        ) from None
    return answer.content
