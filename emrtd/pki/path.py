"""Path validation for eMRTDs: one certificate and the CSCA key that issued it (9303-12, App. D).

Passive Authentication calls `emrtd.pki.passive.examine`, which finds the signer and comes here; a
caller that already has a certificate calls

    path = validate(certificate, trust, at=instant)
    for check in path.checks: ...

Nothing is raised and nothing has a truth value: `checks` says what was checked, with the ids
`ds.chain`, `ds.validity`, `ds.profile` and `ds.revocation`, always all four.  It fails closed:
where no anchor was found, what rests on one is UNDETERMINED, and what is not PASSED did not pass.
Signatures once proven are remembered for so long as the process lives.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
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

CHAIN: Final = "ds.chain"
VALIDITY: Final = "ds.validity"

_CLAUSE: Final = "Doc 9303-12, D.1.1.3"
_VALIDITY_CLAUSE: Final = "Doc 9303-12, D.1.1.3 a)"


class Path(msgspec.Struct, frozen=True):
    """A certificate, the anchor that issued it (None: none did), the CRL that was used."""

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

    `at` is the instant (aware) of the judgement; `use` says what the certificate was used for.
    """
    anchor, chain = find_anchor(certificate, trust, at)
    crl, revocation = examine_revocation(certificate, anchor, trust, at)
    return Path(
        certificate,
        anchor,
        crl,
        (
            chain,
            _examine_validity(certificate, anchor, at),
            examine_profile(certificate, anchor, purpose, use),
            revocation,
        ),
    )


@dataclass(slots=True)
class _Search:
    """What the candidates came to: the one that issued the certificate, or why none did."""

    named_by_key: bool = False
    objections: list[str] = field(default_factory=list)
    wrong_signature: bool = False


def find_anchor(
    certificate: Certificate, trust: TrustView, at: datetime
) -> tuple[Anchor | None, Check]:
    """Find the anchor that signed a certificate: by authority key identifier, then by name.

    Several CSCAs may have one name, and one key may have a root and a link certificate; those that
    are valid at the instant, and roots, come first.  Returns the check `ds.chain` with it.
    """
    search = _Search()
    for anchor in _candidates(certificate, trust, at, search):
        issue = _examine_issue(certificate, anchor.certificate)
        if not issue.signed:
            search.wrong_signature |= issue.objection is None
        elif issue.objection is not None:
            search.objections.append(issue.objection)
        else:
            return anchor, issue.check
    return None, _no_anchor(certificate, trust, search)


@dataclass(frozen=True, slots=True)
class _Issue:
    """Whether one certificate's key signed another, and what speaks against that it may have.

    `check` is what follows where nothing does.
    """

    signed: bool
    objection: str | None
    check: Check


@lru_cache(maxsize=4096)
def _examine_issue(certificate: Certificate, issuer: Certificate) -> _Issue:
    """Two certificates always come to the same: they are examined once."""
    check = _chain(
        Outcome.PASSED, f"issued by {issuer.subject}", tolerated=_tolerated(certificate, issuer)
    )
    unknown = certificate.extensions.unknown_critical
    if unknown:
        reason = f"a critical extension is not known: {', '.join(sorted(unknown))}"
        check = _chain(Outcome.FAILED, reason)
    signed = certificate.is_signed_by(issuer)
    return _Issue(signed, objection_to_issuer(issuer, certificate), check)


def forget() -> None:
    """Forget all certificates that were read and examined, as a new process would have."""
    _examine_issue.cache_clear()
    certificates.forget()


def _chain(
    outcome: Outcome,
    reason: str,
    shows: Shows | None = None,
    tolerated: tuple[Quirk, ...] = (),
) -> Check:
    return Check(CHAIN, outcome, reason, _CLAUSE, shows, tolerated)


def _candidates(
    certificate: Certificate, trust: TrustView, at: datetime, search: _Search
) -> Iterator[Anchor]:
    """Each anchor that may have issued the certificate, the likeliest first, none twice."""

    def unlikely(anchor: Anchor) -> tuple[bool, bool, bool]:
        candidate = anchor.certificate
        return (
            not candidate.subject.matches(certificate.issuer),
            not candidate.not_before <= at <= candidate.not_after,
            not candidate.is_self_issued,
        )

    identifier = certificate.extensions.authority_key_identifier
    seen = set()
    if identifier is not None:
        by_key = trust.anchors_by_key_identifier(identifier)
        search.named_by_key = bool(by_key)
        for anchor in by_key if len(by_key) == 1 else sorted(by_key, key=unlikely):
            seen.add(anchor.certificate)
            yield anchor
    for anchor in sorted(trust.anchors_by_name(certificate.issuer), key=unlikely):
        if anchor.certificate not in seen:
            yield anchor


def objection_to_issuer(issuer: Certificate, certificate: Certificate) -> str | None:
    """Why a certificate cannot have issued another, whatever its key signed; None if it can."""
    extensions = issuer.extensions
    if not (issuer.subject.matches(certificate.issuer) or _is_same_key(issuer, certificate)):
        return f"its issuer calls itself {issuer.subject}, not {certificate.issuer}"
    if not issuer.is_ca or BASIC_CONSTRAINTS in extensions.malformed:
        return "its issuer is not marked as a CA"
    if KEY_USAGE in extensions.malformed or (
        extensions.key_usage is not None and KeyUsage.KEY_CERT_SIGN not in extensions.key_usage
    ):
        return "its issuer's key is not for signing certificates"
    if extensions.unknown_critical:
        return "its issuer's certificate has a critical extension that is not known"
    return None


def _is_same_key(issuer: Certificate, certificate: Certificate) -> bool:
    """Whether a certificate names the issuer's key, if not its name, and the same State.

    CM and PT have link certificates under a name of their own for the key of a CSCA, HU has a key
    under two names; whoever holds only those still has the key.
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
    """Say why no anchor was found: nobody's fault, or somebody's forgery."""
    if search.objections:
        return _chain(Outcome.FAILED, search.objections[0])
    if certificate.scheme is None:
        reason = "the certificate is signed with an algorithm that is not known"
        return _chain(Outcome.UNDETERMINED, reason)
    identifier = certificate.extensions.authority_key_identifier
    same_name = trust.anchors_by_name(certificate.issuer)
    damaged = identifier is not None and any(
        differ_in_one_octet(identifier, anchor.certificate.extensions.subject_key_identifier)
        for anchor in same_name
    )
    # A key that is not known may be a new one of a CSCA that is: somebody has to find out.
    if search.wrong_signature and (search.named_by_key or identifier is None or damaged):
        reason = f"{certificate.issuer} is known, and did not sign this certificate"
        return _chain(Outcome.FAILED, reason, Shows.FORGERY)
    country = certificate.issuer.country
    if same_name:
        reason = f"{certificate.issuer} is known, but not the key that is to have signed"
    elif country is None:
        reason = f"the trust store has no CSCA {certificate.issuer}, which names no country"
    elif trust.anchors_of_country(country):
        reason = f"{certificate.issuer} is not among the CSCAs of its country in the trust store"
    else:
        reason = f"the trust store has no CSCA of {country}"
    return _chain(Outcome.UNDETERMINED, reason)


def differ_in_one_octet(left: bytes, right: bytes | None) -> bool:
    """Whether two strings are one and the same but for one octet: what damage looks like.

    Issuers differ from one another, and from themselves, in more than that.
    """
    if right is None or len(left) != len(right):
        return False
    return sum(a != b for a, b in zip(left, right, strict=True)) == 1


def _examine_validity(certificate: Certificate, anchor: Anchor | None, at: datetime) -> Check:
    clause = _VALIDITY_CLAUSE
    if at < certificate.not_before:
        reason = f"the certificate is valid from {certificate.not_before.date()}"
        return Check(VALIDITY, Outcome.FAILED, reason, clause)
    if at > certificate.not_after:
        reason = f"the certificate was valid until {certificate.not_after.date()}"
        return Check(VALIDITY, Outcome.FAILED, reason, clause)
    if anchor is not None:
        csca = anchor.certificate
        if not csca.not_before <= at <= csca.not_after:
            reason = (
                "the certificate is valid, its CSCA's is not: that runs from "
                f"{csca.not_before.date()} to {csca.not_after.date()}"
            )
            return Check(VALIDITY, Outcome.WARNING, reason, clause)
    return _valid(certificate)


@lru_cache(maxsize=1024)
def _valid(certificate: Certificate) -> Check:
    reason = f"the certificate is valid until {certificate.not_after.date()}"
    return Check(VALIDITY, Outcome.PASSED, reason, _VALIDITY_CLAUSE)
