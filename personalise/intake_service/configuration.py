"""The service's configuration, a TOML file; an unknown key is an error that names it.

    [listen]                         as in `personalise/service/configuration.py`

    [intake]
    inbox = "inbox"                  the folder of packages that wait, and of their receipts
    profile = "permit"               the chip profile of all applications
    max_megabytes = 64               the longest encrypted package
    max_clear_megabytes = 8          the longest archive in clear
    max_applications = 1000          of one package
    max_waiting = 32                 packages that may wait; more are refused for the time being
    answer_seconds = 10              how long a request waits for its receipt
    jobs = 2                         processes that check applications

    [[client]]
    name = "case-working-1"
    certificate = "client-1.pem"
    packages_per_minute = 60
    clear = false                    whether it may send archives in clear
    senders = "senders.pem"          who must have signed its packages; nobody by default
    priority = 0                     of its applications; higher ones are made earlier

Paths are relative to the file's folder.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from emrtd.pki.x509.certificates import Certificate
from personalise.intake.archive_rules import Limits
from personalise.intake.senders import Senders
from personalise.service.configuration import (
    MAX_FILE,
    Count,
    ListenRecord,
    certificate_of,
    require_distinct,
)
from personalise.service.intake import MAX_MEGABYTES
from support.cores import usable_cores
from support.records import Record, from_toml, read_bounded

_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class IntakeClientRules:
    """A client, and what it may send."""

    name: str
    certificate: Certificate
    packages_per_minute: int
    clear: bool
    senders: Senders | None
    priority: int

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of its certificate."""
        return self.certificate.fingerprint

    @property
    def valid_until(self) -> datetime:
        """The end of its certificate."""
        return self.certificate.not_after


class _Intake(Record, frozen=True):
    inbox: str = "inbox"
    profile: str = "permit"
    max_megabytes: Count = MAX_MEGABYTES
    max_clear_megabytes: Count = 8
    max_applications: Count = 1000
    max_waiting: Count = 32
    answer_seconds: Annotated[int, msgspec.Meta(ge=0, le=60)] = 10
    jobs: Count | None = None


class _Client(Record, frozen=True):
    name: str
    certificate: str
    packages_per_minute: Count = 60
    clear: bool = False
    senders: str | None = None
    priority: int = 0


class _File(Record, frozen=True):
    listen: ListenRecord
    client: tuple[_Client, ...]
    intake: _Intake = _Intake()


class Configuration:
    """A configuration file, read and checked."""

    def __init__(self, path: Path) -> None:
        raw = from_toml(read_bounded(path, MAX_FILE), _File, str(path))
        folder, intake = path.parent, raw.intake
        self.listening = raw.listen.listening(folder)
        self.health_port = raw.listen.health_port
        self.inbox = folder / intake.inbox
        in_folder = (folder / intake.profile).is_file()
        self.profile = str((folder / intake.profile).resolve()) if in_folder else intake.profile
        self.limits = Limits(intake.max_applications, intake.max_megabytes * _MEGABYTE)
        self.max_octets = intake.max_megabytes * _MEGABYTE
        self.max_clear_octets = intake.max_clear_megabytes * _MEGABYTE
        self.max_waiting = intake.max_waiting
        self.answer_seconds = intake.answer_seconds
        self.jobs = intake.jobs or usable_cores()
        self.clients = tuple(_client(each, folder) for each in raw.client)
        require_distinct(self.clients, path)


def _client(raw: _Client, folder: Path) -> IntakeClientRules:
    return IntakeClientRules(
        raw.name,
        certificate_of(folder, raw.certificate),
        raw.packages_per_minute,
        raw.clear,
        None if raw.senders is None else Senders.load(folder / raw.senders),
        raw.priority,
    )
