"""Whether the dates can be read back, the profile may be issued then, and the signer lasts.

Doc 9303-12, 4.1.1.1: the Document Signer's certificate is valid until the last document that it
signed has expired; 4.1.4.1: so is the CSCA's.
"""

from datetime import UTC, date, datetime
from typing import Final

from emrtd.calendar import BAC_LEAVES
from emrtd.mrz.dates import full_date_of_birth, full_date_of_expiry
from emrtd.pki.x509.certificates import Certificate
from personalise.preparing.application import Application
from personalise.preparing.chip_profile import ChipProfile, transitions_of

_FIELD: Final = "document.expires"
_WITHOUT_END: Final = (
    "for a document without end, enter null and give the reason in why_without_expiry of the chip"
    " profile"
)


def check_calendar(application: Application, profile: ChipProfile) -> None:
    """Check that the profile may be issued on the date of issue; raises `FieldError`.

    A document with BAC must have expired by 2038 (Doc 9303-11, 4.1).
    """
    document = application.particulars.document
    for transition in transitions_of(profile):
        if document.issued >= transition.ends:
            problem = f"is too late: {transition}"
            advice = "choose another chip profile"
            raise application.error("document.issued", problem, advice=advice)
    if profile.bac and (document.expires is None or document.expires >= BAC_LEAVES):
        problem = f"is too late: a document with BAC expires before {BAC_LEAVES} (Doc 9303-11, 4.1)"
        raise application.error(_FIELD, problem, advice="choose a chip profile without BAC")


def check_birth(application: Application, profile: ChipProfile) -> None:
    """Check that the century of the date of birth can be told; raises `FieldError`.

    DG11 has the full date.  Without it, an inspection system takes the latest such day before the
    issue: for someone of more than 99 years, it is the wrong one.
    """
    if "DG11" in profile.data_groups:
        return
    born = application.particulars.holder.date_of_birth
    read = full_date_of_birth(born.mrz, application.particulars.document.issued)
    if born.year is not None and read[:4] != f"{born.year:04}":
        problem = "would be read as a date of another century: the MRZ has two digits of the year"
        raise application.error("holder.born", problem, advice="add DG11 to the chip profile")


def check_expiry(
    application: Application,
    profile: ChipProfile,
    signer: Certificate,
    csca: Certificate,
    at: datetime,
) -> None:
    """Check the date of expiry of a document that this Document Signer signs at that time.

    A document without a date of expiry requires a reason in the chip profile; no certificate
    outlives it.  Raises `FieldError`.
    """
    document = application.particulars.document
    if document.expires is None:
        if not profile.why_without_expiry:
            problem = "is null, but the chip profile has no reason for documents without end"
            raise application.error(
                _FIELD,
                problem,
                advice="set why_without_expiry in the chip profile, or enter a date",
            )
        return
    issued = document.issued if "DG12" in profile.data_groups else signer.not_before.date()
    read = full_date_of_expiry(
        document.expires.strftime("%y%m%d"), max(at.date(), document.issued), issued
    )
    if read != document.expires:
        problem = "would be read as a date of another century: the MRZ has two digits of the year"
        raise application.error(_FIELD, problem, advice=_WITHOUT_END)
    new_signer = "run `personalise pki issue-ds`"
    for certificate, whose, clause, advice in (
        (csca, "the CSCA's", "4.1.4.1", f"run `personalise pki renew-csca`, then {new_signer[4:]}"),
        (signer, "the Document Signer's", "4.1.1.1", new_signer),
    ):
        if certificate.not_after < _last_second(document.expires):
            longest = at + (signer.not_after - signer.not_before)
            too_long = longest < _last_second(document.expires)
            raise application.error(
                _FIELD,
                f"is after {certificate.not_after:%Y-%m-%d}, when {whose} certificate ends"
                f" (Doc 9303-12, {clause})",
                advice="enter an earlier date; even a new Document Signer would end before it"
                if too_long
                else advice,
            )


def _last_second(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
