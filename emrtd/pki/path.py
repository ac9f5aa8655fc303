"""Path validation for eMRTDs: one certificate and the CSCA key that issued it (9303-12, App. D).

Passive Authentication calls `emrtd.pki.passive.examine`, which finds the signer and calls this
module; a caller that already has a certificate calls

    path = validate(certificate, trust, at=instant)
    for check in path.checks: ...

It raises no exception: `checks` always holds the four results `ds.chain`, `ds.validity`,
`ds.profile` and `ds.revocation`.  Validation fails closed: without an anchor, the checks that need
one are UNDETERMINED, and only PASSED means passed.  Verified signatures are cached for the life of
the process.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from emrtd.pki.findings import Check, Outcome, Shows
from emrtd.pki.quirks import Quirk
from emrtd.pki.revocation import examine_revocation
from emrtd.pki.signer_profile import Purpose, Use, examine_profile
from emrtd.pki.trust import Anchor, TrustView
from emrtd.pki.x509 import certificates
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extensions import BASIC_CONSTRAINTS, KEY_USAGE, KeyUsage
from support.reasons import Reason, joined

CHAIN: Final = "ds.chain"
VALIDITY: Final = "ds.validity"

UNPROVEN: Final = "its CSCA was added to the trust store unverified"
"""Said where the only proof of a CSCA is the word of the operator who added it."""

_CLAUSE: Final = "Doc 9303-12, D.1.1.3"
_CLOCK_SKEW: Final = timedelta(days=1)
"""How long after the instant of judgement a document may have been signed."""
_VALIDITY_CLAUSE: Final = "Doc 9303-12, D.1.1.3 a)"


class Path(msgspec.Struct, frozen=True):
    """A certificate, the anchor that issued it (or None), the CRL that was used (or None)."""

    certificate: Certificate
    anchor: Anchor | None
    crl: Crl | None
    checks: tuple[Check, ...]


def validate(
    certificate: Certificate,
    trust: TrustView,
    *,
    at: datetime,
    purpose: Purpose = Purpose.DOCUMENT_SIGNER,
    use: Use = Use(),  # noqa: B008 - immutable
) -> Path:
    """Find the CSCA that issued a certificate, and check the certificate for its purpose.

    `at` is the instant (aware) for which it is judged; `use` says what the certificate was used
    for.
    """
    anchor, chain = find_anchor(certificate, trust, at)
    crl, revocation = examine_revocation(certificate, anchor, trust, at)
    return Path(
        certificate,
        anchor,
        crl,
        (
            chain,
            _examine_validity(certificate, anchor, at, use),
            examine_profile(certificate, anchor, purpose, use),
            revocation,
        ),
    )


class _Search(msgspec.Struct):
    """Why none of the candidates examined so far issued the certificate."""

    named_by_key: bool = False
    objections: list[str] = msgspec.field(default_factory=list)
    wrong_signature: bool = False


def find_anchor(
    certificate: Certificate, trust: TrustView, at: datetime
) -> tuple[Anchor | None, Check]:
    """Return the anchor that signed a certificate, or None, and the check `ds.chain`.

    Anchors are found by authority key identifier, then by name.  Several CSCAs may have one name,
    and one key may have a root and a link certificate; those that are valid at the instant are
    tried first, and roots before links.
    """
    search = _Search()
    for anchor in _candidates(certificate, trust, at, search):
        issue = _examine_issue(certificate, anchor.certificate)
        if not issue.signed:
            search.wrong_signature |= issue.objection is None
        elif issue.objection is not None:
            search.objections.append(issue.objection)
        else:
            return anchor, _with_unproven_issuer(issue.check) if anchor.unproven else issue.check
    return None, _no_anchor(certificate, trust, search)


class _Issue(msgspec.Struct, frozen=True):
    """Whether one certificate's key signed another, and the objection to it as issuer, if any.

    `check` is the result if there is no objection.
    """

    signed: bool
    objection: str | None
    check: Check


@lru_cache(maxsize=4096)
def _examine_issue(certificate: Certificate, issuer: Certificate) -> _Issue:
    """Examine a pair of certificates; the result depends on these alone and is cached."""
    check = _chain(
        Outcome.PASSED,
        Reason("issued by {issuer}", issuer=issuer.subject),
        tolerated=_tolerated(certificate, issuer),
    )
    unknown = certificate.extensions.unknown_critical
    if unknown:
        reason = Reason(
            "the certificate has unknown critical extensions: {unknown}",
            unknown=joined(", ", sorted(unknown)),
        )
        check = _chain(Outcome.FAILED, reason)
    signed = certificate.is_signed_by(issuer)
    return _Issue(signed, objection_to_issuer(issuer, certificate), check)


def forget() -> None:
    """Clear the caches of certificates and verified signatures, as in a new process."""
    _examine_issue.cache_clear()
    certificates.forget()


def _chain(
    outcome: Outcome,
    reason: str,
    shows: Shows | None = None,
    tolerated: tuple[Quirk, ...] = (),
) -> Check:
    return Check(CHAIN, outcome, reason, _CLAUSE, shows, tolerated)


def _with_unproven_issuer(check: Check) -> Check:
    reason = Reason("{reason}; {unproven}", reason=check.reason, unproven=UNPROVEN)
    return msgspec.structs.replace(check, reason=reason)


def _candidates(
    certificate: Certificate, trust: TrustView, at: datetime, search: _Search
) -> Iterator[Anchor]:
    """Yield each anchor that may have issued the certificate once, the likeliest first."""

    def unlikely(anchor: Anchor) -> tuple[bool | float, ...]:
        candidate = anchor.certificate
        return (
            not candidate.subject.matches(certificate.issuer),
            not candidate.not_before <= at <= candidate.not_after,
            not candidate.is_self_issued,
            anchor.unproven,
            candidate.not_before > certificate.not_before,
            -candidate.not_before.timestamp(),  # a CSCA issues with its newest key
        )

    identifier = certificate.extensions.authority_key_identifier
    seen = set()
    if identifier is not None:
        by_key = trust.anchors_by_key_identifier(identifier)
        search.named_by_key = bool(by_key)
        for anchor in by_key if len(by_key) == 1 else sorted(by_key, key=unlikely):
            seen.add(anchor.certificate)
            yield anchor
    others = [
        each for each in trust.anchors_by_name(certificate.issuer) if each.certificate not in seen
    ]
    yield from others if len(others) <= 1 else sorted(others, key=unlikely)


def objection_to_issuer(issuer: Certificate, certificate: Certificate) -> str | None:
    """Return why a certificate cannot be the issuer of another, or None; signatures aside."""
    extensions = issuer.extensions
    if not (issuer.subject.matches(certificate.issuer) or _is_same_key(issuer, certificate)):
        return Reason(
            "its issuer is named {issuer}, not {certificate}",
            issuer=issuer.subject,
            certificate=certificate.issuer,
        )
    if not issuer.is_ca or BASIC_CONSTRAINTS in extensions.malformed:
        return "its issuer is not marked as a CA"
    if KEY_USAGE in extensions.malformed or (
        extensions.key_usage is not None and KeyUsage.KEY_CERT_SIGN not in extensions.key_usage
    ):
        return "its issuer's key is not for signing certificates"
    if extensions.unknown_critical:
        return "its issuer's certificate has an unknown critical extension"
    return None


def _is_same_key(issuer: Certificate, certificate: Certificate) -> bool:
    """Whether a certificate identifies the issuer's key and has the same State.

    Its issuer's name may differ: CM and PT have link certificates for the key of a CSCA under
    another name, and HU has one key under two names.  A trust store with only these certificates
    still has the key.
    """
    named = certificate.extensions.authority_key_identifier
    return (
        named is not None
        and named == issuer.extensions.subject_key_identifier
        and issuer.country is not None
        and issuer.country == certificate.issuer.country
    )


def _tolerated(certificate: Certificate, issuer: Certificate) -> tuple[Quirk, ...]:
    tolerated = set(issuer.tolerated)
    identifier = certificate.extensions.authority_key_identifier
    if not certificate.issuer.matches(issuer.subject):
        tolerated.add(Quirk.ISSUER_NAME)
    elif certificate.issuer != issuer.subject:
        tolerated.add(Quirk.ISSUER_NAME_FORM)
    if identifier is None:
        tolerated.add(Quirk.NO_AUTHORITY_KEY)
    elif identifier != issuer.extensions.subject_key_identifier:
        tolerated.add(Quirk.OTHER_AUTHORITY_KEY)
    constraints = issuer.extensions.basic_constraints
    if constraints is not None and constraints.path_length != 0:
        tolerated.add(Quirk.PATH_LENGTH)
    return tuple(sorted(tolerated))


def _no_anchor(certificate: Certificate, trust: TrustView, search: _Search) -> Check:
    """Return the result for a certificate without an anchor: UNDETERMINED, or a forgery."""
    if search.objections:
        return _chain(Outcome.FAILED, search.objections[0])
    if certificate.scheme is None:
        reason = "the certificate is signed with an unknown algorithm"
        return _chain(Outcome.UNDETERMINED, reason)
    identifier = certificate.extensions.authority_key_identifier
    same_name = trust.anchors_by_name(certificate.issuer)
    damaged = identifier is not None and any(
        differ_in_one_octet(identifier, anchor.certificate.extensions.subject_key_identifier)
        for anchor in same_name
    )
    # An unknown key may be the new key of a known CSCA: that is undetermined, and not a forgery.
    if search.wrong_signature and (search.named_by_key or identifier is None or damaged):
        reason = Reason(
            "{certificate} is known, but its key did not sign this certificate",
            certificate=certificate.issuer,
        )
        return _chain(Outcome.FAILED, reason, Shows.FORGERY)
    country = certificate.issuer.country
    if same_name:
        reason = Reason(
            "{certificate} is known, but not the key that the certificate names",
            certificate=certificate.issuer,
        )
    elif country is None:
        reason = Reason(
            "the trust store has no CSCA {certificate} (a name without a country)",
            certificate=certificate.issuer,
        )
    elif trust.anchors_of_country(country):
        reason = Reason(
            "{certificate} is not among the CSCAs of its country in the trust store",
            certificate=certificate.issuer,
        )
    else:
        reason = Reason("the trust store has no CSCA of {state}", state=country)
    return _chain(Outcome.UNDETERMINED, reason)


def differ_in_one_octet(left: bytes, right: bytes | None) -> bool:
    """Whether two strings of one length differ in exactly one octet, as after damage.

    Key identifiers of different keys differ in more octets than one.
    """
    if right is None or len(left) != len(right):
        return False
    return sum(a != b for a, b in zip(left, right, strict=True)) == 1


def _examine_validity(
    certificate: Certificate, anchor: Anchor | None, at: datetime, use: Use
) -> Check:
    clause = _VALIDITY_CLAUSE
    if at < certificate.not_before:
        reason = Reason(
            "the certificate is valid from {not_before}", not_before=certificate.not_before.date()
        )
        return Check(VALIDITY, Outcome.FAILED, reason, clause)
    if at > certificate.not_after:
        reason = Reason(
            "the certificate was valid until {not_after}", not_after=certificate.not_after.date()
        )
        return Check(VALIDITY, Outcome.FAILED, reason, clause)
    if anchor is not None:
        csca = anchor.certificate
        if not csca.not_before <= at <= csca.not_after:
            reason = Reason(
                "the certificate is valid, but its CSCA's certificate is valid only from"
                " {not_before} to {not_after}",
                not_before=csca.not_before.date(),
                not_after=csca.not_after.date(),
            )
            return Check(VALIDITY, Outcome.WARNING, reason, clause)
    if use.signed is not None and use.signed - at > _CLOCK_SKEW:
        reason = Reason(
            "the certificate is valid, but signed the document only on {signed}: the instant of the"
            " inspection is wrong, or the signer's clock was",
            signed=use.signed.date(),
        )
        return Check(VALIDITY, Outcome.WARNING, reason, clause)
    return _valid(certificate)


@lru_cache(maxsize=1024)
def _valid(certificate: Certificate) -> Check:
    reason = Reason(
        "the certificate is valid until {not_after}", not_after=certificate.not_after.date()
    )
    return Check(VALIDITY, Outcome.PASSED, reason, _VALIDITY_CLAUSE)
