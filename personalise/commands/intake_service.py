"""The command `personalise intake-service`.

It imports what it needs when it runs, so that `--help` stays fast.
"""

from pathlib import Path

import click

from personalise.commands.pki_options import open_pki, passphrase_file, pin_file, pki_folder
from support.command_line import examples, log_option

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(
    "intake-service",
    epilog=examples(
        "personalise intake-service --config intake.toml --pki pki",
        "personalise intake-service --config intake.toml --pki pki --retry P-0123456789abcdef",
    ),
)
@click.option(
    "--config",
    "configuration",
    type=_FILE,
    required=True,
    help="Configuration of the service (TOML).",
)
@click.option(
    "--retry",
    "packages",
    metavar="PACKAGE",
    multiple=True,
    help="Let a package that has failed be looked at again, and end; once for each.  Stop the"
    " service before, and start it afterwards.",
)
@pki_folder
@click.option(
    "--ledger",
    "ledger_url",
    metavar="URL",
    help="Ledger: sqlite:///FILE or postgresql://...  [default: what CHIPSEAL_LEDGER names, or"
    " ledger.sqlite in the PKI's folder]",
)
@pin_file
@passphrase_file
@log_option
def intake_service(  # noqa: PLR0917 - click's options
    configuration: Path,
    packages: tuple[str, ...],
    folder: Path,
    ledger_url: str | None,
    pin_file: Path | None,
    passphrase_file: Path | None,
    log_form: str,
) -> None:
    """Take applications from case-working systems over HTTPS, until stopped.

    Each package is stored before it is answered, and entered in the ledger once.  SIGTERM ends the
    service after the package that is being looked at.
    """
    from personalise.intake_service.configuration import Configuration
    from personalise.intake_service.inbox import inbox_of
    from personalise.intake_service.running import run
    from personalise.pki.people import require_operator
    from support.log import logging_json

    with logging_json("intake-service", log_form):
        settings = Configuration(configuration)
        if packages:
            require_operator(folder, "intake-service --retry")
            with inbox_of(settings.inbox) as inbox:
                for each in packages:
                    inbox.retry(each)
                    click.echo(f"{each}: waits, and is looked at when the service starts")
            return
        run(settings, open_pki(folder, passphrase_file, pin_file), ledger_url)
