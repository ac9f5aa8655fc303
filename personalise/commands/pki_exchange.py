"""The commands `personalise pki exchange`: a package for another State, and what it sent."""

from datetime import UTC, datetime
from pathlib import Path

import click

from personalise.commands.pki_options import pki_folder
from support.command_line import examples

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def exchange() -> None:
    """Certificates, CRL and Master Lists for another State, with digests, and what it sent."""


@exchange.command(
    "package",
    epilog=examples("personalise pki exchange package states.ml --pki pki -o for-partners"),
)
@click.argument("lists", type=_FILE, nargs=-1)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="New folder for the package.",
)
@pki_folder
def make_package(lists: tuple[Path, ...], output: Path, folder: Path) -> None:
    """Write what partners need to a folder, also as LDIF for the ICAO PKD; LISTS are Master Lists.

    The file letter.txt has the digests that they compare with you before they trust a root.
    """
    from personalise.pki.exchange import package
    from personalise.pki.issuing_pki import IssuingPki

    for path in package(IssuingPki.without_keys(folder), output, lists, datetime.now(UTC)):
        click.echo(path)


@exchange.command(
    "check", epilog=examples("personalise pki exchange check from-atlantis --known atlantis.cer")
)
@click.argument("folder", type=_FOLDER)
@click.option(
    "--known",
    type=_FILE,
    multiple=True,
    help="CSCA certificates of that State which you trust already (DER, PEM, p7b, p7c).",
)
def check_package(folder: Path, known: tuple[Path, ...]) -> int:
    """Check a package: digests, signatures, links from a known CSCA, and the profiles of Doc 9303.

    The exit status is 1 if something is wrong, and 2 if a root is new, so that its digest has to be
    compared.  Deviations from the profiles are printed and change neither.
    """
    from personalise.pki.certificate_file import read_certificates
    from personalise.pki.exchange import Severity, check
    from support.printable_text import printable

    trusted = [each for path in known for each in read_certificates(path)]
    found = list(check(folder, trusted, datetime.now(UTC)))
    for each in found:
        click.echo(printable(f"{each.severity:9} {each.file}: {each.what}"))
    severities = {each.severity for each in found}
    if Severity.WRONG in severities:
        return 1
    return 2 if Severity.COMPARE in severities else 0
