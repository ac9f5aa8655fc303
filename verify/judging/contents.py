"""The contents of a document that a report shows: fields, permit, portrait and data groups."""

from typing import Any

from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.files import DATA_GROUPS, FileID
from emrtd.mrz import Mrz
from emrtd.mrz.dates import full_date_of_birth, full_date_of_expiry
from emrtd.pki.path import UNPROVEN
from emrtd.pki.trust import Anchor
from emrtd.pki.x509.certificates import Certificate
from verify.judging.checks.case import Case, Earlier
from verify.judging.report import DataGroupRow, Trust


def document_fields(case: Case) -> dict[str, str]:
    """Return the fields of the MRZ in DG1, dates as YYYY-MM-DD; empty if DG1 cannot be read."""
    mrz = case.mrz
    if mrz is None:
        return {}
    expires = full_date_of_expiry(mrz.date_of_expiry, case.at)
    fields = {
        "format": str(mrz.format),
        "document_code": mrz.document_code,
        "issuing_state": mrz.issuing_state,
        "document_number": mrz.document_number,
        "surname": mrz.surname,
        "given_names": mrz.given_names,
        "nationality": mrz.nationality,
        "date_of_birth": full_date_of_birth(mrz.date_of_birth, case.at),
        "sex": mrz.sex,
        "date_of_expiry": mrz.date_of_expiry if expires is None else expires.isoformat(),
    }
    return fields | _optional_fields(mrz) | {"mrz": "\n".join(mrz.lines)}


def _optional_fields(mrz: Mrz) -> dict[str, str]:
    fields = {"optional_data": mrz.optional_data, "optional_data_2": mrz.optional_data_2}
    return {name: value for name, value in fields.items() if value}


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
        revocation=f"{revocation.outcome.value}: {revocation.reason}",
    )


def _describe_anchor(anchor: Anchor) -> str:
    text = _describe(anchor.certificate)
    return f"{text}; {UNPROVEN}" if anchor.unproven else text


def _describe(certificate: Certificate) -> str:
    serial = f"{certificate.serial:X}"
    return f"{certificate.subject}, serial number {serial}, {certificate.key}"


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
