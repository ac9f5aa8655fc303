"""Operators and supervisors of the personalisation line, from the settings of the PKI.

A person is a user of the operating system, known by the process's user id, or an officer of the
PKI, known by the key with which he approves.  Who can write to the PKI's folder and read its keys
can do everything without these commands, whatever the settings say: the table of users guards
against mistakes, and separates people whose accounts cannot write to the folder.  An officer's
approval is a signature in the audit log.
"""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from typing import Final

from personalise.pki.folder import read_settings
from personalise.pki.settings import PeopleSettings
from support.errors import MisuseError

_ROOT: Final = 0


@unique
class Role(StrEnum):
    """What a person may do at the line; a supervisor may do what an operator may."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"


class NotAllowedError(MisuseError):
    """A person without the role that an operation needs; nothing was done."""

    kind = "not-allowed"


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides: a user by name and number, and the officers who approve."""

    user: str
    uid: int
    officers: tuple[str, ...] = ()

    @classmethod
    def present(cls, officers: Iterable[str] = ()) -> "Person":
        """Return the user of this process, with these officers."""
        uid = os.getuid()
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:  # a user without a name, as in some containers
            name = f"user {uid}"
        return cls(name, uid, tuple(officers))

    @property
    def name(self) -> str:
        """The name that is entered in the ledger."""
        return ", ".join(f"officer {each}" for each in self.officers) or self.user

    @property
    def _keys(self) -> set[str]:
        of_officers = {f"officer:{each}" for each in self.officers}
        return {f"user:{self.user}", f"user:{self.uid}"} | of_officers


def is_allowed(person: Person, role: Role, people: PeopleSettings, folder: Path) -> bool:
    """Whether a person has a role.

    If nobody is named as supervisor, the owner of the PKI's folder and root are; if nobody is named
    as operator, everybody is.
    """
    if people.supervisors:
        is_supervisor = bool(person._keys & set(people.supervisors))
    else:
        is_supervisor = person.uid in {_ROOT, folder.stat().st_uid}
    if is_supervisor or role is Role.SUPERVISOR:
        return is_supervisor
    return not people.operators or bool(person._keys & set(people.operators))


def require(person: Person, role: Role, people: PeopleSettings, folder: Path, what: str) -> None:
    """Raise `NotAllowedError` if a person lacks the role for `what`."""
    if not is_allowed(person, role, people, folder):
        raise NotAllowedError(
            f"{what}: {person.name} is no {role} of this line",
            advice="`personalise people list` names them; an officer signs with"
            " --officer NAME=KEYFILE",
        )


def require_operator(folder: Path, what: str) -> None:
    """Raise `NotAllowedError` unless the user of this process is an operator or supervisor.

    `folder` is that of the PKI.
    """
    require(Person.present(), Role.OPERATOR, read_settings(folder).people, folder, what)
