"""lds.structure and com.consistent: whether the files can be decoded, and EF.COM lists them."""

from collections.abc import Iterator
from typing import Final

from emrtd.lds.com import LDS_1_7, UNICODE_4_0, Com
from emrtd.lds.files import FILES, FileID
from emrtd.lds.registry import tolerated
from emrtd.lds.security.sod import Sod
from emrtd.pki.findings import Check, Outcome
from support.errors import MalformedError
from support.reasons import Reason, joined
from verify.judging.checks.case import Case, Earlier, forged, passed, why_absent
from verify.judging.checks.details import document_code_quirks
from verify.judging.quirks import quirks_of_file, quirks_of_padding

STRUCTURE_CLAUSE: Final = "Doc 9303-10, 4.6 and 4.7"
COM_CLAUSE: Final = "Doc 9303-10, 4.6.1; TR-03135-1, 5.6.4.4.1"

_MANDATORY: Final = frozenset({1, 2})
"""The data groups that every document has (Doc 9303-10, 4.7)."""


def check_structure(case: Case, _: Earlier) -> Iterator[Check]:
    """Check that every file can be decoded; the reason names each that cannot, and the offset."""
    yield _structure(case)


def _structure(case: Case) -> Check:
    check_id, evidence = "lds.structure", case.evidence
    if evidence.misplaced:
        named = joined(", ", evidence.misplaced)
        reason: str = Reason(
            "not an elementary file, or not the one that its name states: {named}", named=named
        )
        return forged(check_id, reason, STRUCTURE_CLAUSE)
    if not evidence.files:
        return Check(check_id, Outcome.NOT_PERFORMED, "no file was read", STRUCTURE_CLAUSE)
    faults: list[str] = []
    forgeries: list[str] = []
    quirks = list(quirks_of_padding(evidence.image_quirks))
    for file_id, content in case.contents.items():
        if isinstance(content, MalformedError):
            (faults if _is_as_issued(case, file_id) else forgeries).append(content.said)
        else:
            quirks += quirks_of_file(file_id, tolerated(content))
    quirks += quirks_of_file(FileID.DG1, document_code_quirks(case))
    if isinstance(case.sod, Sod):
        missing = {*_MANDATORY} - case.sod.security_object.hashes.keys()
        if missing:
            faults.append(Reason("EF.SOD does not list {groups}", groups=_names(missing)))
    if forgeries:
        reason = joined("; ", forgeries + faults)
        return forged(
            check_id, Reason("not as it was issued: {reason}", reason=reason), STRUCTURE_CLAUSE
        )
    if faults:
        return Check(check_id, Outcome.FAILED, joined("; ", faults), STRUCTURE_CLAUSE)
    count = len(evidence.files)
    names = "1 elementary file" if count == 1 else Reason("{count} elementary files", count=count)
    reason = Reason("{names} read, with the prescribed structure", names=names)
    return passed(case, check_id, reason, STRUCTURE_CLAUSE, quirks)


def _is_as_issued(case: Case, file_id: FileID) -> bool:
    """Whether a fault in this file may be the issuer's: a data group must have its signed hash.

    The files that are not data groups count as issued: other checks find a change in them.
    """
    number = FILES[file_id].number
    return number is None or case.is_signed(number)


def check_com(case: Case, _: Earlier) -> Iterator[Check]:
    """Check that EF.COM, which is not signed, agrees with EF.SOD."""
    yield _com(case)


def _com(case: Case) -> Check:
    check_id, com, sod = "com.consistent", case.com, case.sod
    if com is None:
        outcome = Outcome.NOT_PRESENT
        if FileID.COM in case.evidence.unread:
            outcome = Outcome.UNDETERMINED
        return Check(check_id, outcome, why_absent(case, FileID.COM), COM_CLAUSE)
    if isinstance(com, MalformedError):
        return forged(check_id, com.said, COM_CLAUSE)
    if not isinstance(sod, Sod):
        reason = "no readable EF.SOD to compare EF.COM with"
        return Check(check_id, Outcome.UNDETERMINED, reason, COM_CLAUSE)
    differences = tuple(_differences(com, sod))
    if differences:
        return forged(
            check_id,
            Reason(
                "EF.COM differs from EF.SOD: {differences}", differences=joined("; ", differences)
            ),
            COM_CLAUSE,
        )
    return passed(case, check_id, "EF.COM lists the data groups that EF.SOD lists", COM_CLAUSE)


def _differences(com: Com, sod: Sod) -> Iterator[str]:
    signed, listed = set(sod.security_object.hashes), set(com.data_groups)
    if missing := signed - listed:
        yield Reason("it does not list {missing}", missing=_names(missing))
    if surplus := listed - signed:
        yield Reason("it lists {surplus}, which EF.SOD does not", surplus=_names(surplus))
    if com.other and not (com.lds_version and com.unicode_version):
        yield "it contains another data object in place of a version"
    if len(com.tags) != len(listed):
        yield "it lists a tag twice, or a tag that is not a data group's"
    lds_version = sod.security_object.lds_version or LDS_1_7  # version 0 goes with LDS 1.7
    if com.lds_version and com.lds_version != lds_version:
        yield Reason(
            "LDS version {lds_version} instead of {lds_version2}",
            lds_version=com.lds_version,
            lds_version2=lds_version,
        )
    unicode_version = sod.security_object.unicode_version or UNICODE_4_0
    if com.unicode_version and com.unicode_version != unicode_version:
        yield Reason(
            "Unicode version {unicode_version} instead of {unicode_version2}",
            unicode_version=com.unicode_version,
            unicode_version2=unicode_version,
        )


def _names(numbers: set[int]) -> str:
    return joined(", ", (f"DG{number}" for number in sorted(numbers)))
