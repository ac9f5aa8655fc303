"""The commands `personalise pki init` and `pki plan`: a new PKI, from options or from a plan."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from personalise.commands.pki_options import passphrase_file, pin_file, pin_from
from support.command_line import examples
from support.errors import MisuseError

if TYPE_CHECKING:
    from personalise.pki.settings import Settings

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)


def _content(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a new PKI is to be; `_settings_from` reads them."""
    options = (
        click.option(
            "--plan",
            type=_FILE,
            help="TOML file that says what the PKI is to be, in place of the options"
            " (docs/pki.md).",
        ),
        click.option(
            "--issuing-state",
            default="UTO",
            show_default=True,
            help="Code of the issuing State, as in the MRZ.",
        ),
        click.option(
            "--organisation",
            default="Chipseal demonstration",
            show_default=True,
            help="Organisation that runs the PKI; part of the names in its certificates.",
        ),
        click.option(
            "--contact",
            metavar="MAIL",
            default="",
            help="E-mail address in the certificates; a real State gives this or --contact-url.",
        ),
        click.option("--contact-url", metavar="URL", default="", help="Page in the certificates."),
        click.option(
            "--crl-url",
            "crl_urls",
            metavar="URL",
            multiple=True,
            help="Where the revocation list is published; once for each.  [default: in the ICAO"
            " PKD]",
        ),
        click.option(
            "--key",
            default="brainpoolP256r1",
            show_default=True,
            help="Kind of the keys that sign: the name of a curve, or RSA-3072.",
        ),
        click.option(
            "--pkcs1", is_flag=True, help="Sign with PKCS#1 v1.5 instead of PSS (RSA keys only)."
        ),
        click.option(
            "--named-curves",
            is_flag=True,
            help="Write named curves into certificates. Doc 9303-12 requires explicit parameters,"
            " but OpenSSL 3 refuses chains with those.",
        ),
        click.option(
            "--documents-per-signer",
            type=click.IntRange(1),
            default=100_000,
            show_default=True,
            help="Number of documents that one Document Signer may sign.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _settings_from(plan: Path | None, options: Mapping[str, Any]) -> "Settings":
    """Return the settings that a plan or the options of `_content` describe; not both."""
    from personalise.pki.plan import Plan

    if plan is None:
        content = dict(options)
        pkcs1 = content.pop("pkcs1")
        return Plan(**content, pss=not pkcs1).settings()
    context = click.get_current_context()
    for name in options:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = next(each.opts[0] for each in context.command.params if each.name == name)
            raise MisuseError(
                f"{option} and --plan exclude each other", advice="put it in the plan"
            )
    return Plan.load(plan).settings()


@click.command(
    "init",
    epilog=examples(
        'personalise pki init pki --issuing-state UTO --organisation "Ministry of the Interior"',
        "personalise pki init pki --plan pki.toml",
    ),
)
@click.argument("folder", type=_PATH)
@_content
@click.option("--pkcs11", metavar="MODULE", help="Keep the keys in an HSM: its PKCS#11 library.")
@click.option("--token", help="Label of the HSM's token.")
@pin_file
@passphrase_file
def pki_init(  # noqa: PLR0917 - click's options
    folder: Path,
    plan: Path | None,
    pkcs11: str | None,
    token: str | None,
    pin_file: Path | None,
    passphrase_file: Path | None,
    **content: Any,
) -> None:
    """Make a PKI in the new folder FOLDER."""
    from personalise.pki.create import create_pki
    from personalise.pki.settings import HsmAddress, changed
    from support.passphrase import read_passphrase

    if (pkcs11 is None) != (token is None):
        raise MisuseError("an HSM needs both --pkcs11 MODULE and --token LABEL")
    hsm = None if pkcs11 is None or token is None else HsmAddress(pkcs11, token)
    settings = changed(_settings_from(plan, content), hsm=hsm)
    passphrase, pin = read_passphrase(passphrase_file), pin_from(pin_file)
    made = create_pki(folder, settings, passphrase, datetime.now(UTC), pin)
    for name, what in (("csca", "CSCA"), ("ds", "Document Signer"), ("station", "station")):
        certificate = made.certificate(name)
        click.echo(f"{what:16} {certificate.key:16} until {certificate.not_after:%Y-%m-%d}")
    click.echo(f"for trust stores: {folder / 'csca.cer'} {folder / 'crl.crl'}")


@click.command(
    "plan",
    epilog=examples(
        "personalise pki plan --plan pki.toml",
        "personalise pki plan --issuing-state D --contact csca@bund.example --key brainpoolP512r1",
    ),
)
@_content
def pki_plan(plan: Path | None, **content: Any) -> int:
    """Print what `pki init` would make of a plan or of the same options, with lint's findings.

    Nothing is written.  The exit status is 1 if lint has findings.
    """
    from personalise.pki.plan import planned
    from support.printable_text import printable

    made = planned(_settings_from(plan, content), datetime.now(UTC).replace(microsecond=0))
    for line in made.lines():
        click.echo(printable(line))
    return 0 if made.is_clean else 1
