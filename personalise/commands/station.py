"""The command `personalise station`.  It imports what it needs when it runs."""

import json
import os
import sys
from pathlib import Path

import click

from personalise.commands.pki_options import card_keys, passphrase_file, pin_file, pki_folder
from support.command_line import examples, log_option

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(
    epilog=examples(
        "personalise station --pki pki",
        "personalise station --pki pki --reader feeder:cards --until-empty --json",
    )
)
@pki_folder
@click.option(
    "--ledger",
    metavar="URL",
    help="Ledger: sqlite:///FILE or postgresql://...  [default: CHIPSEAL_LEDGER, or"
    " ledger.sqlite in the PKI's folder]",
)
@click.option(
    "--reader",
    "readers",
    multiple=True,
    help="PC/SC reader (part of its name), virtual:FILE or feeder:DIR; once for each."
    "  [default: every PC/SC reader, also those plugged in later]",
)
@click.option(
    "--until-empty",
    is_flag=True,
    help="End when no application is open that this station may take, or its feeder has no card.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an event.")
@click.option(
    "--metrics",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Serve metrics for Prometheus on this port of 127.0.0.1.",
)
@click.option(
    "--no-preparation",
    is_flag=True,
    help="Prepare no images: other stations do, and this one needs no key of a Document Signer.",
)
@click.option(
    "--card-timeout",
    type=click.FloatRange(1, 3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop a reader that does not answer one command for so long.",
)
@click.option(
    "--station-key",
    type=_FILE,
    help="The station's private key (PKCS#8, encrypted).  [default: the matching key in your own"
    " data folder]",
)
@card_keys
@passphrase_file
@pin_file
@log_option
def station(  # noqa: PLR0917 - click's options
    folder: Path,
    ledger: str | None,
    readers: tuple[str, ...],
    until_empty: bool,
    as_json: bool,
    metrics: int | None,
    no_preparation: bool,
    card_timeout: float,
    station_key: Path | None,
    card_keys: str,
    passphrase_file: Path | None,
    pin_file: Path | None,
    log_form: str,
) -> int:
    """Make the cards of the ledger's applications, one after the other in each reader.

    Each card is written, read back, locked and opened as an inspector would, and every step is
    entered in the ledger before it is taken.  SIGUSR1 (p) pauses, SIGUSR2 (r) resumes; SIGTERM or
    Ctrl-C (d) ends after the cards in the readers, and a second one (q) at once.
    """
    from personalise.ledger.opening import ledger_url
    from personalise.station.line.preparation import PreparationSettings
    from personalise.station.line.running import Options, run_station
    from support.log import logging_json

    url = ledger_url(ledger, folder)
    preparation = PreparationSettings(folder, url, passphrase_file, pin_file)
    options = Options(
        pki=folder,
        ledger=url,
        readers=readers,
        until_empty=until_empty,
        as_json=as_json,
        logs_json=log_form == "json",
        metrics=metrics,
        call_seconds=card_timeout,
        station_key=station_key,
        passphrase_file=passphrase_file,
        card_keys=card_keys,
        pin_file=pin_file,
        preparation=None if no_preparation else preparation,
    )
    with logging_json("station", log_form):
        outcome = run_station(options)
    if as_json:
        click.echo(json.dumps(outcome.summary))
    elif log_form != "json":
        click.echo(outcome.text)
    if outcome.hung:  # a thread waits inside the PC/SC library and cannot be ended
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(outcome.status)
    return outcome.status
