"""The commands `personalise people`, and the options of commands that need a role at the line.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.ledger_options import as_json, folder_of, ledger_options, opened_ledger
from personalise.commands.pki_options import (
    make_operations,
    officer_options,
    operation_options,
    pki_folder,
)
from support.command_line import examples
from support.errors import MisuseError

if TYPE_CHECKING:
    from personalise.ledger.sql_ledger import SqlLedger
    from personalise.pki.operations import PkiOperations

by = click.option(
    "--by",
    metavar="NAME",
    help="On whose behalf; entered in the ledger beside the person who enters it.",
)


def decision_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a supervisor's decision: the ledger, the PKI's secrets, the officers."""
    return by(officer_options(ledger_options(command)))


def work_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of an operator's work: the ledger, and on whose behalf."""
    return by(ledger_options(command))


@contextmanager
def deciding(
    operation: str,
    subject: Mapping[str, str],
    *,
    folder: Path | None,
    ledger_url: str | None,
    passphrase_file: Path | None,
    pin_file: Path | None,
    officers: tuple[str, ...],
    officer_passphrases: tuple[str, ...],
    by: str | None,
) -> Iterator[tuple["SqlLedger", str, "PkiOperations"]]:
    """Yield the ledger, who decides, and the PKI, for an operation that needs a supervisor.

    The audit log has an entry before the block runs, and one with its outcome; it also has one if
    the person is no supervisor, and `NotAllowedError` is raised.
    """
    from personalise.ledger.opening import ledger_url as url_of
    from personalise.ledger.opening import open_ledger
    from personalise.pki.people import NotAllowedError, Person, Role, require

    folder = folder_of(folder, ledger_url)
    if folder is None:
        raise MisuseError(
            "a supervisor's decision is entered in the audit log, which is in the PKI's folder",
            advice="name it with --pki",
        )
    operations = make_operations(folder, passphrase_file, pin_file, officers, officer_passphrases)
    person = Person.present(operations.officers or ())
    subject = dict(subject) | ({} if by is None else {"by": by})
    if operations.carried is None:  # an act says what its officers have signed, and no more
        subject["user"] = person.user
    pki = operations.pki
    try:
        if operations.officers is not None:  # whoever proposes an act decides nothing
            require(person, Role.SUPERVISOR, pki.settings.people, folder, operation)
    except NotAllowedError as error:
        refused = {"operation": operation, **subject}
        pki.audit_log.append("people.refuse", refused, error.message, operations.at)
        raise
    with operations.operation(operation, subject):
        ledger = open_ledger(url_of(ledger_url, folder), pki)
        try:
            yield ledger, _named(person.name, by), operations
        finally:
            ledger.close()


@contextmanager
def working(
    what: str, *, by: str | None, folder: Path | None, **where: Any
) -> Iterator[tuple["SqlLedger", str]]:
    """Yield the ledger and who works, for what an operator does; raises `NotAllowedError`."""
    from personalise.pki.people import Person, require_operator

    with opened_ledger(folder, **where) as ledger:
        folder = folder_of(folder, where["ledger_url"])
        if folder is not None:
            require_operator(folder, what)
        yield ledger, _named(Person.present().name, by)


def _named(person: str, by: str | None) -> str:
    from personalise.ledger.supervising import one_line

    return person if by is None else one_line(f"{by}, entered by {person}", "name")


@click.group()
def people() -> None:
    """The operators and supervisors of the personalisation line."""


@people.command("list", epilog=examples("personalise people list --pki pki --json"))
@pki_folder
@as_json
def list_people(folder: Path, *, as_json: bool) -> None:
    """List who is operator and supervisor, and what your user is."""
    from personalise.pki.folder import read_settings
    from personalise.pki.people import Person, Role, is_allowed

    named, person = read_settings(folder).people, Person.present()
    roles = [role.value for role in Role if is_allowed(person, role, named, folder)]
    if as_json:
        record = {
            "operators": named.operators,
            "supervisors": named.supervisors,
            "you": {"user": person.user, "roles": roles},
        }
        click.echo(json.dumps(record))
        return
    click.echo(f"supervisors  {' '.join(named.supervisors) or 'the owner of the folder, and root'}")
    click.echo(f"operators    {' '.join(named.operators) or 'everybody'}")
    click.echo(f"you          {person.user}: {', '.join(roles) or 'neither'}")


@people.command(
    "set",
    epilog=examples(
        "personalise people set --supervisor user:eve --operator user:ann --pki pki",
        "personalise people set --supervisor officer:carol --pki pki --officer carol=carol.p8",
    ),
)
@click.option(
    "--supervisor",
    "supervisors",
    multiple=True,
    metavar="user:NAME|officer:NAME",
    help="Supervisor; once for each.  [default: the owner of the PKI's folder]",
)
@click.option(
    "--operator",
    "operators",
    multiple=True,
    metavar="user:NAME|officer:NAME",
    help="Operator; once for each.  [default: everybody]",
)
@operation_options
def set_people(supervisors: tuple[str, ...], operators: tuple[str, ...], **options: Any) -> None:
    """Say who is operator and supervisor, in place of all that was said before.

    It needs a supervisor, as it was said before, who must be one afterwards too.
    """
    from personalise.pki.people import NotAllowedError, Person, Role, is_allowed, require
    from personalise.pki.settings import changed

    operations = make_operations(**options)
    pki, person = operations.pki, Person.present(operations.officers or ())
    is_decided = operations.officers is not None
    if is_decided:
        require(person, Role.SUPERVISOR, pki.settings.people, pki.folder, "people.set")
    named = {"supervisors": supervisors, "operators": operators}
    settings = changed(pki.settings, people=named)
    if is_decided and not is_allowed(person, Role.SUPERVISOR, settings.people, pki.folder):
        raise NotAllowedError(
            f"people.set: {person.name} would no longer be a supervisor",
            advice="name yourself, or an officer who signs this, with --supervisor too",
        )
    subject = {"supervisors": " ".join(supervisors), "operators": " ".join(operators)}
    if operations.carried is None:
        subject["user"] = person.user
    with operations.operation("people.set", subject):
        pki.save(settings)
