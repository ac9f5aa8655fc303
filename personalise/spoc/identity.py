"""Who is at the other end of a TLS connection (Doc 9303-12, 8.3.2)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from emrtd.crypto.hashes import Hash
from emrtd.pki.findings import Outcome
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import examine_revocation
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.spoc import SpocRole
from personalise.spoc.partners import Partner

_ALLOWED: Final = frozenset({Hash.SHA224, Hash.SHA256, Hash.SHA384, Hash.SHA512})


def objection(
    certificate: Certificate, partner: Partner, role: SpocRole, at: datetime
) -> str | None:
    """Return why a certificate is not that of a State's client or server, or None.

    It must be issued by the State's SPOC CA, valid, for this role, of this State, and on no
    revocation list; a list that is missing or out of date is an objection too.
    """
    return next(_objections(certificate, partner, role, at), None)


def _objections(
    certificate: Certificate, partner: Partner, role: SpocRole, at: datetime
) -> Iterator[str]:
    if certificate.subject.country_as_written != partner.state:
        yield f"its certificate is of {certificate.subject.country}, not of {partner.state}"
    if role.purposes[0] not in (certificate.extensions.extended_key_usage or frozenset()):
        yield f"its certificate is not for a {role.common_name}"
    if not certificate.not_before <= at <= certificate.not_after:
        yield f"its certificate is not valid now, but until {certificate.not_after:%Y-%m-%d}"
    if certificate.scheme is None or certificate.scheme.hash not in _ALLOWED:
        yield "its certificate is signed with a hash that is not allowed"
    trust = TrustSet(partner.authorities, partner.crls)
    anchor, chain = find_anchor(certificate, trust, at)
    if anchor is None or chain.outcome is not Outcome.PASSED:
        yield f"its certificate: {chain.reason}"
    elif not anchor.certificate.not_before <= at <= anchor.certificate.not_after:
        yield f"its CA's certificate is valid until {anchor.certificate.not_after:%Y-%m-%d}"
    _, revocation = examine_revocation(certificate, anchor, trust, at)
    if revocation.outcome is not Outcome.PASSED:
        yield f"its certificate: {revocation.reason}"
