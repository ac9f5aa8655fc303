"""Data preparation: from an application to the LDS image that a station writes to a chip.

    data groups      contents of the application          `personalise.preparing.data_groups`
    chip security    keys, passwords, SecurityInfos       `personalise.preparing.chip_security`
    EF.COM, EF.SOD   list of data groups, signed hashes   this module

The Document Signer's key may be in this process, in an HSM, or at a signing service: the signer is
any `personalise.issuance.SecurityObjectSigner`.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from emrtd.access.chip_keys import ChipKeys
from emrtd.crypto.hashes import Hash
from emrtd.iso7816.procedure import Random
from emrtd.lds.com import Com
from emrtd.lds.files import FILES, FileID, data_group
from emrtd.lds.image import LdsImage
from emrtd.lds.security.security_object import SecurityObject
from emrtd.mrz.countries import two_letter_code
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.x509.certificates import Certificate
from personalise.issuance import Issuance, SecurityObjectSigner
from personalise.preparing.application import Application
from personalise.preparing.chip_profile import ChipProfile
from personalise.preparing.chip_security import make_chip_security
from personalise.preparing.data_groups import Prepared, make_data_groups
from personalise.preparing.dates import check_birth, check_calendar, check_expiry
from personalise.preparing.station_order import StationOrder
from support.secret import Secret

LDS_VERSIONS: Final = {"1.7": "0107", "1.8": "0108"}


@dataclass(frozen=True)
class PreparedDocument:
    """The contents of one chip: its elementary files, and its secret keys and passwords."""

    files: dict[FileID, bytes] = field(repr=False)
    keys: ChipKeys = field(repr=False)


def prepare(
    application: Application,
    profile: ChipProfile,
    issuance: Issuance,
    at: datetime,
    random: Random = secrets.token_bytes,
    *,
    accept_quality: bool = False,
) -> LdsImage:
    """Return the image of one document, with the order to the station encrypted.

    The arguments and the errors are those of `make_document`, with the PKI's part in `issuance`.
    """
    document = make_document(
        application,
        profile,
        issuance.signer,
        issuance.hash_algorithm,
        issuance.trust_point,
        at,
        random,
        accept_quality=accept_quality,
    )
    order = StationOrder(profile.card_profile, document.keys, issuance.counted)
    return LdsImage(document.files, issuance.seal(Secret(order.encode())))


def make_document(  # noqa: PLR0917 - what a document is made from
    application: Application,
    profile: ChipProfile,
    signer: SecurityObjectSigner,
    hash_algorithm: Hash,
    trust_point: CvCertificate | None,
    at: datetime,
    random: Random = secrets.token_bytes,
    *,
    accept_quality: bool = False,
) -> PreparedDocument:
    """Return the files and keys of one document; `at` is the time of signing.

    `hash_algorithm` hashes the data groups; `trust_point` is the CVCA certificate that the chip
    trusts.  With `accept_quality`, biometric samples below a mandatory limit are accepted.

    Raises `FieldError` for a field of the application that is wrong or does not suit the profile,
    `MisuseError` for what the PKI cannot do.
    """
    prepared = make_contents(
        application,
        profile,
        signer.certificate,
        signer.csca,
        at,
        random,
        accept_quality=accept_quality,
    )
    security = make_chip_security(profile, prepared.mrz, trust_point, at, random)
    data_groups = prepared.files | security.data_groups
    lds_version = LDS_VERSIONS[profile.lds_version]
    signed = SecurityObject.over(
        data_groups,
        hash_algorithm,
        *((lds_version,) if profile.lds_version != "1.7" else (None, None)),
    )
    files = dict(security.files)
    if security.card_security is not None:
        files[FileID.CARD_SECURITY] = signer.sign_card_security(security.card_security, at)
    files[FileID.COM] = Com.for_data_groups(*data_groups, lds_version=lds_version).encode()
    files[FileID.SOD] = signer.sign_security_object(signed, at)
    for number, content in data_groups.items():
        files[data_group(number).file_id] = content
    ordered = {
        each.file_id: files[each.file_id] for each in FILES.values() if each.file_id in files
    }
    return PreparedDocument(ordered, security.keys)


def make_contents(  # noqa: PLR0917 - what the contents depend on
    application: Application,
    profile: ChipProfile,
    document_signer: Certificate,
    csca: Certificate,
    at: datetime,
    random: Random = secrets.token_bytes,
    *,
    accept_quality: bool = False,
) -> Prepared:
    """Return the data groups with the contents of an application, which is checked whole.

    `document_signer` is the certificate that is to sign the document, `csca` the one that issued
    it.  The errors are those of `make_document`; no key is needed.
    """
    prepared = make_data_groups(application, profile, at, random, accept_quality=accept_quality)
    _check_issuer(application, document_signer)
    check_calendar(application, profile)
    check_birth(application, profile)
    check_expiry(application, profile, document_signer, csca, at)
    return prepared


def _check_issuer(application: Application, certificate: Certificate) -> None:
    """Check that the Document Signer may sign for the document's State and document code."""
    document = application.particulars.document
    country = two_letter_code(document.issuing_state)
    if country is None:
        raise application.error("document.issuing_state", "is not the code of a State")
    if country != certificate.country:
        raise application.error(
            "document.issuing_state",
            f"belongs to {country}, but the Document Signer is of {certificate.country}",
        )
    types = certificate.extensions.document_types
    code = document.code.rstrip("<")
    if types is not None and not any(code.startswith(each) for each in types if each):
        raise application.error(
            "document.code", "is not among the document types of the Document Signer"
        )
