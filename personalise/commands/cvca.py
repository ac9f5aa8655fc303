"""The commands `personalise eac`: certificates that allow terminals to read fingerprints.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.pki_options import make_operations, operation_options
from support.command_line import examples

if TYPE_CHECKING:
    from emrtd.pki.cvc.certificates import CvCertificate

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)

_rights = click.option(
    "--right",
    "rights",
    type=click.Choice(["dg3", "dg4"]),
    multiple=True,
    default=("dg3", "dg4"),
    show_default=True,
    help="Data group that may be read; once for each.  The certificate of the issuer limits it.",
)


@click.group()
def eac() -> None:
    """The EAC PKI: Country Verifying CA, Document Verifiers, inspection systems."""


@eac.command(
    "renew-cvca",
    epilog=examples(
        "personalise eac renew-cvca --pki pki",
        "personalise eac renew-cvca --key RSA-3072 --name EACROOT --pki pki",
    ),
)
@click.option(
    "--key",
    "kind",
    default="",
    metavar="KIND",
    help="Kind of the next key: a curve's name, or RSA-3072 (with PSS).  [default: as before]",
)
@click.option(
    "--name",
    "mnemonic",
    default="",
    metavar="MNEMONIC",
    help="New name of the CVCA, 1 to 9 characters.  [default: as before]",
)
@operation_options
def renew_cvca(kind: str, mnemonic: str, **options: Any) -> None:
    """Make the next CVCA key, and a link certificate by which chips accept it."""
    from personalise.pki.cvca_operations import renew_cvca as renew

    _show(renew(make_operations(**options), kind=kind, mnemonic=mnemonic))


@eac.command("renew-dv", epilog=examples("personalise eac renew-dv --pki pki --right dg3"))
@_rights
@operation_options
def renew_document_verifier(rights: tuple[str, ...], **options: Any) -> None:
    """Make the domestic Document Verifier's next key, certified by the CVCA."""
    from emrtd.pki.cvc.authorization import rights_named
    from personalise.pki.cvca_operations import renew_document_verifier as renew

    _show(renew(make_operations(**options), rights_named(rights)))


@eac.command("renew-is", epilog=examples("personalise eac renew-is --pki pki --right dg3"))
@_rights
@operation_options
def renew_inspection_system(rights: tuple[str, ...], **options: Any) -> None:
    """Make the inspection system's next key, certified by the Document Verifier."""
    from emrtd.pki.cvc.authorization import rights_named
    from personalise.pki.cvca_operations import renew_inspection_system as renew

    _show(renew(make_operations(**options), rights_named(rights)))


@eac.command(
    "certify",
    epilog=examples(
        "personalise eac certify dv.cvreq --role foreign-dv --days 90 --pki pki -o dv.cvcert"
    ),
)
@click.argument("request", type=_FILE)
@click.option(
    "--role",
    type=click.Choice(["domestic-dv", "foreign-dv", "terminal"]),
    required=True,
    help="Role of the holder: the CVCA certifies Document Verifiers, our own DV certifies"
    " terminals.",
)
@click.option(
    "--days",
    type=click.IntRange(0, 1000),
    required=True,
    help="Validity of the certificate, in days.",
)
@click.option(
    "--authenticated-by",
    type=_FILE,
    help="Certificate of the foreign CVCA whose outer signature is on the first request of its"
    " Document Verifier; or, in a restored PKI, the Document Verifier's last certificate of ours.",
)
@click.option("-o", "--output", type=_PATH, required=True, help="File for the certificate.")
@_rights
@operation_options
def certify(  # noqa: PLR0917 - click's options
    request: Path,
    role: str,
    days: int,
    authenticated_by: Path | None,
    output: Path,
    rights: tuple[str, ...],
    **options: Any,
) -> None:
    """Issue a certificate for REQUEST, after verifying that the requester holds the private key.

    A holder that was certified before must also sign the request with its previous key.
    """
    from emrtd.pki.cvc.authorization import Role, rights_named
    from emrtd.pki.cvc.certificates import CvCertificate
    from emrtd.pki.cvc.requests import CvRequest
    from personalise.pki.cvca_operations import certify as issue
    from support.files import decoding, require_new, write_atomically
    from support.records import read_bounded

    roles = {
        "domestic-dv": Role.DV_DOMESTIC,
        "foreign-dv": Role.DV_FOREIGN,
        "terminal": Role.TERMINAL,
    }
    require_new(output)
    with decoding(request):
        decoded = CvRequest.decode(read_bounded(request, 64 * 1024))
    operations = make_operations(**options)
    authority = None
    if authenticated_by is not None:
        with decoding(authenticated_by):
            authority = CvCertificate.decode(read_bounded(authenticated_by, 64 * 1024))
    made = issue(
        operations,
        decoded,
        roles[role],
        rights_named(rights),
        timedelta(days=days),
        authenticated_by=authority,
    )
    write_atomically(output, made.encode())
    _show(made)


@eac.command(
    "request",
    epilog=examples(
        "personalise eac request atlantis-cvca.cvcert --pki pki -o to-atlantis.cvreq",
        "personalise eac request atlantis-link.cvcert --pki pki -o to-atlantis-2.cvreq",
    ),
)
@click.argument("certificates", type=_FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=_PATH, required=True, help="New file for the request.")
@click.option(
    "--by-our-cvca",
    is_flag=True,
    help="Have our CVCA sign a first request too, for States that ask for it.",
)
@click.option(
    "--name",
    default="",
    help="New name for our Document Verifier, whose keys are lost: it asks as if for the first"
    " time.  [default: as before; the first is DV]",
)
@operation_options
def ask(
    certificates: tuple[Path, ...],
    output: Path,
    name: str,
    *,
    by_our_cvca: bool,
    **options: Any,
) -> None:
    """Ask a foreign CVCA, whose CERTIFICATES are given, for our Document Verifier's certificate.

    The first time, its self-signed certificate is trusted from then on: compare its digest with
    that State before. Later ones must follow from it by link certificates.
    """
    from hashlib import sha256

    from personalise.pki.foreign import ask as make
    from support.files import require_new, write_atomically

    require_new(output)
    brought = [read_certificate(path) for path in certificates]
    operations = make_operations(**options)
    asked = make(operations, brought, by_our_cvca=by_our_cvca, name=name)
    write_atomically(output, asked.encode())
    for each in brought:
        digest = sha256(each.encode()).hexdigest()
        click.echo(f"{each.holder_reference} SHA-256 {digest}", err=True)
    outer = f", signed by {asked.outer_reference} too" if asked.outer_reference else ""
    click.echo(f"{output}: {asked.holder_reference} asks {asked.authority_reference}{outer}")


@eac.command(
    "import",
    epilog=examples("personalise eac import from-atlantis.cvcert --pki pki"),
)
@click.argument("certificates", type=_FILE, nargs=-1, required=True)
@operation_options
def take(certificates: tuple[Path, ...], **options: Any) -> None:
    """Take a foreign CVCA's answer: our certificate, and CVCA certificates that came with it."""
    from personalise.pki.foreign import take as import_

    _show(import_(make_operations(**options), [read_certificate(path) for path in certificates]))


@eac.command(
    "certify-terminal",
    epilog=examples("personalise eac certify-terminal XX --right dg3 --pki pki"),
)
@click.argument("country", metavar="STATE")
@_rights
@operation_options
def certify_terminal(country: str, rights: tuple[str, ...], **options: Any) -> None:
    """Make an inspection system for documents of STATE (two letters), in foreign/STATE/terminal.

    Give that folder to `verify --terminal`.
    """
    from emrtd.pki.cvc.authorization import rights_named
    from personalise.pki.foreign import certify_terminal as make

    _show(make(make_operations(**options), country, rights_named(rights)))


def read_certificate(path: Path) -> "CvCertificate":
    """Read a card-verifiable certificate from a file."""
    from emrtd.pki.cvc.certificates import CvCertificate
    from support.files import decoding
    from support.records import read_bounded

    with decoding(path):
        return CvCertificate.decode(read_bounded(path, 64 * 1024))


def _show(certificate: "CvCertificate") -> None:
    click.echo(
        f"{certificate.holder_reference} by {certificate.authority_reference},"
        f" {certificate.effective} to {certificate.expiration}"
    )
