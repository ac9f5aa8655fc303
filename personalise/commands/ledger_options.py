"""Options that the commands of the ledger share, and how they open it."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.pki_options import open_pki, passphrase_file
from support.errors import MisuseError

if TYPE_CHECKING:
    from personalise.ledger.sql_ledger import SqlLedger

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_SETTINGS = "pki.json"

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
by = click.option(
    "--by", metavar="NAME", help="Who decides; entered in the ledger.  [default: your user name]"
)
reason = click.option(
    "--reason",
    required=True,
    help="Why; entered in the ledger, where it stays. Name no person and no document.",
)


def ledger_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name the ledger: `folder`, `ledger_url` and `passphrase_file`."""
    command = passphrase_file(command)
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
    *,
    create: bool = False,
) -> Iterator["SqlLedger"]:
    """Open the ledger that the options name, and close it in the end.

    A ledger in a file in a PKI's folder has that PKI, if no other one is named.
    """
    from personalise.ledger.opening import ledger_url as url_of
    from personalise.ledger.opening import open_ledger

    if folder is None:
        folder = _beside(url_of(ledger_url, None))
    url = url_of(ledger_url, folder)
    if folder is None and create:
        raise MisuseError("a new ledger needs a PKI for its keys", advice="name it with --pki")
    pki = None
    if folder is not None:
        pki = open_pki(folder, passphrase_file, None, with_signing_keys=False)
    ledger = open_ledger(url, pki, create=create)
    try:
        yield ledger
    finally:
        ledger.close()


def _beside(url: str) -> Path | None:
    """Return the PKI's folder in which the file of a ledger is, if it is in one."""
    scheme, separator, path = url.partition("///")
    folder = Path(path).parent
    return folder if scheme == "sqlite:" and separator and (folder / _SETTINGS).is_file() else None


def name_of(by: str | None) -> str:
    """Return who decides: the named one, or the user of this process."""
    from personalise.ledger.supervising import one_line

    if by is not None:
        return one_line(by, "name")
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return f"user {os.getuid()}"


def card_name(text: str) -> str:
    """Return a serial number as stations name cards; raises `MisuseError` for another form."""
    try:
        return bytes.fromhex(text).hex().upper()
    except ValueError:
        raise MisuseError(
            f"{text[:40]!r} is not a serial number in hexadecimal",
            advice="enter it as `personalise ledger stock list` prints it",
        ) from None
