"""access.downgrade and terminal.authentication: how the chip was opened, and what it allows."""

from collections.abc import Iterator
from typing import Final

from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import FileID
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.security_infos import (
    EfDirInfo,
    PaceDomainParameterInfo,
    PaceInfo,
    SecurityInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
    UnknownSecurityInfo,
)
from emrtd.pki.findings import Check, Outcome
from support.errors import MalformedError
from support.reasons import Reason, joined
from verify.judging.checks.case import (
    Case,
    Earlier,
    forged,
    objection_to_checks,
    objection_to_data_group,
    passed,
    why_absent,
)
from verify.judging.evidence import AccessControl
from verify.judging.faults import Refused, describe
from verify.judging.quirks import quirks_of_file

DOWNGRADE_CLAUSE: Final = "Doc 9303-11, 4.2 and 9.2.11"
TERMINAL_CLAUSE: Final = "Doc 9303-11, 7.1"

_WEAKER_THAN_PACE: Final = {
    AccessControl.BAC: "by Basic Access Control",
    AccessControl.NONE: "without any access control",
}

_PACE: Final = (PaceInfo, PaceDomainParameterInfo)


def signed_security_infos(case: Case, earlier: Earlier) -> tuple[SecurityInfos, ...]:
    """Return the SecurityInfos that a State has signed: those in DG14 and in EF.CardSecurity."""
    found = []
    if isinstance(case.dg14, DataGroup14) and objection_to_data_group(earlier, 14) is None:
        found.append(case.dg14.security_infos)
    if isinstance(case.card_security, CardSecurity) and (
        objection_to_checks(earlier, "cardsecurity.signature") is None
    ):
        found.append(case.card_security.security_infos)
    return tuple(found)


def check_downgrade(case: Case, earlier: Earlier) -> Iterator[Check]:
    """Compare EF.CardAccess, which is not signed, with its signed copies; warn of BAC for PACE."""
    yield _downgrade(case, earlier)


def _downgrade(case: Case, earlier: Earlier) -> Check:
    check_id, access = "access.downgrade", case.card_access
    if isinstance(access, MalformedError):
        return forged(check_id, access.said, DOWNGRADE_CLAUSE)
    signed = signed_security_infos(case, earlier)
    if access is None:
        return _no_card_access(case, signed)
    if not signed:
        reason = "neither DG14 nor EF.CardSecurity has a signed copy of EF.CardAccess to compare"
        return Check(check_id, Outcome.UNDETERMINED, reason, DOWNGRADE_CLAUSE)
    objection = _objection_to_unsigned(case, access.security_infos, signed)
    if objection is not None:
        return forged(check_id, objection, DOWNGRADE_CLAUSE)
    offers_pace = any(_is_pace(each) for each in access.security_infos)
    weaker = _weaker_than_pace(case)
    if weaker and offers_pace:
        reason = Reason(
            "opened {weaker}, although the chip offers PACE{why}", weaker=weaker, why=_why(case)
        )
        return Check(check_id, Outcome.WARNING, reason, DOWNGRADE_CLAUSE)
    quirks = quirks_of_file(
        FileID.CARD_ACCESS,
        (
            Reason("{name} has no signed copy", name=type(each).__name__)
            for each in _added(access.security_infos, signed)
        ),
    )
    reason = "EF.CardAccess agrees with its signed copy"
    return passed(case, check_id, reason, DOWNGRADE_CLAUSE, quirks)


def _added(offered: SecurityInfos, signed: tuple[SecurityInfos, ...]) -> list[SecurityInfo]:
    copies = {each for infos in signed for each in infos}
    return [each for each in offered if each not in copies]


def _objection_to_unsigned(
    case: Case, offered: SecurityInfos, signed: tuple[SecurityInfos, ...]
) -> str | None:
    """Return which of the unsigned files was changed; None if neither was."""
    present = set(offered)
    removed = [each for infos in signed for each in infos if _is_pace(each) and each not in present]
    added = _added(offered, signed)
    if removed or any(_is_pace(each) or _is_unknown(each) for each in added):
        return "EF.CardAccess has been changed: its SecurityInfos differ from the signed ones"
    directory = case.evidence.files.get(FileID.DIR)
    copies = [each.ef_dir for infos in signed for each in infos.of(EfDirInfo)]
    if directory is not None and copies and directory not in copies:
        return "EF.DIR has been changed: it differs from its signed copy"
    return None


def _no_card_access(case: Case, signed: tuple[SecurityInfos, ...]) -> Check:
    """If no signed SecurityInfo announces PACE, the status word of the refusal does not matter."""
    check_id = "access.downgrade"
    reason = why_absent(case, FileID.CARD_ACCESS)
    unread = case.evidence.unread.get(FileID.CARD_ACCESS)
    has_pace = any(_is_pace(each) for infos in signed for each in infos)
    if unread is not None and (not isinstance(unread, Refused) or has_pace):
        return Check(check_id, Outcome.UNDETERMINED, reason, DOWNGRADE_CLAUSE)
    if case.session is not None and has_pace:
        reason = "EF.CardAccess has been removed: the signed SecurityInfos announce PACE"
        return forged(check_id, reason, DOWNGRADE_CLAUSE)
    return Check(check_id, Outcome.NOT_PRESENT, reason, DOWNGRADE_CLAUSE)


def _weaker_than_pace(case: Case) -> str:
    """Return how the chip was opened, if not by PACE; empty if by PACE, or if it did not open."""
    access = None if case.session is None else case.session.access
    return "" if access is None else _WEAKER_THAN_PACE.get(access.control, "")


def _why(case: Case) -> str:
    failures = case.session.failures if case.session is not None else ()
    return (
        Reason(" ({failures})", failures=joined("; ", (describe(each.fault) for each in failures)))
        if failures
        else ""
    )


def _is_pace(info: SecurityInfo) -> bool:
    return isinstance(info, _PACE)


def _is_unknown(info: SecurityInfo) -> bool:
    return isinstance(info, UnknownSecurityInfo)


def check_terminal(case: Case, _: Earlier) -> Iterator[Check]:
    """Terminal Authentication: whether the chip allows this terminal to read DG3 and DG4."""
    check_id, session = "terminal.authentication", case.session
    transcript = None if session is None else session.terminal_authentication
    if transcript is not None and transcript.refusal is not None:
        yield Check(check_id, Outcome.FAILED, describe(transcript.refusal), TERMINAL_CLAUSE)
    elif transcript is not None:
        rights = joined(", ", transcript.rights) or "nothing"
        reason: str = Reason(
            "the chip accepts {holder}, which may read {rights}",
            holder=transcript.holder,
            rights=rights,
        )
        yield Check(check_id, Outcome.PASSED, reason, TERMINAL_CLAUSE)
    elif not _offers_terminal_authentication(case):
        reason = "the document does not offer Terminal Authentication"
        yield Check(check_id, Outcome.NOT_PRESENT, reason, TERMINAL_CLAUSE)
    elif session is None:
        reason = "an image of files was judged; no chip was asked"
        yield Check(check_id, Outcome.NOT_PERFORMED, reason, TERMINAL_CLAUSE)
    else:
        reason = "no terminal certificate was given (--terminal), so DG3 and DG4 stay closed"
        yield Check(check_id, Outcome.NOT_PERFORMED, reason, TERMINAL_CLAUSE)


def _offers_terminal_authentication(case: Case) -> bool:
    if not isinstance(case.dg14, DataGroup14):
        return False
    return bool(case.dg14.security_infos.of(TerminalAuthenticationInfo))
