"""dg.hash.*: compares each data group with its hash in EF.SOD.

Doc 9303-11, 5.1.1; TR-03135-1, 5.42.
"""

from collections.abc import Iterator
from typing import Final

from emrtd.lds.files import DATA_GROUPS, FILES, FileID
from emrtd.lds.security.sod import Sod
from emrtd.pki.findings import Check, Outcome
from emrtd.status_words import SW
from support.reasons import Reason
from verify.judging.checks.case import Case, Earlier, file_of, forged, why_absent
from verify.judging.faults import BareAnswer, Fault, NotTried, Refused

CLAUSE: Final = "Doc 9303-11, 5.1.1, step 5"


def check_hashes(case: Case, _: Earlier) -> Iterator[Check]:
    """Check every data group that EF.SOD lists or the evidence contains."""
    for file in DATA_GROUPS:
        number = file.number or 0
        if number in case.signed_numbers or file.file_id in case.evidence.files:
            yield _check_hash(case, number)


def _check_hash(case: Case, number: int) -> Check:
    check_id, file_id = f"dg.hash.DG{number}", file_of(number)
    octets = case.evidence.files.get(file_id)
    if not isinstance(case.sod, Sod):
        reason = Reason("no readable EF.SOD to compare {file} with", file=file_id)
        return Check(check_id, Outcome.UNDETERMINED, reason, CLAUSE)
    security_object = case.sod.security_object
    signed = security_object.hashes.get(number)
    if signed is None:
        return _unsigned(case, check_id, number)
    if octets is None:
        return _absent(case, check_id, number)
    algorithm = security_object.hash_algorithm
    if len(signed) != algorithm.size:
        reason = Reason(
            "EF.SOD has {octets} octets for {file}, which is not an {algorithm} hash",
            octets=len(signed),
            file=file_id,
            algorithm=algorithm,
        )
        return forged(check_id, reason, CLAUSE)
    if case.digests[number] != signed:
        reason = Reason(
            "{file} has been changed: its {algorithm} hash is not the one in EF.SOD",
            file=file_id,
            algorithm=algorithm,
        )
        return forged(check_id, reason, CLAUSE)
    reason = Reason(
        "the {algorithm} hash of {file} is the one in EF.SOD", algorithm=algorithm, file=file_id
    )
    return Check(check_id, Outcome.PASSED, reason, CLAUSE)


def _unsigned(case: Case, check_id: str, number: int) -> Check:
    """Return the check of a data group that EF.SOD does not list.

    Some specimens have such a data group, but none of them lacks a listed one as well.
    """
    reason = Reason("{file} is not listed in EF.SOD, so it is not signed", file=file_of(number))
    if all(file_of(listed) in case.evidence.files for listed in case.signed_numbers):
        return Check(check_id, Outcome.FAILED, reason, CLAUSE)
    return forged(
        check_id, Reason("{reason}; and a listed data group is missing", reason=reason), CLAUSE
    )


def _absent(case: Case, check_id: str, number: int) -> Check:
    """Return the check of a listed data group that was not captured."""
    file_id = file_of(number)
    unread = case.evidence.unread.get(file_id)
    if unread is None:
        reason = Reason("EF.SOD lists {file}; {why}", file=file_id, why=why_absent(case, file_id))
        return Check(check_id, Outcome.NOT_PRESENT, reason, CLAUSE)
    denied = isinstance(unread, Refused) and unread.sw == SW.FILE_NOT_FOUND
    if denied and not FILES[file_id].sensitive:
        reason = Reason(
            "{file} has been removed: EF.SOD lists it, and the chip has no such file", file=file_id
        )
        return forged(check_id, reason, CLAUSE)
    may_be_closed = not FILES[file_id].sensitive or _is_closed(case, file_id, unread)
    outcome = Outcome.NOT_PERFORMED if may_be_closed else Outcome.UNDETERMINED
    return Check(check_id, outcome, why_absent(case, file_id), CLAUSE)


def _is_closed(case: Case, file_id: FileID, unread: Fault) -> bool:
    """Whether a sensitive data group was not read because this terminal may not read it."""
    terminal = None if case.session is None else case.session.terminal_authentication
    if terminal is not None and file_id in terminal.rights:
        return False
    return isinstance(unread, NotTried | Refused | BareAnswer)
