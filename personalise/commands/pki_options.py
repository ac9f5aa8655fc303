"""Options that the commands of a PKI share, and how they open and lock it."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from support.errors import MisuseError

if TYPE_CHECKING:
    from emrtd.crypto.signatures import Signer
    from personalise.pki.issuing_pki import IssuingPki, Pin
    from personalise.pki.operations import PkiOperations
    from support.secret import Secret

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)

CARRIED = "personalise.pki.carried"
"""The key in a click context's `meta` of an act that the command carries out, or proposes."""

passphrase_file = click.option(
    "--passphrase-file",
    type=_FILE,
    help="File whose first line is the pass phrase of the keys.  [default: the file that"
    " CHIPSEAL_PASSPHRASE_FILE names, or one in your own data folder, made when first needed]",
)
pin_file = click.option(
    "--pin-file",
    type=_FILE,
    envvar="CHIPSEAL_PIN_FILE",
    help="File whose first line is the PIN of the HSM, for keys in an HSM."
    "  [default: the file that CHIPSEAL_PIN_FILE names]",
)
card_keys = click.option(
    "--card-keys",
    metavar="SOURCE",
    default="test",
    show_default=True,
    help="Transport keys of the blank cards: `test`, the published test key of sample cards;"
    " `none`, for cards without such keys; or a key file or TOML file.",
)
pki_folder = click.option(
    "--pki", "folder", type=_FOLDER, required=True, help="Folder of the PKI, made by `pki init`."
)


def officer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for the officers who approve."""
    officer = click.option(
        "--officer",
        "officers",
        multiple=True,
        metavar="NAME=KEYFILE",
        help="Officer who approves the operation, and the file of their key; once for each.",
    )
    officer_passphrase = click.option(
        "--officer-passphrase-file",
        "officer_passphrases",
        multiple=True,
        metavar="NAME=FILE",
        help="File whose first line is an officer's pass phrase.  [default: prompt for it]",
    )
    return officer(officer_passphrase(command))


def operation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every PKI operation: the PKI, its secrets, the officers who approve."""
    return pki_folder(passphrase_file(pin_file(officer_options(command))))


def open_pki(
    folder: Path,
    passphrase_file: Path | None,
    pin_file: Path | None,
    *,
    with_signing_keys: bool = True,
) -> "IssuingPki":
    """Open a PKI with the secrets that the options name.

    Without signing keys no session to an HSM is opened.
    """
    from personalise.pki.issuing_pki import IssuingPki
    from support.passphrase import read_passphrase

    passphrase, pin = read_passphrase(passphrase_file), pin_from(pin_file)
    return IssuingPki.open(folder, passphrase, pin, with_signing_keys=with_signing_keys)


def pin_from(pin_file: Path | None) -> "Pin":
    """Return the function that provides the HSM's PIN when it is needed, from the named file."""
    from personalise.pki.issuing_pki import pin_in

    return pin_in(pin_file)


def officer_passphrase(name: str, file: Path | None, *, new: bool = False) -> "Secret":
    """Return an officer's pass phrase: the first line of a file, or what the officer types.

    A new pass phrase is typed twice.  Raises `MisuseError` without a file and without a terminal.
    """
    from support.passphrase import read_secret_line
    from support.secret import Secret

    option = "--new-passphrase-file FILE" if new else f"--officer-passphrase-file {name}=FILE"
    if file is not None:
        if not file.is_file():
            raise MisuseError(
                f"{file}: there is no such file, for the pass phrase of {name}",
                advice=f"name it with {option}",
            )
        return read_secret_line(file)
    prompt = f"{'New pass' if new else 'Pass'} phrase of {name}"
    if not sys.stdin.isatty():
        raise MisuseError(
            f"no terminal to ask for the pass phrase of {name}", advice=f"use {option}"
        )
    typed = click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
    return Secret(str(typed).encode())


def make_operations(
    folder: Path,
    passphrase_file: Path | None,
    pin_file: Path | None,
    officers: tuple[str, ...],
    officer_passphrases: tuple[str, ...],
) -> "PkiOperations":
    """Return the operations of a PKI, from the options of `operation_options`.

    The PKI's folder stays locked until the command ends: the settings that an operation reads must
    still hold when it writes them.
    """
    from support.files import locked_folder

    present = _officers(officers, officer_passphrases)
    click.get_current_context().with_resource(locked_folder(folder))
    return _operations(folder, passphrase_file, pin_file, present)


def open_operations(
    folder: Path,
    passphrase_file: Path | None,
    pin_file: Path | None,
    officers: tuple[str, ...],
    officer_passphrases: tuple[str, ...],
) -> "PkiOperations":
    """Return the operations as `make_operations` does, for a command that locks in parts."""
    present = _officers(officers, officer_passphrases)
    return _operations(folder, passphrase_file, pin_file, present)


def _officers(
    officers: tuple[str, ...], officer_passphrases: tuple[str, ...]
) -> "list[tuple[str, Signer]]":
    from personalise.pki.keys.officer import read_officer_key

    files = dict(name_and_file(each, "--officer-passphrase-file") for each in officer_passphrases)
    return [
        (name, read_officer_key(name, path, officer_passphrase(name, files.get(name))))
        for name, path in (name_and_file(each, "--officer") for each in officers)
    ]


def _operations(
    folder: Path,
    passphrase_file: Path | None,
    pin_file: Path | None,
    present: "list[tuple[str, Signer]]",
) -> "PkiOperations":
    from personalise.pki.operations import PkiOperations

    pki = open_pki(folder, passphrase_file, pin_file)
    at = datetime.now(UTC).replace(microsecond=0)
    carried = click.get_current_context().meta.get(CARRIED)
    return PkiOperations(pki, present, at, carried)


def name_and_file(text: str, option: str) -> tuple[str, Path]:
    """Return the parts of NAME=FILE, as an option gives them; raises `MisuseError`."""
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise MisuseError(f"{option} {text!r}: is not NAME=FILE")
    return name, Path(path)
