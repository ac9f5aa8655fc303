"""Whether a certificate is revoked (Doc 9303-12, D.1.2 and D.3).

A list is used only if it is signed by a CSCA of the same State: one with the same name, with a name
that a link certificate connects to it, or with the key that issued the certificate.  A list that
does not verify has no effect.

A certificate that any list names is revoked.  So is every certificate that a revoked CSCA signed,
and every CSCA that a revoked one has linked to itself (Doc 9303-12, 4.1.5.1).  For the others the
newest list decides: if it is outdated, or parts of it are not understood, the result is
UNDETERMINED, whatever older lists say.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from emrtd.errors import ProtocolError
from emrtd.pki.findings import Check, Outcome, Shows
from emrtd.pki.trust import Anchor, TrustView
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extensions import KeyUsage
from support.reasons import Reason

REVOCATION: Final = "ds.revocation"

_CLAUSE: Final = "Doc 9303-12, D.1.2"
_CSCA_CLAUSE: Final = "Doc 9303-12, 4.1.5.1"
_CLOCK_SKEW: Final = timedelta(days=1)
"""How long after the instant of judgement a list may have been issued."""


def examine_revocation(
    certificate: Certificate, anchor: Anchor | None, trust: TrustView, at: datetime
) -> tuple[Crl | None, Check]:
    """Look a certificate up in its CSCA's lists; return the list used, and `ds.revocation`."""
    country = certificate.issuer.country
    if anchor is None:
        return None, _undetermined("the certificate's CSCA is not known, and so no CRL of it")
    crls = trust.crls_of_country(country) if country else ()
    if not crls:
        return None, _undetermined(
            Reason("the trust store has no CRL of {state}", state=country or "its issuer")
        )
    names = {certificate.issuer.key, anchor.certificate.subject.key}
    if any(crl.issuer.key not in names for crl in crls):
        names = _names_of_one_csca(names, trust, country or "")
    proven = []
    doubt = "no CRL of the country is of the certificate's CSCA"
    for crl in sorted(crls, key=_seniority, reverse=True):
        objection = _objection_to_issuer(crl, names, anchor, trust)
        if objection is not None:
            doubt = objection
            continue
        if certificate.serial in crl.revoked:
            when = crl.revoked[certificate.serial].date()
            reason = Reason("revoked on {when} by {crl}", when=when, crl=crl.issuer)
            return crl, Check(REVOCATION, Outcome.FAILED, reason, _CLAUSE, Shows.REVOCATION)
        proven.append(crl)
    revoked = _find_revoked_csca(anchor.certificate, proven, trust)
    if revoked is not None:
        return revoked
    whole = {crl.tbs for crl in proven if crl.objection is None}
    for crl in proven:
        if crl.this_update - at > _CLOCK_SKEW:
            doubt = Reason(
                "the CRL was only issued on {this_update}", this_update=crl.this_update.date()
            )
        elif crl.objection is None or crl.tbs not in whole:
            objection = _objection_to_newest(crl, at)
            return crl, _not_revoked(crl) if objection is None else _undetermined(objection)
    return proven[0] if proven else None, _undetermined(doubt)


def _find_revoked_csca(
    csca: Certificate, crls: Sequence[Crl], trust: TrustView
) -> tuple[Crl, Check] | None:
    """Return the list that revokes a CSCA, and `ds.revocation`; None if no list revokes it.

    A key is revoked with any of its certificates, root or link, and with a key that signed a link
    to it.  A CSCA may sign the list that revokes itself: no other key of it may be known yet.
    """
    crls = [crl for crl in crls if crl.revoked]
    if not crls:
        return None
    country = csca.country
    anchors = trust.anchors_of_country(country) if country else ()
    known = dict.fromkeys((csca, *(anchor.certificate for anchor in anchors)))
    serials = {each.serial for each in known}
    crls = [crl for crl in crls if any(serial in crl.revoked for serial in serials)]
    if not crls:
        return None
    examined, waiting = dict[Certificate, None](), [csca]
    while waiting:
        certificate = waiting.pop()
        for each in (each for each in known if each.public_key == certificate.public_key):
            if each in examined:
                continue
            examined[each] = None
            for crl in crls:
                if each.serial in crl.revoked and _covers(crl, each):
                    when = crl.revoked[each.serial].date()
                    reason = Reason(
                        "its CSCA {csca} was revoked on {when} by {crl}",
                        csca=each.subject,
                        when=when,
                        crl=crl.issuer,
                    )
                    return crl, Check(
                        REVOCATION, Outcome.FAILED, reason, _CSCA_CLAUSE, Shows.REVOCATION
                    )
            waiting += _issuers_of_link(each, known)
    return None


def _covers(crl: Crl, csca: Certificate) -> bool:
    """Whether a serial number in a list can be that of a CSCA's certificate: the issuer's name."""
    return csca.issuer.key in {crl.issuer.key, *_other_names(crl)}


def _issuers_of_link(link: Certificate, known: Iterable[Certificate]) -> Iterator[Certificate]:
    """Yield the CSCA certificates of another key that signed a link certificate."""
    for each in known:
        if each.public_key != link.public_key and link.is_signed_by(each):
            yield each


def _seniority(crl: Crl) -> tuple[tuple[datetime, int], bool]:
    """Return a sort key; of two lists of one age, one with an objection is the newer."""
    return crl.age, crl.objection is not None


@lru_cache(maxsize=64)
def _not_revoked(crl: Crl) -> Check:
    issued, until = crl.this_update.date(), crl.next_update and crl.next_update.date()
    reason = Reason(
        "not on the CRL of {issued}, which is valid until {until}", issued=issued, until=until
    )
    return Check(
        REVOCATION, Outcome.PASSED, reason, _CLAUSE, tolerated=tuple(sorted(crl.tolerated))
    )


def _undetermined(reason: str) -> Check:
    return Check(REVOCATION, Outcome.UNDETERMINED, reason, _CLAUSE)


def _names_of_one_csca(names: set[str], trust: TrustView, country: str) -> set[str]:
    """Return every `Name.key` that link certificates connect to these (Doc 9303-12, 7.1.1.5)."""
    links = [
        (anchor.certificate.issuer.key, anchor.certificate.subject.key)
        for anchor in trust.anchors_of_country(country)
        if not anchor.certificate.is_self_issued
    ]
    found = set(names)
    grown = True
    while grown:
        tied = {end for link in links if found & set(link) for end in link}
        grown = not tied <= found
        found |= tied
    return found


def _objection_to_issuer(crl: Crl, names: set[str], anchor: Anchor, trust: TrustView) -> str | None:
    """Return why a list is not one of the certificate's CSCA; None if it is."""
    if not (crl.issuer.key in names or _is_of_key(crl, anchor) or _other_names(crl) & names):
        return "the CRL is of another CSCA of the country"
    if _signed(crl, anchor.certificate) or find_crl_issuer(crl, trust) is not None:
        return None
    return "the CRL is not signed by a trusted key of its CSCA"


def _is_of_key(crl: Crl, anchor: Anchor) -> bool:
    identifier = crl.authority_key_identifier
    own = anchor.certificate.extensions.subject_key_identifier
    return identifier is not None and identifier == own


def _other_names(crl: Crl) -> set[str]:
    return {name.key for name in crl.issuer_alternative_names}


def find_crl_issuer(crl: Crl, trust: TrustView) -> Anchor | None:
    """Return the anchor whose key signed a list, or None.

    Anchors are found by authority key identifier, then by name.
    """
    candidates: list[Anchor] = []
    if crl.authority_key_identifier is not None:
        candidates += trust.anchors_by_key_identifier(crl.authority_key_identifier)
    candidates += trust.anchors_by_name(crl.issuer)
    return next((each for each in candidates if _signed(crl, each.certificate)), None)


def _signed(crl: Crl, issuer: Certificate) -> bool:
    usage = issuer.extensions.key_usage
    if issuer.public_key is None or not issuer.is_ca or issuer.country != crl.country:
        return False
    if usage is not None and KeyUsage.CRL_SIGN not in usage:
        return False
    try:
        crl.verify_signed_by(issuer.public_key)
    except ProtocolError:
        return False
    return True


def _objection_to_newest(crl: Crl, at: datetime) -> str | None:
    """Return why the newest list does not show that a certificate is not revoked."""
    if crl.objection is not None:
        issued = crl.this_update.date()
        return Reason(
            "the CRL of {issued} does not name it, but cannot be used: {objection}",
            issued=issued,
            objection=crl.objection,
        )
    if crl.next_update is None:
        return "the CRL has no nextUpdate"
    if at > crl.next_update:
        return Reason(
            "the CRL was valid until {next_update}; a newer one is required",
            next_update=crl.next_update.date(),
        )
    return None
