"""The command `personalise sign-service`.

It imports what it needs when it runs, so that `--help` stays fast.
"""

from datetime import UTC, datetime
from pathlib import Path

import click

from personalise.commands.pki_options import open_pki, passphrase_file, pin_file, pki_folder
from support.command_line import examples
from support.errors import MisuseError

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
def sign_service(
    configuration: Path, folder: Path, pin_file: Path | None, passphrase_file: Path | None
) -> None:
    """Sign EF.SODs for data-preparation clients over HTTPS, until stopped."""
    from concurrent.futures import ThreadPoolExecutor

    from personalise.pki.register import Register
    from personalise.sign_service import web
    from personalise.sign_service.configuration import Configuration
    from personalise.sign_service.one_store import one_store
    from personalise.sign_service.service import SigningService
    from personalise.sign_service.signature_store import SignatureStore
    from personalise.sign_service.signers import CurrentSigners
    from support.https_server import listen, serve

    settings = Configuration(configuration)
    listening = settings.listening
    with listen(listening) as socket, one_store(folder, settings.store):
        pki = open_pki(folder, passphrase_file, pin_file)
        signers = CurrentSigners(pki)
        if not signers():
            raise MisuseError(
                f"{folder}: has no Document Signer", advice="run `personalise pki issue-ds`"
            )
        limit = settings.limit(pki.settings.documents_per_signer)
        thread = ThreadPoolExecutor(1, thread_name_prefix="signing")
        application = web.SigningApplication(
            lambda: SigningService(
                settings.clients, signers, limit, SignatureStore(settings.store), Register(folder)
            ),
            thread,
            lambda: datetime.now(UTC),
        )
        click.echo(f"signing on https://{listening.host}:{listening.port}", err=True)
        try:
            serve(application.asgi, listening, socket, loggers=(web.__name__,))
        finally:
            thread.shutdown()
