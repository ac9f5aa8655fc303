"""Options that the commands of the ledger share, and how they open it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.pki_options import open_pki, passphrase_file, pin_file
from support.errors import MisuseError

if TYPE_CHECKING:
    from personalise.ledger.sql_ledger import SqlLedger

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_SETTINGS = "pki.json"

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
reason = click.option(
    "--reason",
    required=True,
    help="Why; entered in the ledger, where it stays. Name no person and no document.",
)


def ledger_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name the ledger: folder, URL, pass phrase and PIN."""
    command = pin_file(passphrase_file(command))
    command = click.option(
        "--ledger",
        "ledger_url",
        metavar="URL",
        help="Ledger: sqlite:///FILE or postgresql://...  [default: what CHIPSEAL_LEDGER names, or"
        " ledger.sqlite in the PKI's folder]",
    )(command)
    return click.option(
        "--pki", "folder", type=_FOLDER, help="Folder of the PKI, made by `pki init`."
    )(command)


@contextmanager
def opened_ledger(
    folder: Path | None,
    ledger_url: str | None,
    passphrase_file: Path | None,
    pin_file: Path | None = None,
    *,
    create: bool = False,
) -> Iterator["SqlLedger"]:
    """Open the ledger that the options name, and close it in the end.

    A ledger in a file in a PKI's folder has that PKI, if no other one is named.
    """
    from personalise.ledger.opening import ledger_url as url_of
    from personalise.ledger.opening import open_ledger

    folder = folder_of(folder, ledger_url)
    url = url_of(ledger_url, folder)
    if folder is None and create:
        raise MisuseError("a new ledger needs a PKI for its keys", advice="name it with --pki")
    pki = None
    if folder is not None:
        pki = open_pki(folder, passphrase_file, pin_file, with_signing_keys=False)
    ledger = open_ledger(url, pki, create=create)
    try:
        yield ledger
    finally:
        ledger.close()


def folder_of(folder: Path | None, ledger_url: str | None) -> Path | None:
    """Return the PKI's folder: the named one, or the one in which the file of the ledger is."""
    from personalise.ledger.opening import ledger_url as url_of

    if folder is not None:
        return folder
    scheme, separator, path = url_of(ledger_url, None).partition("///")
    beside = Path(path).parent
    return beside if scheme == "sqlite:" and separator and (beside / _SETTINGS).is_file() else None


def card_name(text: str) -> str:
    """Return a serial number as stations name cards; raises `MisuseError` for another form."""
    try:
        return bytes.fromhex(text).hex().upper()
    except ValueError:
        raise MisuseError(
            f"{text[:40]!r} is not a serial number in hexadecimal",
            advice="enter it as `personalise ledger stock list` prints it",
        ) from None
