"""What an officer has to do, and by when: the rules of Doc 9303-12 for an overview of a PKI.

Something is overdue once its day has passed; it is announced some time before, by its kind.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from emrtd.calendar import A_YEAR, TRANSITIONS
from emrtd.pki.x509.extension_writer import CertificateKind
from emrtd.pki.x509.issuing import CRL_VALIDITY
from personalise.pki.operations import REST
from personalise.pki.status.values import HeldCertificate, Overview, Use
from support.values import Value

_DISTRIBUTION: Final = timedelta(hours=48)  # Doc 9303-12, 4.1.5
_NOTICE: Final = timedelta(days=90)  # 4.1.4.3: other States are told of a rollover
_ALMOST_FULL: Final = 0.9
_A_DAY: Final = timedelta(days=1)

_ANNOUNCED: Final = {
    CertificateKind.DOCUMENT_SIGNER.noun: timedelta(days=21),
    CertificateKind.MASTER_LIST_SIGNER.noun: timedelta(days=60),
    CertificateKind.DEVIATION_LIST_SIGNER.noun: timedelta(days=60),
    CertificateKind.COMMUNICATION.noun: timedelta(days=90),
}
_COMMANDS: Final = {
    "ds": "issue-ds",
    "mls": "issue-list-signer master",
    "dls": "issue-list-signer deviation",
    "sls": "issue-list-signer stop",
    "intake": "issue-intake",
    "receipt": "issue-receipt-signer",
}
_CERTIFIED: Final = {
    "personalise eac renew-cvca": {"personalise eac renew-dv", "personalise eac renew-is"},
    "personalise eac renew-dv": {"personalise eac renew-is"},
}
"""What is certified by the key that a command renews, as the commands that do it."""

_CRL_ANNOUNCED: Final = timedelta(days=14)
_TERMINALS: Final = {
    "cvca": (timedelta(days=60), "eac renew-cvca"),
    "dv": (timedelta(days=14), "eac renew-dv"),
    "is": (timedelta(days=7), "eac renew-is"),
}
_FOREIGN: Final = re.compile(r"foreign/([A-Z]{2})/(dv|terminal/is)")
FOREIGN_REQUEST: Final = "eac request foreign/{0}/cvca/*.cvcert"
"""The command that asks a State for our Document Verifier's next certificate, by a file."""

_FOREIGN_TERMINALS: Final = {
    "dv": (timedelta(days=14), FOREIGN_REQUEST),
    "terminal/is": (timedelta(days=7), "eac certify-terminal {0}"),
}


class Due(Value, frozen=True):
    """Something to do by an instant; `command` is empty if no command does it."""

    what: str
    by: datetime
    command: str
    clause: str
    overdue: bool


def due(overview: Overview) -> list[Due]:
    """Return what is to be done, the most urgent first."""
    found = [
        *_log(overview),
        *_crl(overview),
        *_csca(overview),
        *_signers(overview),
        *_terminal(overview),
        *_calendar(overview),
    ]
    return in_order(found)


def in_order(found: Iterable[Due]) -> list[Due]:
    """Return what is to be done: the most urgent first, but a key before what it certifies."""
    ordered: list[Due] = []
    for each in sorted(found, key=lambda each: (not each.overdue, each.by, each.what)):
        later = _CERTIFIED.get(each.command, set())
        places = (
            place
            for place, other in enumerate(ordered)
            if other.command in later and other.overdue is each.overdue
        )
        ordered.insert(next(places, len(ordered)), each)
    return ordered


def _log(overview: Overview) -> Iterator[Due]:
    at = overview.at
    if overview.log_error is not None:
        what = f"the audit log does not verify: {overview.log_error}"
        yield Due(what, at, "personalise audit verify", "", overdue=True)
    if overview.clock_error is not None:
        yield Due(overview.clock_error, at, "", "", overdue=True)
    for each in overview.interrupted:
        what = f"{each.operation} of {each.at} has no end in the audit log: check its result"
        yield Due(what, at, "", "", overdue=True)


def _crl(overview: Overview) -> Iterator[Due]:
    crl, at, command = overview.crl, overview.at, "personalise pki issue-crl"
    clause = "Doc 9303-12, 4.1.5"
    if crl is None:
        yield Due("there is no revocation list", at, command, clause, overdue=True)
        return
    by = crl.this_update + CRL_VALIDITY
    if crl.next_update is not None:
        by = min(by, crl.next_update)
    if at >= by - _CRL_ANNOUNCED:
        yield Due("issue the next revocation list", by, command, clause, overdue=at > by)
    for each in crl.missing:
        end = each.at + _DISTRIBUTION
        what = f"the revocation of {each.serial} is on no revocation list"
        yield Due(what, end, command, clause, overdue=at > end)
    listed = [each for each in overview.revocations if each not in crl.missing]
    for each in listed:
        end = each.at + _DISTRIBUTION
        if at <= end:
            what = f"distribute the revocation list with {each.serial}"
            yield Due(what, end, "", clause, overdue=False)


def _csca(overview: Overview) -> Iterator[Due]:
    """Yield the rollover, a year ahead, and the days of rest after one."""
    at = overview.at
    roots = [each for each in overview.certificates if each.kind == CertificateKind.CSCA_ROOT.noun]
    current = next((each for each in roots if each.current), None)
    command = "personalise pki renew-csca"
    if current is None or current.use is Use.REVOKED:
        what = "the CSCA is revoked"
        yield Due(what, at, command, "Doc 9303-12, 4.1.4", overdue=True)
        return
    end = current.signs_until
    if at >= end - A_YEAR:
        clause = "Doc 9303-12, 4.1.4.3"
        what = f"the key {current.name} signs no more certificates: renew the CSCA"
        yield Due(what, end, command, "Doc 9303-12, 4.1.4.2", overdue=at > end)
        if at <= end:
            what = "tell other States that the CSCA's key will be renewed"
            yield Due(what, end - _NOTICE, "", clause, overdue=False)
    rest = current.valid_from + REST
    if len(roots) > 1 and at < rest:
        what = f"distribute {current.name} and its link, and sign nothing with it before"
        yield Due(what, rest, "", "Doc 9303-12, 4.1.4.3", overdue=False)


def _signers(overview: Overview) -> Iterator[Due]:
    signer_in_use = False
    for each in overview.certificates:
        if each.kind in _ANNOUNCED and each.current and each.use is not Use.REVOKED:
            signs = each.kind == CertificateKind.DOCUMENT_SIGNER.noun
            signer_in_use = signer_in_use or signs
            yield from _ending(each, overview.at)
    if not signer_in_use:
        what = "the Document Signer is revoked"
        yield Due(what, overview.at, "personalise pki issue-ds", "", overdue=True)


def _ending(each: HeldCertificate, at: datetime) -> Iterator[Due]:
    stem = each.name.partition("-")[0]
    command = _COMMANDS.get(stem, "")
    command = f"personalise pki {command}" if command else ""
    end = min(each.signs_until, each.valid_until)
    if at >= end - _ANNOUNCED[each.kind]:
        what = f"{each.name} ends"
        clause = "Doc 9303-12, 4.1.1.2" if stem == "ds" else ""
        yield Due(what, end, command, clause, overdue=at > end)
    if each.limit is not None and each.documents is not None:
        full = each.documents >= each.limit
        if each.documents >= each.limit * _ALMOST_FULL:
            what = f"{each.name} has signed {each.documents:,} of {each.limit:,} documents"
            yield Due(what, at, command, "Doc 9303-12, 4.1.1.2", overdue=full)


def _terminal(overview: Overview) -> Iterator[Due]:
    """Yield what ends in `terminal/` and `foreign/`.

    The day of expiration is included (TR-03110-3, C.1.3).
    """
    for each in overview.certificates:
        place = f"terminal/{each.name}"
        ahead, command = _TERMINALS.get(each.name, (None, ""))
        found = _FOREIGN.fullmatch(each.name)
        if found is not None:
            place, (ahead, command) = each.name, _FOREIGN_TERMINALS[found[2]]
            command = command.format(found[1])
        if ahead is None:
            continue
        end = each.valid_until + _A_DAY
        if overview.at >= end - ahead:
            what = f"the certificate {each.serial} of {place}.cvcert ends"
            clause = "Doc 9303-12, 7.2, Table 3"
            yield Due(what, end, f"personalise {command}", clause, overdue=overview.at >= end)


def _calendar(overview: Overview) -> Iterator[Due]:
    """Yield the transitions of the next year: they end chip profiles."""
    today = overview.at.date()
    for each in TRANSITIONS:
        if today < each.ends <= today + A_YEAR:
            by = datetime.combine(each.ends, datetime.min.time(), overview.at.tzinfo)
            what = f"{each.subject} may not be issued after {each.last_day}"
            yield Due(what, by, "personalise pki lint PROFILE.toml", each.clause, overdue=False)
