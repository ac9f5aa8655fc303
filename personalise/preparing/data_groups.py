"""From an application to the data groups with its contents: DG1 to DG3, DG11 to DG13."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from emrtd.iso7816.procedure import Random
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.permit import Permit
from emrtd.lds.values import coded_name
from emrtd.mrz import Mrz
from emrtd.mrz.dates import NO_EXPIRY
from emrtd.mrz.transliteration import transliterate
from personalise.preparing.application import Application
from personalise.preparing.biometrics import (
    Assessments,
    assess_samples,
    fit_samples,
    hold_unusable,
    make_dg2,
    make_dg3,
)
from personalise.preparing.chip_profile import ChipProfile
from personalise.preparing.codes import check_codes
from support.errors import ElementError, MisuseError
from support.records import FieldError

PERSONALISATION_SYSTEM: Final = "CHIPSEAL"

FIELDS_OF_MRZ: Final = {
    "document_code": "document.code",
    "issuing_state": "document.issuing_state",
    "document_number": "document.number",
    "nationality": "holder.nationality",
    "date_of_birth": "holder.born",
    "sex": "holder.sex",
    "date_of_expiry": "document.expires",
    "names": "holder.surname",
    "optional_data": "holder.personal_number",
}
"""The field of the application that each element of the MRZ comes from."""

FIELDS_OF_DG11: Final = {
    "name_in_full": "holder.name_in_full",
    "personal_number": "holder.personal_number",
    "date_of_birth": "holder.born",
    "place_of_birth": "holder.place_of_birth",
}
FIELDS_OF_DG12: Final = {
    "issuing_authority": "document.authority",
    "date_of_issue": "document.issued",
}
"""The same for DG11 and DG12."""

_TD3_OPTIONAL_DATA: Final = 14
"""Characters of the optional data of a TD3 MRZ."""
_DG11_NAME: Final = 99
"""Characters of the name in DG11."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Data groups and what they were made from.

    `files` are the data groups by number, each a whole elementary file; `mrz` is the MRZ in DG1;
    `assessments` are the quality assessments of the biometric samples.
    """

    files: dict[int, bytes]
    mrz: Mrz
    assessments: Assessments


def make_data_groups(
    application: Application,
    profile: ChipProfile,
    at: datetime,
    random: Random,
    *,
    accept_quality: bool = False,
) -> Prepared:
    """Return every data group that the profile lists; raises `FieldError`, naming the field.

    A sample below a mandatory limit of quality raises it too, unless `accept_quality`.
    """
    mrz = make_mrz(application, profile)
    if application.particulars.permit is not None and "DG13" not in profile.data_groups:
        raise application.error(
            "permit",
            "is present, but the chip profile has no DG13 to store it",
            advice="choose a chip profile with DG13, or remove the field",
        )
    samples = fit_samples(application, profile)
    assessments = assess_samples(application, samples)
    if not accept_quality:
        hold_unusable(application, assessments)
    makers = {
        "DG1": lambda: DataGroup1(mrz).encode(),
        "DG2": lambda: make_dg2(application, profile, samples.portrait, assessments),
        "DG3": lambda: make_dg3(application, profile, samples.prints, assessments, random),
        "DG11": lambda: _make_dg11(application),
        "DG12": lambda: _make_dg12(application, at),
        "DG13": lambda: _make_dg13(application),
    }
    files = {int(name.removeprefix("DG")): makers[name]() for name in profile.data_groups}
    return Prepared(files, mrz, assessments)


def make_mrz(application: Application, profile: ChipProfile) -> Mrz:
    """Return the machine readable zone of the document; raises `FieldError`."""
    document, holder = application.particulars.document, application.particulars.holder
    check_codes(application, profile)
    for field, name in (("surname", holder.surname), ("given_names", holder.given_names)):
        _check_name(application, f"holder.{field}", name, profile)
    optional = re.sub(r"[^A-Z0-9]", "<", holder.personal_number.upper())
    fits = profile.document == "TD3" and len(optional) <= _TD3_OPTIONAL_DATA
    try:
        return Mrz.build(
            profile.document,
            document_code=document.code,
            issuing_state=document.issuing_state,
            document_number=document.number,
            nationality=holder.nationality,
            date_of_birth=holder.date_of_birth.mrz,
            sex=holder.sex,
            date_of_expiry=NO_EXPIRY if document.expires is None else document.expires,
            surname=holder.surname,
            given_names=holder.given_names,
            optional_data=optional if fits else "",
            transliteration=profile.names.transliteration,
            name_lengths=profile.names.lengths,
        )
    except ElementError as error:
        raise _blaming(application, FIELDS_OF_MRZ, error) from None


def _check_name(application: Application, field: str, name: str, profile: ChipProfile) -> None:
    try:
        transliterate(name, profile.names.transliteration)
    except MisuseError as error:
        raise application.error(field, error.message, advice=error.advice) from None


def _make_dg11(application: Application) -> bytes:
    holder = application.particulars.holder
    both = ", ".join(filter(None, (holder.surname, holder.given_names)))
    name = coded_name(holder.name_in_full or both)
    if not holder.name_in_full:
        name = name[:_DG11_NAME].rstrip("<")
    return _encoded(
        application,
        DataGroup11(
            name_in_full=name,
            personal_number=holder.personal_number or None,
            date_of_birth=holder.date_of_birth.digits,
            place_of_birth=_coded_place(holder.place_of_birth),
        ),
        FIELDS_OF_DG11,
    )


def _make_dg12(application: Application, at: datetime) -> bytes:
    document = application.particulars.document
    return _encoded(
        application,
        DataGroup12(
            issuing_authority=document.authority or None,
            date_of_issue=document.issued.strftime("%Y%m%d"),
            personalised_at=at.strftime("%Y%m%d%H%M%S"),
            personalisation_system=PERSONALISATION_SYSTEM,
        ),
        FIELDS_OF_DG12,
    )


def _make_dg13(application: Application) -> bytes:
    conditions = application.particulars.permit
    if conditions is None:
        raise application.error("permit", "is missing, but the chip profile has DG13 for it")
    permit = Permit(
        conditions.category,
        conditions.valid_from,
        conditions.valid_until,
        conditions.stay,
        conditions.work,
        conditions.study,
        conditions.public_funds,
        conditions.remarks,
    )
    try:
        return DataGroup13.for_permit(permit).encode()
    except MisuseError as error:
        raise application.error("permit", error.message, advice=error.advice) from None


def _encoded(
    application: Application, content: DataGroup11 | DataGroup12, fields: Mapping[str, str]
) -> bytes:
    try:
        return content.encode()
    except ElementError as error:
        raise _blaming(application, fields, error) from None


def _blaming(
    application: Application, fields: Mapping[str, str], error: ElementError
) -> FieldError:
    """Return the error for the field that the element comes from, or for the application."""
    return application.error(fields.get(error.element, ""), error.reason, advice=error.advice)


def _coded_place(place: str) -> str | None:
    """Return a place with `<` between its parts (Doc 9303-10, Table 53), None if it is empty."""
    return "<".join(part.strip() for part in place.split(",")) or None
