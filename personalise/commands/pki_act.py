"""The commands `personalise pki act`: an operation proposed, approved elsewhere, and run."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.pki_options import (
    CARRIED,
    name_and_file,
    officer_passphrase,
    passphrase_file,
    pin_file,
    pki_folder,
)
from support.command_line import examples
from support.errors import MisuseError

if TYPE_CHECKING:
    from personalise.pki.acts import CarriedAct, Proposal

_GROUPS = frozenset({"pki", "eac", "officer", "people", "jobs", "ledger"})
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path, dir_okay=False)


@click.group()
def act() -> None:
    """An operation that officers approve at machines of their own.

    It is proposed at the PKI, carried as a file from one officer to the next, and run at the PKI.
    """


@act.command(
    "propose",
    context_settings={"ignore_unknown_options": True},
    epilog=examples(
        "personalise pki act propose -o act.json --pki pki -- pki issue-ds",
        "personalise pki act propose -o act.json --pki pki -- officer require 2",
    ),
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("-o", "--output", type=_PATH, required=True, help="File for the act.")
@click.option(
    "--days",
    type=click.IntRange(1, 90),
    default=7,
    show_default=True,
    help="How long the act may be run.",
)
@pki_folder
@passphrase_file
@pin_file
def propose(  # noqa: PLR0917 - click's options
    command: tuple[str, ...],
    output: Path,
    days: int,
    folder: Path,
    passphrase_file: Path | None,
    pin_file: Path | None,
) -> None:
    """Propose COMMAND, without --pki; nothing is changed yet.

    COMMAND is one of `pki`, `eac`, `officer` or `people`, or a supervisor's decision of `jobs`.
    """
    from personalise.pki.acts import Proposal, ProposedError
    from personalise.pki.acts import propose as make
    from support.files import require_new
    from support.printable_text import printable

    require_new(output)
    try:
        _invoke(command, folder, passphrase_file, pin_file, Proposal())
    except ProposedError as proposed:
        at = datetime.now(UTC).replace(microsecond=0)
        made = make(_identifier(folder), command, proposed, at, timedelta(days=days))
    else:
        raise MisuseError(f"`{' '.join(command)}` is no operation that officers approve")
    made.save(output)
    for line in made.lines():
        click.echo(printable(line))


@act.command("show", epilog=examples("personalise pki act show act.json"))
@click.argument("file", type=_FILE)
def show(file: Path) -> None:
    """Print what an act does, until when it may be run, and who has approved it."""
    from personalise.pki.acts import Act
    from support.printable_text import printable

    for line in Act.load(file).lines():
        click.echo(printable(line))


@act.command(
    "approve", epilog=examples("personalise pki act approve act.json --officer alice=alice.p8")
)
@click.argument("file", type=_FILE)
@click.option(
    "--officer",
    metavar="NAME=KEYFILE",
    required=True,
    help="Officer who approves the act, and the file of their key.",
)
@click.option(
    "--officer-passphrase-file",
    "phrase",
    metavar="NAME=FILE",
    help="File whose first line is the officer's pass phrase.  [default: prompt for it]",
)
def approve(file: Path, officer: str, phrase: str | None) -> None:
    """Approve the act in FILE, and write the approval to it; the PKI is not needed.

    What is approved is printed first.
    """
    from personalise.pki.acts import Act
    from personalise.pki.keys.officer import read_officer_key
    from support.printable_text import printable

    name, path = name_and_file(officer, "--officer")
    phrases = dict([] if phrase is None else [name_and_file(phrase, "--officer-passphrase-file")])
    read = Act.load(file)
    for line in read.lines():
        click.echo(printable(line), err=True)
    key = read_officer_key(name, path, officer_passphrase(name, phrases.get(name)))
    approved = read.approved_by(name, key)
    approved.save(file)
    click.echo(f"{file}: approved by {', '.join(each.officer for each in approved.approvals)}")


@act.command("run", epilog=examples("personalise pki act run act.json --pki pki"))
@click.argument("file", type=_FILE)
@pki_folder
@passphrase_file
@pin_file
def run(file: Path, folder: Path, passphrase_file: Path | None, pin_file: Path | None) -> None:
    """Carry out the act in FILE, if enough officers have approved it; once."""
    from personalise.pki.acts import Act, CarriedAct
    from personalise.pki.auditing import audit_entries
    from personalise.pki.officers import Officers

    read = Act.load(file)
    if read.pki != _identifier(folder):
        raise MisuseError(f"{file}: is an act of another PKI", advice="name that PKI with --pki")
    carried = CarriedAct(read, Officers.load(folder), audit_entries(folder))
    _invoke(read.command, folder, passphrase_file, pin_file, carried)


def _invoke(
    command: Sequence[str],
    folder: Path,
    passphrase_file: Path | None,
    pin_file: Path | None,
    carried: "Proposal | CarriedAct",
) -> None:
    """Invoke a command of `personalise`, whose one operation the act begins."""
    parent = click.get_current_context()
    root = parent.find_root().command
    group = root.get_command(parent, command[0]) if isinstance(root, click.Group) else None
    if command[0] not in _GROUPS or not isinstance(group, click.Group):
        raise MisuseError(
            f"{command[0]!r} has no operation that officers approve",
            advice="give a command of `pki`, `eac`, `officer`, `people`, `jobs` or `ledger`",
        )
    arguments = [*command[1:], "--pki", str(folder)]
    for option, value in (("--passphrase-file", passphrase_file), ("--pin-file", pin_file)):
        if value is not None:
            arguments += [option, str(value)]
    with group.make_context(command[0], arguments, parent=parent) as context:
        context.meta[CARRIED] = carried
        result: Any = group.invoke(context)
    if result:
        context.exit(result)


def _identifier(folder: Path) -> str:
    """Return the `pki_identifier` of the PKI in a folder."""
    from personalise.pki.auditing import identifier_of
    from personalise.pki.folder import AUDIT_KEY_NAME

    if not (folder / AUDIT_KEY_NAME).is_file():
        raise MisuseError(
            f"{folder}: holds no PKI", advice="create one with `personalise pki init`"
        )
    return identifier_of(folder)
