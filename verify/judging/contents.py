"""The contents of a document that a report shows: fields, permit, portrait and data groups."""

from typing import Any, Final

from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.files import DATA_GROUPS, FileID
from emrtd.lds.values import decoded_name
from emrtd.mrz import Mrz
from emrtd.mrz.dates import (
    NO_EXPIRY,
    date_of_birth_of,
    full_date_of_birth,
    full_date_of_expiry,
)
from emrtd.pki.path import UNPROVEN
from emrtd.pki.trust import Anchor
from emrtd.pki.x509.certificates import Certificate
from support.reasons import Reason
from verify.judging.checks.case import Case, Earlier
from verify.judging.report import DataGroupRow, Trust


def document_fields(case: Case) -> dict[str, str]:
    """Return the fields of DG1, and of DG11 and DG12 unless an EF.SOD lacks their hashes.

    Dates are YYYY-MM-DD, the date of expiry "without end" if there is none; the date of birth in
    DG11 decides the century.  Empty if DG1 cannot be read.
    """
    mrz = case.mrz
    if mrz is None:
        return {}
    fields = {
        "format": str(mrz.format),
        "document_code": mrz.document_code,
        "issuing_state": mrz.issuing_state,
        "document_number": mrz.document_number,
        "surname": mrz.surname,
        "given_names": mrz.given_names,
        "nationality": mrz.nationality,
        "date_of_birth": _date_of_birth(case, mrz),
        "sex": mrz.sex,
        "date_of_expiry": _date_of_expiry(case, mrz),
        "optional_data": mrz.optional_data,
        "optional_data_2": mrz.optional_data_2,
        **_details(case),
        "mrz": "\n".join(mrz.lines),
    }
    optional = {"optional_data", "optional_data_2", *DETAILS}
    return {name: value for name, value in fields.items() if value or name not in optional}


def _date_of_birth(case: Case, mrz: Mrz) -> str:
    if case.dg11 is not None and case.dg11.date_of_birth:
        full = date_of_birth_of(mrz.date_of_birth, case.dg11.date_of_birth, case.at.date())
        if full is not None:
            return full
    return full_date_of_birth(mrz.date_of_birth, case.born_by)


def _date_of_expiry(case: Case, mrz: Mrz) -> str:
    if mrz.date_of_expiry == NO_EXPIRY:
        return WITHOUT_END
    expires = full_date_of_expiry(mrz.date_of_expiry, case.at.date(), case.issued_from)
    return mrz.date_of_expiry if expires is None else expires.isoformat()


DETAILS: Final = (
    "name_in_full",
    "other_names",
    "personal_number",
    "place_of_birth",
    "issuing_authority",
    "date_of_issue",
)
"""The fields of DG11 and DG12."""

WITHOUT_END: Final = "without end"


def _details(case: Case) -> dict[str, str]:
    fields: dict[str, str | None] = {}
    if (holder := case.dg11) is not None:
        fields["name_in_full"] = decoded_name(holder.name_in_full or "")
        fields["other_names"] = "; ".join(map(decoded_name, holder.other_names))
        fields["personal_number"] = holder.personal_number
        fields["place_of_birth"] = ", ".join(_parts(holder.place_of_birth or ""))
    if (document := case.dg12) is not None:
        fields["issuing_authority"] = " ".join(_parts(document.issuing_authority or ""))
        issued = case.issued
        fields["date_of_issue"] = document.date_of_issue if issued is None else issued.isoformat()
    return {name: value or "" for name, value in fields.items()}


def _parts(coded: str) -> list[str]:
    return [part.strip() for part in coded.split("<") if part.strip()]


def permit_fields(case: Case) -> dict[str, Any] | None:
    """Return the entitlements in DG13; None if it has none, or if its hash is not in EF.SOD."""
    permit = case.permit
    if permit is None:
        return None
    until = permit.valid_until
    return {
        "category": permit.category,
        "valid_from": permit.valid_from.isoformat(),
        "valid_until": None if until is None else until.isoformat(),
        "stay": permit.stay,
        "work": permit.work,
        "study": permit.study,
        "public_funds": permit.public_funds,
        "remarks": list(permit.remarks),
    }


def portrait(case: Case) -> bytes | None:
    """Return the first facial image of DG2, as stored; None if no image can be read."""
    content = case.contents.get(FileID.DG2)
    faces = content.faces() if isinstance(content, DataGroup2) else ()
    return faces[0].data if faces else None


def trust_in_words(case: Case, made: Earlier) -> Trust:
    """Return the CSCA, the Document Signer and the result of ds.revocation; empty if unknown."""
    examination = case.sod_examination
    if examination is None or examination.signer is None:
        return Trust()
    revocation = made["ds.revocation"]
    anchor = None if examination.path is None else examination.path.anchor
    return Trust(
        csca="" if anchor is None else _describe_anchor(anchor),
        ds=_describe(examination.signer),
        revocation=Reason(
            "{outcome}: {reason}", outcome=revocation.outcome.value, reason=revocation.reason
        ),
        country=examination.signer.country or "",
    )


def _describe_anchor(anchor: Anchor) -> str:
    text = _describe(anchor.certificate)
    return Reason("{text}; {unproven}", text=text, unproven=UNPROVEN) if anchor.unproven else text


def _describe(certificate: Certificate) -> str:
    serial = f"{certificate.serial:X}"
    return Reason(
        "{certificate}, serial number {serial}, {key}",
        certificate=certificate.subject,
        serial=serial,
        key=certificate.key,
    )


def data_group_rows(case: Case, made: Earlier) -> dict[str, DataGroupRow]:
    """Return a row for every data group that EF.SOD lists or the evidence contains, in order."""
    rows = {}
    for file in DATA_GROUPS:
        check = made.get(f"dg.hash.{file.file_id}")
        if check is not None:
            octets = case.evidence.files.get(file.file_id)
            rows[str(file.file_id)] = DataGroupRow(
                None if octets is None else len(octets), check.outcome
            )
    return rows
