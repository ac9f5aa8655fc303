"""Data preparation: from an application to the LDS image that a station writes to a chip.

    data groups      what the application says            `personalise.preparing.data_groups`
    chip security    keys, passwords, SecurityInfos       `personalise.preparing.chip_security`
    EF.COM, EF.SOD   what there is, and the seal on it    here

The Document Signer may be in this process, in an HSM, or across the network: it is whatever
satisfies `personalise.issuance.SecurityObjectSigner`.
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
from personalise.preparing.data_groups import make_data_groups
from personalise.preparing.station_order import StationOrder
from support.secret import Secret

LDS_VERSIONS: Final = {"1.7": "0107", "1.8": "0108"}


@dataclass(frozen=True)
class PreparedDocument:
    """What one chip is to hold: its elementary files, and what it never shows."""

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
    """Make the image of one document, its order for the station sealed; the rest as below."""
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
    order = StationOrder(profile.card_profile, document.keys)
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
    """Make the files and keys of one document; `at` is the time of signing.

    `hash_algorithm` is for the data groups; `trust_point` is the CVCA certificate that the chip
    trusts.  `accept_quality` takes biometric samples that are below a mandatory limit as they are.

    Raises `FieldError` for what the application or the profile gets wrong, `MisuseError` for what
    the PKI cannot do.
    """
    prepared = make_data_groups(application, profile, at, random, accept_quality=accept_quality)
    _check_issuer(application, signer.certificate)
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


def _check_issuer(application: Application, certificate: Certificate) -> None:
    """The document's State must be the Document Signer's, its code among the signer's own."""
    document = application.particulars.document
    country = two_letter_code(document.issuing_state)
    if country is None:
        raise application.error("document.issuing_state", "is not the code of a State")
    if country != certificate.country:
        raise application.error(
            "document.issuing_state",
            f"is of {country}, and the Document Signer is of {certificate.country}",
        )
    types = certificate.extensions.document_types
    code = document.code.rstrip("<")
    if types is not None and not any(code.startswith(each) for each in types if each):
        raise application.error(
            "document.code", "is not among the document types of the Document Signer"
        )
