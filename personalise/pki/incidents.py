"""Incidents and changes, as entries of the audit log: append-only, signed, with their officers.

An incident is opened, noted on and closed.  It may concern a certificate; then it has the number of
documents that this signed, and every operation on the certificate while it is open belongs to it.
The texts stay in the log: they name no person and no document.
"""

import re
from collections.abc import Iterable
from contextlib import closing
from typing import Final

from msgspec.structs import replace

from emrtd.pki.x509.certificates import Certificate
from personalise.pki.audit_log import AuditEntry
from personalise.pki.auditing import audit_entries
from personalise.pki.operations import PkiOperations
from personalise.pki.register import Register
from support.errors import MisuseError
from support.values import Value

OPEN: Final = "incident.open"
NOTE: Final = "incident.note"
CLOSE: Final = "incident.close"
SEVERITIES: Final = ("1", "2", "3", "4")
"""1: documents may be forged, or nothing can be issued; 4: no effect on service."""

_LONGEST: Final = 2000  # characters of a text
_NUMBER: Final = re.compile(r"INC-(\d{4})-(\d{4,})")


class IncidentEntry(Value, frozen=True):
    """What was entered about an incident, or done to its certificate while it was open."""

    at: str
    operation: str
    what: str
    outcome: str
    officers: tuple[str, ...]


class Incident(Value, frozen=True):
    """An incident; `documents` is how many the certificate had signed when it was opened."""

    number: str
    severity: str
    what: str
    opened: str
    closed: str | None
    certificate: str | None
    documents: int | None
    entries: tuple[IncidentEntry, ...]


def incidents_in(entries: Iterable[AuditEntry]) -> list[Incident]:
    """Return the incidents of a log, the oldest first."""
    found: dict[str, Incident] = {}
    for entry in entries:
        if entry.outcome == "begun":
            continue
        number = entry.subject.get("incident", "")
        if entry.operation == OPEN and entry.outcome == "done":
            found[number] = _opened(number, entry)
        for each in list(found.values()):
            if each.closed is None and _belongs(entry, each):
                found[each.number] = _with(each, entry)
    return list(found.values())


def _opened(number: str, entry: AuditEntry) -> Incident:
    documents = entry.subject.get("documents", "")
    return Incident(
        number,
        entry.subject.get("severity", ""),
        entry.subject.get("what", ""),
        entry.at,
        None,
        entry.subject.get("certificate"),
        int(documents) if documents.isdecimal() else None,
        (),
    )


def _belongs(entry: AuditEntry, incident: Incident) -> bool:
    if entry.subject.get("incident") == incident.number:
        return True
    serial = incident.certificate
    return serial is not None and entry.subject.get("serial") == serial


def _with(incident: Incident, entry: AuditEntry) -> Incident:
    own = {"incident", "what", "severity", "certificate", "documents"}
    rest = " ".join(f"{name}={value}" for name, value in entry.subject.items() if name not in own)
    made = IncidentEntry(
        entry.at,
        entry.operation,
        entry.subject.get("what", rest),
        entry.outcome,
        tuple(each.officer for each in entry.approvals),
    )
    is_end = (entry.operation, entry.outcome) == (CLOSE, "done")
    closed = entry.at if is_end else None
    return replace(incident, closed=closed, entries=(*incident.entries, made))


def open_incident(
    operations: PkiOperations, severity: str, what: str, certificate: Certificate | None = None
) -> str:
    """Enter a new incident; return its number.  Raises `MisuseError` for too long a text."""
    year = f"{operations.at:%Y}"
    known = incidents_in(audit_entries(operations.pki.folder))
    numbers = (_NUMBER.fullmatch(each.number) for each in known)
    of_year = [int(found[2]) for found in numbers if found is not None and found[1] == year]
    number = f"INC-{year}-{max(of_year, default=0) + 1:04}"
    subject = {"incident": number, "severity": severity, "what": _text(what)}
    if certificate is not None:
        with closing(Register(operations.pki.folder)) as register:
            count = register.count(certificate.fingerprint)
        subject |= {"certificate": f"{certificate.serial:X}", "documents": str(count)}
    with operations.operation(OPEN, subject):
        pass
    return number


def enter(operations: PkiOperations, operation: str, number: str, what: str) -> None:
    """Enter a note on an open incident, or its end; `MisuseError` if there is no such open one."""
    known = {each.number: each for each in incidents_in(audit_entries(operations.pki.folder))}
    if number not in known:
        raise MisuseError(
            f"there is no incident {number!r}", advice="see `personalise incident list`"
        )
    if known[number].closed is not None:
        raise MisuseError(
            f"{number} was closed at {known[number].closed}",
            advice="open another one that names it",
        )
    with operations.operation(operation, {"incident": number, "what": _text(what)}):
        pass


def _text(what: str) -> str:
    what = what.strip()
    if not what or not what.isprintable() or len(what) > _LONGEST:
        raise MisuseError(
            f"a text about an incident has 1 to {_LONGEST:,} printable characters on one line"
        )
    return what
