"""Whether a new document may have the codes of an application (Doc 9303-3, 5; -4, 4.4; 4.2.2)."""

from emrtd.mrz.countries import (
    SPECIMEN_STATE,
    is_deprecated,
    is_issuing_authority,
    is_nationality,
    probably_meant,
)
from emrtd.mrz.document_codes import objection_to_passport_code
from personalise.preparing.application import Application
from personalise.preparing.chip_profile import ChipProfile


def check_codes(application: Application, profile: ChipProfile) -> None:
    """Check the document code, the issuing State and the nationality; raises `FieldError`.

    The error names the code that was probably meant: D for DEU, GBR for GB.
    """
    document, holder = application.particulars.document, application.particulars.holder
    if not is_issuing_authority(document.issuing_state):
        _refuse(application, "document.issuing_state", document.issuing_state)
    nationality = holder.nationality
    if nationality not in profile.other_nationalities and not is_nationality(
        nationality, document.issuing_state
    ):
        _refuse(application, "holder.nationality", nationality)
    if not profile.any_document_code:
        _check_document_code(application, profile)


def _refuse(application: Application, field: str, code: str) -> None:
    meant = probably_meant(code)
    advice = "use a code of Doc 9303-3, 5, Parts A to E"
    if is_deprecated(code):
        problem = "is a code of Doc 9303-3, 5, Part F, which is read and never written"
    elif code == SPECIMEN_STATE:
        problem = f"is the code of specimens; only documents of {SPECIMEN_STATE} have it"
    else:
        whose = "a State or organization" if field.startswith("document") else "a nationality"
        problem = f"is not the code of {whose} in Doc 9303-3, 5"
        if meant is not None:
            problem += f"; {meant} was probably meant"
            advice = ""
        elif field.startswith("holder"):
            advice += ", or list it in other_nationalities of the chip profile"
    raise application.error(field, problem, advice=advice)


def _check_document_code(application: Application, profile: ChipProfile) -> None:
    """Check the document code; some States break these rules, and set `any_document_code`."""
    document = application.particulars.document
    code, passport = document.code, profile.document == "TD3"
    good = code[0] == "P" if passport else code[0] in "ACI"
    if not passport and (code[1:] == "V" or code == "AI"):
        good = False
    problem = None
    if not good:
        expected = "begins with P" if passport else "begins with A, C or I, and is not AI or V"
        problem = f"is not allowed for a {profile.document}, whose code {expected}"
    elif passport:
        problem = objection_to_passport_code(code, document.issued, document.expires)
        if problem is not None:
            problem += " (Doc 9303-4, 4.4); PP is the code of an ordinary passport"
    if problem is not None:
        raise application.error(
            "document.code",
            problem,
            advice="choose a chip profile with any_document_code to allow it",
        )
