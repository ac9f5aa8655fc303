"""The signature checks of Passive Authentication (Doc 9303-11, 5.1.1, steps 2 and 3).

    examination = examine(sod.signed_data, trust, at=instant, tolerated=sod.tolerated)
    for check in examination.checks: ...

There are always six checks: `sod.signature` (the signature verifies with the named signer's key),
`sod.profile` (the fields that no signature covers were not changed) and the four of
`emrtd.pki.path`.  EF.CardSecurity uses another prefix than "sod".  A document may be trusted only
if all of them passed, except for warnings that the policy accepts: `sod.signature` alone does not
show that a State signed.  The caller compares the hashes of the data groups.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from emrtd.crypto.signatures import SignatureScheme
from emrtd.errors import ProtocolError
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.cms.signer_info import SignerInfo
from emrtd.pki.findings import Check, Outcome, Shows, all_tolerated, worst_of
from emrtd.pki.path import CHAIN, VALIDITY, Path, validate
from emrtd.pki.quirks import Quirk
from emrtd.pki.revocation import REVOCATION
from emrtd.pki.signer_profile import PROFILE, Purpose, Use
from emrtd.pki.trust import TrustView
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.names import Name
from support.reasons import Reason, joined

_CLAUSE: Final = "Doc 9303-11, 5.1.1"
_CMS: Final = "Doc 9303-10, 4.6.2.2"


class Examination(msgspec.Struct, frozen=True):
    """The signer, its path to a CSCA, and the results of the checks.

    `signer` and `path` are None if no certificate of a signer was found.  If there are several
    signatures, which Doc 9303 does not recommend, `signer` and `path` are those of the first one;
    `further` holds the paths of the other signers, and `checks` the worst results over all signers.
    """

    signer: Certificate | None
    path: Path | None
    checks: tuple[Check, ...]
    further: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths of all signers, in order; empty if the certificate of one is not known."""
        return () if self.path is None else (self.path, *self.further)

    def check(self, check_id: str) -> Check:
        """Return the check with this id; `KeyError` for an unknown id."""
        for check in self.checks:
            if check.id == check_id:
                return check
        raise KeyError(check_id)


def examine(
    data: SignedData,
    trust: TrustView,
    *,
    at: datetime,
    prefix: str = "sod",
    purpose: Purpose = Purpose.DOCUMENT_SIGNER,
    use: Use = Use(),  # noqa: B008 - immutable
    tolerated: Iterable[Quirk] = (),
) -> Examination:
    """Verify a SignedData and the path from its signer to a CSCA.

    `at` is the instant (aware) for which it is judged, `use` what is known of the document's type
    and date; `tolerated` holds the quirks that the caller has read past.
    """
    signatures = [_find_signer(data, signer, trust) for signer in data.signers]
    signature = _examine_signatures(data, signatures, f"{prefix}.signature")
    profile = _examine_profile(data, signatures, trust, f"{prefix}.profile", tolerated)
    paths = []
    for each in signatures:
        if each.certificate is None:
            return Examination(None, None, (signature, profile, *_without_signer()))
        used = use
        if use.signed is None:
            used = Use(use.document_type, each.signer.signing_time)
        paths.append(validate(each.certificate, trust, at=at, purpose=purpose, use=used))
    path, *further = paths
    found = _worst_of_paths(paths) if further else path.checks
    return Examination(path.certificate, path, (signature, profile, *found), tuple(further))


class _Signature(msgspec.Struct, frozen=True):
    """A signature and the signer's certificate, or the reason why there is none."""

    signer: SignerInfo
    certificate: Certificate | None
    reason: str = ""
    tolerated: frozenset[Quirk] = frozenset()


def _find_signer(data: SignedData, signer: SignerInfo, trust: TrustView) -> _Signature:
    """Find a signer's certificate by its SignerIdentifier, never by its position.

    Certificates of the trust store are used only if none is enclosed (Doc 9303-10, 4.6.2.2:
    version 0 of the LDS security object): they do not replace an enclosed one that does not match.
    """
    enclosed = data.certificates
    known: Sequence[Certificate] = enclosed or trust.document_signers(
        signer.serial, signer.key_identifier
    )
    if signer.key_identifier is not None:
        for each in known:
            if each.extensions.subject_key_identifier == signer.key_identifier:
                return _Signature(signer, each)
        return _Signature(signer, None, "no certificate has the signer's key identifier")
    same_serial = [each for each in known if each.serial == signer.serial]
    for each in same_serial:
        if each.issuer == signer.issuer:
            return _Signature(signer, each)
    for each in same_serial:
        quirk = _tolerate_name(signer.issuer, each.issuer)
        if quirk is not None:
            return _Signature(signer, each, tolerated=frozenset({quirk}))
    return _Signature(signer, None, "no certificate has the signer's issuer and serial number")


_ISSUERS_OF_SEVERAL_NAMES: Final = (
    frozenset({("2.5.4.6", "UA"), ("2.5.4.11", "SCPD PCU"), ("2.5.4.3", "CSCA-UKRAINE")}),
)
"""For each issuer that uses several names in a SignerIdentifier: what these names have in common.

UA writes another organization and number there than in its certificates.
"""


def _tolerate_name(named: Name | None, issuer: Name) -> Quirk | None:
    """Return the quirk by which a SignerIdentifier's name differs from the issuer's name.

    Returns None if the difference is not tolerated.  No signature covers that name.  MY writes it
    in another order, UA writes another name: only these are tolerated, so that a changed octet is
    still detected.
    """
    if named is None:
        return None
    if named.is_rewritten(issuer):
        return Quirk.SIGNER_NAME_FORM
    for common in _ISSUERS_OF_SEVERAL_NAMES:
        if common <= set(named.attributes) and common <= set(issuer.attributes):
            return Quirk.SIGNER_NAME
    return None


def _examine_signatures(data: SignedData, signatures: Sequence[_Signature], check_id: str) -> Check:
    """Return the first wrong result, else the first undetermined one, else the first."""
    found = [_examine_signature(data, each, check_id) for each in signatures]
    worst = worst_of(found)
    if len(found) == 1 or worst.outcome is not Outcome.PASSED:
        return worst
    return msgspec.structs.replace(worst, tolerated=all_tolerated(found))


def _examine_signature(data: SignedData, signature: _Signature, check_id: str) -> Check:
    certificate = signature.certificate
    if certificate is None:
        if data.certificates:
            return Check(check_id, Outcome.FAILED, signature.reason, _CLAUSE, Shows.FORGERY)
        # The document may be genuine: there is no evidence for it or against it.
        reason: str = Reason(
            "no certificate is enclosed, and in the trust store {reason}", reason=signature.reason
        )
        return Check(check_id, Outcome.UNDETERMINED, reason, _CLAUSE)
    if certificate.public_key is None:
        reason = Reason("the signer's key is {key}, which is not supported", key=certificate.key)
        return Check(check_id, Outcome.UNDETERMINED, reason, _CLAUSE)
    signer = signature.signer
    try:
        quirks = signer.verify(data.content_type, data.content, certificate.public_key)
    except ProtocolError as error:
        return Check(check_id, Outcome.FAILED, error.said, _CLAUSE, Shows.FORGERY)
    reason = _who_signed(certificate, signer.scheme)
    tolerated = tuple(sorted(signature.tolerated | quirks))
    return Check(check_id, Outcome.PASSED, reason, _CLAUSE, None, tolerated)


@lru_cache(maxsize=1024)
def _who_signed(certificate: Certificate, scheme: SignatureScheme) -> str:
    return Reason(
        "signed by {signer} with {scheme}",
        signer=certificate.subject,
        scheme=scheme.description,
    )


def _examine_profile(
    data: SignedData,
    signatures: Sequence[_Signature],
    trust: TrustView,
    check_id: str,
    tolerated: Iterable[Quirk],
) -> Check:
    if data.inconsistencies:
        reason = joined("; ", data.inconsistencies)
        return Check(check_id, Outcome.FAILED, reason, _CMS, Shows.FORGERY)
    signers = [each.certificate for each in signatures]
    for certificate in data.certificates:
        if certificate not in signers and not _is_signed_by_anchor(certificate, trust):
            reason = Reason(
                "the enclosed certificate of {certificate} is not signed by a trusted CSCA",
                certificate=certificate.subject,
            )
            return Check(check_id, Outcome.FAILED, reason, _CMS)
    reason = "the unsigned fields agree with the signed ones"
    everything = tuple(sorted(data.tolerated.union(tolerated)))
    return Check(check_id, Outcome.PASSED, reason, _CMS, tolerated=everything)


def _is_signed_by_anchor(certificate: Certificate, trust: TrustView) -> bool:
    """Whether a certificate that is not a signer's is signed by a trusted key.

    The document's signature does not cover it, so anyone could change or add it.  It is not used,
    but it must be unchanged and issued by the State.  A signature by its own key shows neither.
    """
    identifier = certificate.extensions.authority_key_identifier
    anchors = [*trust.anchors_by_name(certificate.issuer)]
    if identifier is not None:
        anchors += trust.anchors_by_key_identifier(identifier)
    return any(certificate.is_signed_by(anchor.certificate) for anchor in anchors)


def _worst_of_paths(paths: Sequence[Path]) -> tuple[Check, ...]:
    """Return the worst results over several signers, which must all be of one State.

    Doc 9303-10, 4.6.2.2.  Anyone can add a signature to a document, so one good signature does not
    make up for a bad one.
    """
    chain, *others = (
        _worst_on_paths(paths, found)
        for found in zip(*(each.checks for each in paths), strict=True)
    )
    countries = {path.anchor and path.anchor.certificate.country for path in paths}
    if chain.outcome is Outcome.PASSED and len(countries) > 1:
        states = joined(" and ", sorted(str(each) for each in countries))
        reason = Reason(
            "signed by signers of {states}; a document is signed by one State", states=states
        )
        chain = Check(CHAIN, Outcome.FAILED, reason, _CMS, Shows.FORGERY)
    return chain, *others


def _worst_on_paths(paths: Sequence[Path], found: Sequence[Check]) -> Check:
    """Return the worst result over the signers; the reason names the signer if not the first."""
    worst = worst_of(found)
    reason, place = worst.reason, found.index(worst)
    if place:
        reason = Reason(
            "{certificate} signed too: {reason}",
            certificate=paths[place].certificate.subject,
            reason=reason,
        )
    return msgspec.structs.replace(worst, reason=reason, tolerated=all_tolerated(found))


def _without_signer() -> tuple[Check, ...]:
    reason = "the signer's certificate is not known"
    return tuple(
        Check(check_id, Outcome.UNDETERMINED, reason, _CLAUSE)
        for check_id in (CHAIN, VALIDITY, PROFILE, REVOCATION)
    )
