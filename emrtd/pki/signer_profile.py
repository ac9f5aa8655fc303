"""Whether a signer's certificate may be used for its purpose (Doc 9303-12, 7.1.1).

These are the checks that a verifier must make.  `emrtd.pki.lint` checks that certificates conform
in every octet, for issuers.
"""

from datetime import datetime, timedelta
from enum import Enum, unique
from functools import lru_cache
from typing import Final

import msgspec

from emrtd.pki.findings import Check, Outcome, Shows
from emrtd.pki.quirks import Quirk
from emrtd.pki.trust import Anchor
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extensions import (
    BASIC_CONSTRAINTS,
    DEVIATION_LIST_SIGNER,
    DOCUMENT_TYPE_LIST,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    MASTER_LIST_SIGNER,
    OLD_DOCUMENT_TYPE_LIST,
    PRIVATE_KEY_USAGE_PERIOD,
    KeyUsage,
)
from support.reasons import Reason

PROFILE: Final = "ds.profile"

_CLAUSE: Final = "Doc 9303-12, 7.1.1"
_DAY: Final = timedelta(days=1)
"""A date of issue has no time of day, and EE's periods are shifted by half a day."""

_TYPE_LISTS: Final = frozenset({DOCUMENT_TYPE_LIST, OLD_DOCUMENT_TYPE_LIST})

_OTHER_PURPOSES: Final = "2.23.136.1.1."
"""The arc of ICAO's extended key usages; a Document Signer has none of them."""


@unique
class Purpose(Enum):
    """The purpose of a certificate; the value is the extended key usage that it must have."""

    DOCUMENT_SIGNER = ""
    MASTER_LIST_SIGNER = MASTER_LIST_SIGNER
    DEVIATION_LIST_SIGNER = DEVIATION_LIST_SIGNER
    DEFECT_LIST_SIGNER = "any"
    """Not defined in Doc 9303: any extended key usage, which a Document Signer does not have."""


class Use(msgspec.Struct, frozen=True):
    """What a certificate was used for, as far as it is known.

    `document_type` is the document code of the MRZ ("P", "PP", "IR"), `signed` the signing time
    stated by the signer, or with `whole_day` the day on which the document was issued.
    """

    document_type: str | None = None
    signed: datetime | None = None
    whole_day: bool = False


def examine_profile(
    certificate: Certificate, anchor: Anchor | None, purpose: Purpose, use: Use
) -> Check:
    """Return `ds.profile`: key usage, purpose, document types and private-key usage period."""
    check = _examine_alone(certificate, purpose)
    if check.outcome is not Outcome.PASSED:
        return check
    if purpose is Purpose.DOCUMENT_SIGNER and _has_unreadable_types(certificate):
        reason = "the signer's list of document types cannot be read"
        clause = "Doc 9303-12, 7.1.1.6"
        return Check(PROFILE, Outcome.UNDETERMINED, reason, clause, None, check.tolerated)
    types = certificate.extensions.document_types
    if types is not None and use.document_type and not covers(types, use.document_type):
        reason = "the signer is not for documents of this type"
        return Check(PROFILE, Outcome.FAILED, reason, "Doc 9303-12, 7.1.1.6")
    objection, shifted = _objection_to_time(certificate, anchor, use)
    tolerated = (*check.tolerated, Quirk.USAGE_PERIOD_SHIFTED) if shifted else check.tolerated
    if objection is not None:
        clause = "Doc 9303-11, 5.1.1"
        return Check(PROFILE, Outcome.WARNING, objection, clause, None, tolerated)
    if shifted:
        return Check(PROFILE, Outcome.PASSED, check.reason, _CLAUSE, None, tolerated)
    return check


@lru_cache(maxsize=1024)
def _examine_alone(certificate: Certificate, purpose: Purpose) -> Check:
    """Return the part of `ds.profile` that does not depend on the document."""
    objection = _objection_to_key_usage(certificate)
    objection = objection or _objection_to_purpose(certificate, purpose)
    if objection is not None:
        return Check(PROFILE, Outcome.FAILED, objection, _CLAUSE, Shows.FORGERY)
    if purpose is Purpose.DOCUMENT_SIGNER and _is_of_a_server(certificate):
        types = "document types that cannot be read"
        types = types if _has_unreadable_types(certificate) else "no document types"
        reason: str = Reason("the certificate has an extended key usage, but {types}", types=types)
        return Check(PROFILE, Outcome.FAILED, reason, "Doc 9303-11, 5.1.1")
    tolerated = tuple(sorted(certificate.tolerated | _missing(certificate, purpose)))
    reason = "the certificate may be used for its purpose"
    return Check(PROFILE, Outcome.PASSED, reason, _CLAUSE, tolerated=tolerated)


def covers(types: frozenset[str], document_type: str) -> bool:
    """Whether a document type list covers a document code; one letter covers all codes with it."""
    code = document_type.rstrip("<").upper()
    return code in types or code[:1] in types


def _objection_to_key_usage(certificate: Certificate) -> str | None:
    """Return why the key may not sign documents or lists; None if it may."""
    extensions = certificate.extensions
    if KEY_USAGE in extensions.malformed or BASIC_CONSTRAINTS in extensions.malformed:
        return "the certificate's key usage or basic constraints cannot be read"
    usage = extensions.key_usage
    if usage is not None and KeyUsage.DIGITAL_SIGNATURE not in usage:
        return "the certificate's key is not for signing documents"
    if certificate.is_ca:
        return "the certificate is a CA's, and a CA does not sign documents"
    return None


def _objection_to_purpose(certificate: Certificate, purpose: Purpose) -> str | None:
    """Return why the extended key usage does not allow a purpose; None if it does."""
    extensions = certificate.extensions
    if EXTENDED_KEY_USAGE in extensions.malformed:
        return "the certificate's extended key usage cannot be read"
    found = extensions.extended_key_usage
    if purpose is Purpose.DOCUMENT_SIGNER:
        others = sorted(each for each in found or () if each.startswith(_OTHER_PURPOSES))
        return (
            Reason("the certificate is for another purpose: {others}", others=others[0])
            if others
            else None
        )
    if found and purpose is Purpose.DEFECT_LIST_SIGNER:
        return None
    if found is None or purpose.value not in found:
        return Reason(
            "the certificate lacks the extended key usage {purpose}", purpose=purpose.value
        )
    return None


def _is_of_a_server(certificate: Certificate) -> bool:
    """Whether this is a server's certificate, which a CSCA may also issue (7.1.1, Table 6)."""
    extensions = certificate.extensions
    return extensions.document_types is None and extensions.extended_key_usage is not None


def _has_unreadable_types(certificate: Certificate) -> bool:
    """Whether a list of document types is present that says nothing: it is not an absent one."""
    return not certificate.extensions.malformed.isdisjoint(_TYPE_LISTS)


def _objection_to_time(
    certificate: Certificate, anchor: Anchor | None, use: Use
) -> tuple[str | None, bool]:
    """Compare the private-key usage periods of signer and CSCA with the times of their signatures.

    Returns the signature that is outside its period by more than a day (None if there is none), and
    whether one is outside by less than a day (Doc 9303-12, 7.1.1.2).
    """
    shifted = False
    for what, holder in (("signer", certificate), ("CSCA", anchor and anchor.certificate)):
        if holder and PRIVATE_KEY_USAGE_PERIOD in holder.extensions.malformed:
            return Reason("the {what}'s private-key usage period cannot be read", what=what), False
    for what, holder, instant, exact in (
        ("the document was signed", certificate, use.signed, not use.whole_day),
        ("the certificate was issued", anchor and anchor.certificate, certificate.not_before, True),
    ):
        period = holder.extensions.private_key_usage_period if holder else None
        if period is None or instant is None:
            continue
        if period.not_before is not None and period.not_before > instant:
            if period.not_before - instant > _DAY:
                return Reason("{what} before the private-key usage period", what=what), shifted
            shifted |= exact
        if period.not_after is not None and instant > period.not_after:
            if instant - period.not_after > _DAY:
                return Reason("{what} after the private-key usage period", what=what), shifted
            shifted |= exact
    return None, shifted


def _missing(certificate: Certificate, purpose: Purpose) -> frozenset[Quirk]:
    extensions = certificate.extensions
    missing = set()
    if extensions.key_usage is None:
        missing.add(Quirk.NO_KEY_USAGE)
    elif not any(each.critical for each in extensions.all if each.oid == KEY_USAGE):
        missing.add(Quirk.KEY_USAGE_NOT_CRITICAL)
    if purpose is Purpose.DOCUMENT_SIGNER:
        if (
            extensions.private_key_usage_period is None
            and PRIVATE_KEY_USAGE_PERIOD not in extensions.malformed
        ):
            missing.add(Quirk.NO_USAGE_PERIOD)
        if extensions.document_types is None and not _has_unreadable_types(certificate):
            missing.add(Quirk.NO_DOCUMENT_TYPES)
        if extensions.extended_key_usage is not None:
            missing.add(Quirk.EXTENDED_KEY_USAGE)
    return frozenset(missing)
