"""The kind of an entry, and its columns in the trust store, as its octets determine them."""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from json import dumps

from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.lists.master_list import MasterList
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extensions import DEVIATION_LIST_SIGNER, MASTER_LIST_SIGNER, KeyUsage
from support.database import Value
from verify.trust.kinds import TrustEntryKind


def kind_of(content: Certificate | Crl, *, listed: bool) -> TrustEntryKind:
    """Return the kind of an entry; a certificate in a Master List is a CSCA's, even if not a CA.

    A certificate that has a key usage without keyCertSign is no CSCA's or link, although it may be
    marked as a CA (Doc 9303-12, 7.1.1, Table 6): it is a signer's, and cannot be used.
    """
    if isinstance(content, Crl):
        return TrustEntryKind.CRL
    extensions = content.extensions
    usage = extensions.key_usage
    signs = content.is_ca if usage is None else KeyUsage.KEY_CERT_SIGN in usage
    if listed or signs:
        return TrustEntryKind.CSCA
    purposes = extensions.extended_key_usage or frozenset()
    if MASTER_LIST_SIGNER in purposes:
        return TrustEntryKind.MASTER_LIST_SIGNER
    if DEVIATION_LIST_SIGNER in purposes:
        return TrustEntryKind.DEVIATION_LIST_SIGNER
    return TrustEntryKind.DOCUMENT_SIGNER


def fingerprint_of(
    content: Certificate | Crl | MasterList | DeviationList | DefectList,
) -> bytes:
    """Return the SHA-256 of an entry's octets, which identifies it."""
    if isinstance(content, Certificate):
        return content.fingerprint
    return sha256(content.der if isinstance(content, Crl) else content.signed_data.der).digest()


def columns_of(content: Certificate | Crl | DeviationList | DefectList) -> dict[str, Value]:
    """Return the columns that the octets of an entry determine."""
    if isinstance(content, DeviationList | DefectList):
        return _columns_of_list(content)
    if isinstance(content, Crl):
        scheme = content.scheme.description if content.scheme else "an unknown algorithm"
        return {
            "country": content.country or "",
            "subject": str(content.issuer),
            "subject_key": content.issuer.key,
            "key": scheme,
            "key_identifier": content.authority_key_identifier,
            "serial": f"{content.number or 0:x}",
            "usable": content.scheme is not None and content.objection is None,
            "valid_from": iso_time(content.this_update),
            "valid_until": iso_time(content.next_update) if content.next_update else "",
            "tolerated": dumps(sorted(content.tolerated)),
            "fingerprint": sha256(content.der).digest(),
            "der": content.der,
        }
    return {
        "country": content.country or "",
        "subject": str(content.subject),
        "subject_key": content.subject.key,
        "key": content.key,
        "key_identifier": content.extensions.subject_key_identifier,
        "serial": f"{content.serial:x}",
        "usable": content.public_key is not None,
        "valid_from": iso_time(content.not_before),
        "valid_until": iso_time(content.not_after),
        "tolerated": _quirks(content.tolerated),
        "fingerprint": content.fingerprint,
        "der": content.der,
    }


@lru_cache(maxsize=256)
def _quirks(tolerated: frozenset[Quirk]) -> str:
    return dumps(sorted(tolerated))


def _columns_of_list(content: DeviationList | DefectList) -> dict[str, Value]:
    data = content.signed_data
    certificate, signed = data.certificate_of(data.signers[0]), data.signers[0].signing_time
    signer = None if certificate is None else certificate.subject
    return {
        "country": content.country or "",
        "subject": str(signer or ""),
        "subject_key": signer.key if signer else "",
        "key": data.signers[0].scheme.description,
        "key_identifier": None,
        "serial": "0",
        "usable": True,
        "valid_from": iso_time(signed) if signed else "",
        "valid_until": "",
        "tolerated": dumps(sorted(data.tolerated)),
        "fingerprint": sha256(data.der).digest(),
        "der": data.der,
    }


def iso_time(instant: datetime) -> str:
    """Return an instant as the store writes it."""
    return instant.isoformat(timespec="seconds")
