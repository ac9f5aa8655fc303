"""The command `personalise`.  What a command needs is imported when it runs, and not before."""

from datetime import UTC, datetime
from pathlib import Path

import click

from emrtd.command_line import run_command_line

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)

_passphrase_file = click.option(
    "--passphrase-file",
    type=_FILE,
    help="File whose first line is the pass phrase of the keys.  Otherwise the file that"
    " CHIPSEAL_PASSPHRASE_FILE names, or one of your own that is made when it is needed.",
)


@click.group(name="personalise")
@click.version_option(package_name="chipseal")
def personalise() -> None:
    """Issue electronic residence permits and other eMRTDs.

    Exit status: 0 done, 64 a mistake in the command or its input, 69 no reader or no card,
    70 a defect of ours.  --debug adds the trace to an error.
    """


@personalise.group()
def pki() -> None:
    """The issuing PKI: Country Signing CA, Document Signer, revocation list."""


@pki.command("init")
@click.argument("folder", type=_PATH)
@click.option("--state", default="UTO", show_default=True, help="Code of the State in the MRZ.")
@click.option("--organisation", default="Chipseal demonstration", show_default=True)
@click.option(
    "--key",
    default="brainpoolP256r1",
    show_default=True,
    help="Kind of the CSCA's and Document Signer's keys: a curve's name, or RSA-3072.",
)
@click.option("--pkcs1", is_flag=True, help="RSA keys sign with PKCS#1 v1.5 and not with PSS.")
@click.option(
    "--named-curves",
    is_flag=True,
    help="Name curves in certificates, where Doc 9303-12 wants explicit parameters: OpenSSL 3"
    " refuses chains with those.",
)
@_passphrase_file
def pki_init(  # noqa: PLR0917 - click's options
    folder: Path,
    state: str,
    organisation: str,
    key: str,
    pkcs1: bool,
    named_curves: bool,
    passphrase_file: Path | None,
) -> None:
    """Make a PKI in the new folder FOLDER."""
    from emrtd.passphrase import read_passphrase
    from personalise.country_signing_ca import settings_for
    from personalise.issuing_pki import IssuingPki

    settings = settings_for(state, organisation, key, pss=not pkcs1, named_curves=named_curves)
    made = IssuingPki.create(folder, settings, read_passphrase(passphrase_file), datetime.now(UTC))
    for name, what in (("csca", "CSCA"), ("ds", "Document Signer"), ("station", "station")):
        certificate = made.certificate(name)
        click.echo(f"{what:16} {certificate.key:16} until {certificate.not_after:%Y-%m-%d}")
    click.echo(f"for trust stores: {folder / 'csca.cer'} {folder / 'crl.crl'}")


def main() -> int:
    """Run the command line; returns the exit status."""
    return run_command_line(personalise)
