"""An application becomes an image: with the PKI that signs, registers and answers for it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from personalise.intake.package import load_application
from personalise.issuance import SecurityObjectSigner
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
    """Prepare the image of an application, a folder or an encrypted package of one.

    `remote_signer` makes the signer where the Document Signer's key is not in the PKI: whoever has
    the key registers what it signs.  `accepted_quality` is the reason of an operator who takes
    samples below a mandatory limit as they are; it is entered in the audit log.
    """
    if accepted_quality is not None:
        pki.custody.signer(AUDIT_LABEL)  # before anything is signed that could not be entered
    read = load_application(application, pki.open_package)
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
