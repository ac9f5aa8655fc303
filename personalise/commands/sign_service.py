"""The command `personalise sign-service`.

It imports what it needs when it runs, so that `--help` stays fast.
"""

from pathlib import Path

import click

from personalise.commands.pki_options import open_pki, passphrase_file, pin_file, pki_folder
from support.command_line import examples, log_option

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(
    "sign-service", epilog=examples("personalise sign-service --config service.toml --pki pki")
)
@click.option(
    "--config",
    "configuration",
    type=_FILE,
    required=True,
    help="Configuration of the service (TOML).",
)
@pki_folder
@pin_file
@passphrase_file
@log_option
def sign_service(
    configuration: Path,
    folder: Path,
    pin_file: Path | None,
    passphrase_file: Path | None,
    log_form: str,
) -> None:
    """Sign EF.SODs for data-preparation clients over HTTPS, until stopped."""
    from personalise.sign_service.configuration import Configuration
    from personalise.sign_service.running import run
    from support.log import logging_json

    with logging_json("sign-service", log_form):
        settings = Configuration(configuration)
        run(settings, folder, lambda: open_pki(folder, passphrase_file, pin_file))
