"""Passive Authentication's signature (Doc 9303-11, 5.1.1, steps 2 and 3), as checks.

    examination = examine(sod.signed_data, trust, at=instant, tolerated=sod.tolerated)
    for check in examination.checks: ...

`checks` are `sod.signature` (somebody signed this), `sod.profile` (nothing in it was changed
that a signature does not cover) and the four of `emrtd.pki.path`, always all six; the prefix
"sod" can be another, for EF.CardSecurity.  A document may only be trusted where all of them but
warnings of a policy's choice passed: `sod.signature` alone says nothing about who signed.
Hashes of data groups are the caller's to compare.
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

_CLAUSE: Final = "Doc 9303-11, 5.1.1"
_CMS: Final = "Doc 9303-10, 4.6.2.2"


class Examination(msgspec.Struct, frozen=True):
    """Who signed, how that leads to a CSCA, and everything that was found.

    `signer` is None where no certificate of a signer was found, and with it `path`.  Where several
    signed, which Doc 9303 does not recommend, these are of the first; `further` holds the paths of
    the other signers, and `checks` the worst result over all of them.
    """

    signer: Certificate | None
    path: Path | None
    checks: tuple[Check, ...]
    further: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The ways of all who signed, the first one's first; none where one of them is unknown."""
        return () if self.path is None else (self.path, *self.further)

    def check(self, check_id: str) -> Check:
        """The check with this id; `KeyError` for an unknown id."""
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
    """Verify a SignedData, find its signer's way to a CSCA, and say everything that is wrong.

    `at` is the instant (aware) of the judgement, `use` what is known of the document's type and
    date; `tolerated` is what reading it has read past.
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
    """A signature and the certificate it names; where there is none, why."""

    signer: SignerInfo
    certificate: Certificate | None
    reason: str = ""
    tolerated: frozenset[Quirk] = frozenset()


def _find_signer(data: SignedData, signer: SignerInfo, trust: TrustView) -> _Signature:
    """Find a signer's certificate by its SignerIdentifier, never by its position.

    Certificates of the trust store count only where none is enclosed (Doc 9303-10, 4.6.2.2:
    version 0 of the LDS security object): an enclosed one that does not fit is not made good.
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
"""What all names have in common under which one issuer is known to identify its signers.

UA writes its organization and number otherwise there than in its certificates.
"""


def _tolerate_name(named: Name | None, issuer: Name) -> Quirk | None:
    """How the name in a SignerIdentifier may differ from the issuer's; None where it may not.

    Nothing signs that name.  MY writes it in another order, UA another name: what is tolerated is
    just that, so that a changed octet cannot pass for it.
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
    """The first that is wrong, else the first that cannot be told, else the first of all."""
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
        # It may well be genuine: nothing here says otherwise, and nothing says so.
        reason = f"no certificate is enclosed, and in the trust store {signature.reason}"
        return Check(check_id, Outcome.UNDETERMINED, reason, _CLAUSE)
    if certificate.public_key is None:
        reason = f"the signer's key is {certificate.key}, which is not used"
        return Check(check_id, Outcome.UNDETERMINED, reason, _CLAUSE)
    signer = signature.signer
    try:
        quirks = signer.verify(data.content_type, data.content, certificate.public_key)
    except ProtocolError as error:
        return Check(check_id, Outcome.FAILED, str(error), _CLAUSE, Shows.FORGERY)
    reason = _who_signed(certificate, signer.scheme)
    tolerated = tuple(sorted(signature.tolerated | quirks))
    return Check(check_id, Outcome.PASSED, reason, _CLAUSE, None, tolerated)


@lru_cache(maxsize=1024)
def _who_signed(certificate: Certificate, scheme: SignatureScheme) -> str:
    return f"signed by {certificate.subject} with {scheme.description}"


def _examine_profile(
    data: SignedData,
    signatures: Sequence[_Signature],
    trust: TrustView,
    check_id: str,
    tolerated: Iterable[Quirk],
) -> Check:
    if data.irregularities:
        reason = "; ".join(data.irregularities)
        return Check(check_id, Outcome.FAILED, reason, _CMS, Shows.FORGERY)
    signers = [each.certificate for each in signatures]
    for certificate in data.certificates:
        if certificate not in signers and not _is_vouched_for(certificate, trust):
            reason = (
                f"the certificate of {certificate.subject} is enclosed, and nobody vouches for it"
            )
            return Check(check_id, Outcome.FAILED, reason, _CMS)
    reason = "what is not signed agrees with what is"
    everything = tuple(sorted(data.tolerated.union(tolerated)))
    return Check(check_id, Outcome.PASSED, reason, _CMS, tolerated=everything)


def _is_vouched_for(certificate: Certificate, trust: TrustView) -> bool:
    """Whether a certificate that is no signer's is signed by a trusted key.

    No signature covers it, so that it could be changed or added at will: it counts for nothing,
    and yet must be whole, and the State's.  That it is signed by its own key says neither.
    """
    identifier = certificate.extensions.authority_key_identifier
    anchors = [*trust.anchors_by_name(certificate.issuer)]
    if identifier is not None:
        anchors += trust.anchors_by_key_identifier(identifier)
    return any(certificate.is_signed_by(anchor.certificate) for anchor in anchors)


def _worst_of_paths(paths: Sequence[Path]) -> tuple[Check, ...]:
    """What several signers come to: each of them has to be one State's (Doc 9303-10, 4.6.2.2).

    Nothing protects a document from a stranger who signs it as well, so that a good signature
    does not make good the one beside it.
    """
    chain, *others = (
        _worst_on_paths(paths, found)
        for found in zip(*(each.checks for each in paths), strict=True)
    )
    countries = {path.anchor and path.anchor.certificate.country for path in paths}
    if chain.outcome is Outcome.PASSED and len(countries) > 1:
        states = " and ".join(sorted(str(each) for each in countries))
        reason = f"signed for {states}: a document is one State's"
        chain = Check(CHAIN, Outcome.FAILED, reason, _CMS, Shows.FORGERY)
    return chain, *others


def _worst_on_paths(paths: Sequence[Path], found: Sequence[Check]) -> Check:
    """The worst of what was found of each signer; it tells who that is, if not the first."""
    worst = worst_of(found)
    reason, place = worst.reason, found.index(worst)
    if place:
        reason = f"{paths[place].certificate.subject} signed as well: {reason}"
    return msgspec.structs.replace(worst, reason=reason, tolerated=all_tolerated(found))


def _without_signer() -> tuple[Check, ...]:
    reason = "the signer's certificate is not known"
    return tuple(
        Check(check_id, Outcome.UNDETERMINED, reason, _CLAUSE)
        for check_id in (CHAIN, VALIDITY, PROFILE, REVOCATION)
    )
