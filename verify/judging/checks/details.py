"""mrz.matches-details: DG11 and DG12 against DG1; document codes against the date of issue."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from emrtd.lds.files import FileID
from emrtd.lds.values import decoded_name
from emrtd.mrz import Mrz, MrzFormat
from emrtd.mrz.dates import (
    FIRST_CHIPS,
    NO_EXPIRY,
    date_of_birth_of,
    full_date_of_birth,
    full_date_of_expiry,
)
from emrtd.mrz.document_codes import objection_to_passport_code
from emrtd.pki.findings import Check, Outcome
from support.errors import MalformedError
from support.reasons import Reason, joined
from verify.judging.checks.case import (
    Case,
    Earlier,
    file_of,
    objection_to_data_group,
    passed,
    why_absent,
)
from verify.judging.checks.mrz import unreadable_mrz
from verify.judging.quirks import quirks_of_file

DETAILS_CLAUSE: Final = "Doc 9303-10, 4.7.11 and 4.7.12"
_DETAILS: Final = (11, 12)
_TIME_ZONES: Final = timedelta(days=1)
"""The date of issue is that of the place of issue, the date of inspection is in UTC."""


def check_details(case: Case, earlier: Earlier) -> Iterator[Check]:
    """Compare the dates and the name in DG11 and DG12 with DG1."""
    yield _details(case, earlier)


def _details(case: Case, earlier: Earlier) -> Check:
    check_id, mrz = "mrz.matches-details", case.mrz
    listed = [number for number in _DETAILS if number in case.signed_numbers]
    if not listed:
        reason = "EF.SOD lists neither DG11 nor DG12"
        return Check(check_id, Outcome.NOT_PRESENT, reason, DETAILS_CLAUSE)
    if mrz is None:
        return unreadable_mrz(case, check_id, DETAILS_CLAUSE)
    read = [number for number in listed if file_of(number) in case.evidence.files]
    if not read:
        reason = why_absent(case, file_of(listed[0]))
        return Check(check_id, Outcome.NOT_PERFORMED, reason, DETAILS_CLAUSE)
    for number in (1, *read):
        objection = objection_to_data_group(earlier, number)
        content = case.contents.get(file_of(number))
        if objection is None and isinstance(content, MalformedError):
            objection = Reason("DG{number} cannot be read", number=number)
        if objection is not None:
            return Check(check_id, Outcome.UNDETERMINED, objection, DETAILS_CLAUSE)
    disagreements = list(_disagreements(case, mrz))
    if disagreements:
        return Check(check_id, Outcome.WARNING, joined("; ", disagreements), DETAILS_CLAUSE)
    names = joined(" and ", (f"DG{number}" for number in read))
    quirks = () if _same_name(case, mrz) else ("DG11: the name is not the one in DG1",)
    reason = Reason("the dates in {names} agree with DG1", names=names)
    return passed(case, check_id, reason, DETAILS_CLAUSE, quirks_of_file(FileID.DG11, quirks))


def _disagreements(case: Case, mrz: Mrz) -> Iterator[str]:
    today, issued = case.at.date(), case.issued
    born = full_date_of_birth(mrz.date_of_birth, case.born_by)
    if case.dg11 is not None and case.dg11.date_of_birth:
        full = date_of_birth_of(mrz.date_of_birth, case.dg11.date_of_birth, today)
        if full is None:
            yield "the date of birth in DG11 is not the one in DG1"
        born = full or born
    if issued is None:
        return
    if issued - today > _TIME_ZONES:
        yield "the date of issue in DG12 is in the future"
    if issued < FIRST_CHIPS:
        yield "the date of issue in DG12 is before any document had a chip"
    if born.replace("XX", "01") > issued.isoformat() and not born.startswith("XXXX"):
        yield "the date of issue in DG12 is before the date of birth"
    expires = full_date_of_expiry(mrz.date_of_expiry, today, case.issued_from)
    if expires is not None and expires < issued:
        yield "the date of issue in DG12 is after the date of expiry in DG1"


def _same_name(case: Case, mrz: Mrz) -> bool:
    """Whether every component in DG1 begins one of the name in DG11; true if that cannot be told.

    Only a name in the letters A to Z is compared: how others are transliterated is for the State
    to choose.  The name in DG1 may be truncated (Doc 9303-4, 4.2.3).
    """
    name = "" if case.dg11 is None else decoded_name(case.dg11.name_in_full or "").upper()
    plain = name.replace("'", "").replace("-", " ").replace(",", " ")
    if not plain.strip() or not plain.replace(" ", "").isalpha() or not plain.isascii():
        return True
    components = plain.split()
    return all(
        any(component.startswith(each) for component in components)
        for each in f"{mrz.surname} {mrz.given_names}".split()
    )


def document_code_quirks(case: Case) -> tuple[str, ...]:
    """Return the quirk of a passport's document code that its date of issue does not allow.

    The issue is that in DG12, or not before the Document Signer's certificate.
    """
    mrz, issued = case.mrz, case.issued_from
    if mrz is None or issued is None or mrz.format is not MrzFormat.TD3:
        return ()
    if not mrz.document_code.startswith("P"):
        return ()
    expires = (
        None
        if mrz.date_of_expiry == NO_EXPIRY
        else full_date_of_expiry(mrz.date_of_expiry, case.at.date(), issued) or date.min
    )
    objection = objection_to_passport_code(mrz.document_code, issued, expires)
    return (
        ()
        if objection is None
        else (Reason("DG1: the document code {objection}", objection=objection),)
    )
