"""Whether an application can become a document: what data preparation checks, without its keys."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from emrtd.pki.x509.certificates import Certificate
from personalise.pki.issuing_pki import IssuingPki
from personalise.preparing.application import Application
from personalise.preparing.biometrics import Assessments
from personalise.preparing.chip_profile import ChipProfile
from personalise.preparing.data_preparation import make_contents
from support.errors import REPORT_IT, ChipsealError, internal
from support.records import FieldError


@unique
class Outcome(StrEnum):
    """What becomes of an application, by the names that a receipt gives them."""

    TAKEN = "taken"
    HELD = "held"
    """Taken, but a supervisor decides whether it is made."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for one application; the texts hold no value of a field and no name of a file.

    `field` is the dotted path of the field that is wrong or whose sample is held, empty if the
    reason is about the whole application.
    """

    outcome: Outcome
    field: str = ""
    reason: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Validator:
    """Checks applications as documents of one chip profile, signed by one Document Signer."""

    profile: ChipProfile
    document_signer: Certificate
    csca: Certificate
    at: datetime

    @classmethod
    def of(cls, pki: IssuingPki, profile: ChipProfile, at: datetime) -> "Validator":
        """Return the validator for the Document Signer in use; its key is not needed."""
        signer = pki.certificate("ds")
        return cls(profile, signer, pki.issuer_of(signer), at)

    def check(self, application: Application) -> Verdict:
        """Check every field and image of an application, and measure the quality of its samples."""
        try:
            prepared = make_contents(
                application,
                self.profile,
                self.document_signer,
                self.csca,
                self.at,
                accept_quality=True,
            )
        except ChipsealError as error:
            return refused(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            return Verdict(Outcome.REFUSED, "", f"cannot be checked: {internal(error)}", REPORT_IT)
        return _held(prepared.assessments) or Verdict(Outcome.TAKEN)


def refused(error: ChipsealError) -> Verdict:
    """Return the verdict for an error."""
    if isinstance(error, FieldError):
        return Verdict(Outcome.REFUSED, error.field, error.problem, error.advice)
    return Verdict(Outcome.REFUSED, "", error.message, error.advice)


def _held(assessments: Assessments) -> Verdict | None:
    for field, full in assessments.items():
        for measurement in full.assessment.unusable:
            return Verdict(
                Outcome.HELD,
                field,
                f"the quality is below a limit: {measurement.sentence}",
                "capture it again, or have a supervisor accept it",
            )
    return None
