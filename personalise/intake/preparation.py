"""From an application to an image, with a PKI that signs, registers and logs."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from personalise.intake.package import opened_application
from personalise.intake.unwrapping import IntakeKey
from personalise.issuance import SecurityObjectSigner
from personalise.pki.clock import require_clock
from personalise.pki.intake_keys import intake_keys
from personalise.pki.issuing_pki import AUDIT_LABEL, IssuingPki
from personalise.pki.operations import enter_accepted_quality
from personalise.preparing import data_preparation
from personalise.preparing.application import DocumentData
from personalise.preparing.chip_profile import ChipProfile


def prepare_image(
    application: Path,
    profile: ChipProfile,
    pki: IssuingPki,
    at: datetime,
    *,
    remote_signer: Callable[[DocumentData], SecurityObjectSigner] | None = None,
    accepted_quality: str | None = None,
) -> LdsImage:
    """Return the image of an application, which is a folder or an encrypted package.

    `remote_signer` returns the signer for a document if the Document Signer's key is at a signing
    service; the service then registers what it signs.  `accepted_quality` is an operator's reason
    to accept samples below a mandatory limit; it is entered in the audit log.  Raises `FieldError`
    for a wrong field of the application, `MisuseError` for what the PKI cannot do, and
    `ClockBehindError` if `at` is before what the PKI has already signed.
    """
    require_clock(pki.folder, at, pki.settings.accepted_clock)
    if accepted_quality is not None:
        pki.custody.signer(AUDIT_LABEL)  # fail before EF.SOD is signed if it cannot be logged
    with opened_application(application, keys_for(application, lambda: pki)) as read:
        document = read.particulars.document
        issuance = pki.issuance(None if remote_signer is None else remote_signer(document))
        image = data_preparation.prepare(
            read, profile, issuance, at, accept_quality=accepted_quality is not None
        )
    signed = image.files[FileID.SOD]
    if accepted_quality is not None:
        enter_accepted_quality(pki, accepted_quality, signed, at)
    if remote_signer is None:
        pki.register_document(issuance.signer.certificate, at, signed, document.number)
    return image


def keys_for(application: Path, pki: Callable[[], IssuingPki]) -> Sequence[IntakeKey]:
    """Return the intake keys of a PKI if the application is a package, and else none."""
    return intake_keys(pki()) if application.is_file() else ()
