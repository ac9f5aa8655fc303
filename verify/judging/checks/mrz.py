"""mrz.* and document.expired: the check digits of DG1, the printed MRZ, the date of expiry."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from emrtd.lds.files import FileID
from emrtd.mrz import Mrz
from emrtd.mrz.dates import NO_EXPIRY, full_date_of_expiry
from emrtd.pki.findings import Check, Outcome
from support.errors import MalformedError
from support.reasons import Reason, joined
from verify.judging.checks.case import Case, Earlier, forged, why_absent
from verify.judging.optical import whole_mrz

DIGITS_CLAUSE: Final = "Doc 9303-3, 4.9; TR-03135-1, 5.5.4.1.1"
OPTICAL_CLAUSE: Final = "Doc 9303-11, 5.1.1; TR-03135-1, 5.7.2"
EXPIRY_CLAUSE: Final = "TR-03135-1, 5.7.1"

_COMPARED: Final = (
    ("document_code", "document code"),
    ("issuing_state", "issuing State"),
    ("document_number", "document number"),
    ("names", "name"),
    ("nationality", "nationality"),
    ("sex", "sex"),
    ("date_of_expiry", "date of expiry"),
)
_OPTIONAL: Final = ("optional_data", "optional_data_2")


def check_digits(case: Case, _: Earlier) -> Iterator[Check]:
    """Check every check digit of the MRZ in DG1."""
    check_id, mrz = "mrz.check-digits", case.mrz
    if mrz is None:
        yield unreadable_mrz(case, check_id, DIGITS_CLAUSE)
        return
    wrong = [digit.name.replace("_", " ") for digit in mrz.check_digits() if not digit.correct]
    if wrong:
        reason = Reason("wrong check digit in DG1: {wrong}", wrong=joined(", ", wrong))
        yield Check(check_id, Outcome.FAILED, reason, DIGITS_CLAUSE)
    else:
        reason = Reason(
            "all {count} check digits of the MRZ in DG1 are correct",
            count=len(mrz.check_digits()),
        )
        yield Check(check_id, Outcome.PASSED, reason, DIGITS_CLAUSE)


def check_optical(case: Case, _: Earlier) -> Iterator[Check]:
    """Compare the MRZ printed on the document with DG1."""
    check_id, optical = "mrz.matches-optical", case.evidence.optical_mrz
    if not optical:
        reason = "no printed MRZ was given to compare DG1 with"
        yield Check(check_id, Outcome.NOT_PERFORMED, reason, OPTICAL_CLAUSE)
    elif case.mrz is None:
        yield unreadable_mrz(case, check_id, OPTICAL_CLAUSE)
    else:
        whole = whole_mrz(optical)
        if whole is None:
            yield _compare_information(check_id, optical, case.mrz)
        else:
            yield _compare(check_id, whole, case.mrz)


def _compare_information(check_id: str, information: str, mrz: Mrz) -> Check:
    if information != mrz.information:
        reason = "the printed document number, date of birth or date of expiry differs from DG1"
        return forged(check_id, reason, OPTICAL_CLAUSE)
    reason = "document number, date of birth and date of expiry agree with DG1; no more was given"
    return Check(check_id, Outcome.PASSED, reason, OPTICAL_CLAUSE)


def _compare(check_id: str, optical: Mrz, mrz: Mrz) -> Check:
    misread = [
        digit.name.replace("_", " ") for digit in optical.check_digits() if not digit.correct
    ]
    if misread and optical.text != mrz.text:
        reason = Reason(
            "the printed MRZ was misread or is false: wrong check digit ({misread}); read it again",
            misread=joined(", ", misread),
        )
        return Check(check_id, Outcome.UNDETERMINED, reason, OPTICAL_CLAUSE)
    if optical.format is not mrz.format:
        reason = Reason(
            "the printed MRZ has the format {printed}, DG1 has {stored}",
            printed=optical.format,
            stored=mrz.format,
        )
        return forged(check_id, reason, OPTICAL_CLAUSE)
    differing = [said for name, said in _COMPARED if _element(optical, name) != _element(mrz, name)]
    if not _same_birth(optical, mrz):
        differing.append("date of birth")
    if differing:
        reason = Reason(
            "the printed MRZ differs from DG1: {differing}", differing=joined(", ", differing)
        )
        return forged(check_id, reason, OPTICAL_CLAUSE)
    if any(optical.printed(name) != mrz.printed(name) for name in _OPTIONAL):
        only = "the printed MRZ differs from DG1 only in the optional data"
        return Check(check_id, Outcome.UNDETERMINED, only, OPTICAL_CLAUSE)
    agrees = "every element of the printed MRZ agrees with DG1"
    return Check(check_id, Outcome.PASSED, agrees, OPTICAL_CLAUSE)


def _element(mrz: Mrz, name: str) -> str:
    """Return an element as printed; the document number with its part in the optional data."""
    return mrz.document_number if name == "document_number" else mrz.printed(name)


def _same_birth(optical: Mrz, mrz: Mrz) -> bool:
    """Whether the dates of birth agree, apart from fillers (TR-03135-1, 5.7.2)."""
    pairs = zip(optical.date_of_birth, mrz.date_of_birth, strict=True)
    return all(one == other or "<" in (one, other) for one, other in pairs)


def check_expiry(case: Case, _: Earlier) -> Iterator[Check]:
    """Check that the document and its permit are in date at the instant of inspection."""
    check_id, mrz, today = "document.expired", case.mrz, case.at.date()
    if mrz is None:
        yield unreadable_mrz(case, check_id, EXPIRY_CLAUSE)
        return
    expires = full_date_of_expiry(mrz.date_of_expiry, today, case.issued_from)
    if mrz.date_of_expiry == NO_EXPIRY:
        yield _permit_period(case, check_id, None, today)
    elif expires is None:
        reason = "the date of expiry in DG1 cannot be read"
        yield Check(check_id, Outcome.UNDETERMINED, reason, EXPIRY_CLAUSE)
    elif expires < today:
        reason = Reason("the document expired on {expires}", expires=expires)
        yield Check(check_id, Outcome.FAILED, reason, EXPIRY_CLAUSE)
    else:
        yield _permit_period(case, check_id, expires, today)


def _permit_period(case: Case, check_id: str, expires: date | None, today: date) -> Check:
    permit = case.permit
    if permit is not None and permit.valid_until is not None and permit.valid_until < today:
        reason = Reason(
            "the permit ended on {valid_until}, before the document expires",
            valid_until=permit.valid_until,
        )
        return Check(check_id, Outcome.FAILED, reason, EXPIRY_CLAUSE)
    if permit is not None and permit.valid_from > today:
        reason = Reason(
            "the permit does not begin until {valid_from}", valid_from=permit.valid_from
        )
        return Check(check_id, Outcome.FAILED, reason, EXPIRY_CLAUSE)
    if expires is None:
        return Check(check_id, Outcome.PASSED, "without a date of expiry", EXPIRY_CLAUSE)
    reason = Reason("valid until {expires}", expires=expires)
    return Check(check_id, Outcome.PASSED, reason, EXPIRY_CLAUSE)


def unreadable_mrz(case: Case, check_id: str, clause: str) -> Check:
    """Return the result of a check that requires the MRZ, if DG1 is missing or cannot be read."""
    if isinstance(case.dg1, MalformedError):
        reason = Reason("DG1 cannot be read: {reason}", reason=case.dg1.reason)
        return Check(check_id, Outcome.UNDETERMINED, reason, clause)
    outcome = Outcome.NOT_PERFORMED if FileID.DG1 in case.evidence.unread else Outcome.NOT_PRESENT
    return Check(check_id, outcome, why_absent(case, FileID.DG1), clause)
