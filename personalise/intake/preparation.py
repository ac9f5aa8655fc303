"""From an application in a file to an image, with a PKI that signs, registers and logs."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from emrtd.lds.image import LdsImage
from personalise.intake.package import opened_application
from personalise.intake.unwrapping import IntakeKey
from personalise.issuance import Issuer
from personalise.pki.clock import require_clock
from personalise.pki.folder import AUDIT_LABEL
from personalise.pki.intake_keys import intake_keys
from personalise.pki.issuer import PkiIssuer
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import enter_accepted_quality
from personalise.preparing.chip_profile import ChipProfile
from personalise.preparing.preparer import Preparer


def prepare_image(
    application: Path,
    profile: ChipProfile,
    pki: IssuingPki,
    at: datetime,
    *,
    issuer: Issuer | None = None,
    accepted_quality: str | None = None,
) -> LdsImage:
    """Return the image of an application, which is a folder or an encrypted package.

    `issuer` signs and registers the document in place of the PKI, if the Document Signer's key is
    at a signing service.  `accepted_quality` is an operator's reason to accept samples below a
    mandatory limit; it is entered in the audit log.  Raises `FieldError` for a wrong field of the
    application, `MisuseError` for what the PKI cannot do, and `ClockBehindError` if `at` is before
    what the PKI has already signed.
    """
    require_clock(pki.folder, at, pki.settings.accepted_clock)
    accept = None
    if accepted_quality is not None:
        pki.custody.signer(AUDIT_LABEL)  # fail before EF.SOD is signed if it cannot be logged

        def accept(sod: bytes) -> None:
            enter_accepted_quality(pki, accepted_quality, sod, at)

    keys = keys_for(application, lambda: pki)
    with (
        opened_application(application, keys) as read,
        Preparer(issuer or PkiIssuer(pki)) as preparer,
    ):
        return preparer.prepare(read, profile, at, accept_quality=accept)


def keys_for(application: Path, pki: Callable[[], IssuingPki]) -> Sequence[IntakeKey]:
    """Return the intake keys of a PKI if the application is a package, and else none."""
    return intake_keys(pki()) if application.is_file() else ()
