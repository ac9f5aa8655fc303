"""Why something that an import takes cannot be used, or not yet."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from emrtd.pki.findings import Outcome
from emrtd.pki.signer_profile import Purpose, Use, examine_profile
from emrtd.pki.trust import Anchor
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extensions import KeyUsage
from verify.trust.kinds import TrustEntryKind

_PURPOSES: Final = {
    TrustEntryKind.DOCUMENT_SIGNER: Purpose.DOCUMENT_SIGNER,
    TrustEntryKind.MASTER_LIST_SIGNER: Purpose.MASTER_LIST_SIGNER,
    TrustEntryKind.DEVIATION_LIST_SIGNER: Purpose.DEVIATION_LIST_SIGNER,
}
_KEY: Final = "its key is of a kind that is not supported"
CLOCK_SKEW: Final = timedelta(days=1)
"""How long after an instant a list that is in force may have been issued."""


def doubts_of_signer(
    certificate: Certificate, anchor: Anchor | None, kind: TrustEntryKind
) -> Iterator[str]:
    """Yield why a signer's certificate cannot be used, although its CSCA issued it."""
    profile = examine_profile(certificate, anchor, _PURPOSES[kind], Use())
    if profile.outcome in {Outcome.FAILED, Outcome.UNDETERMINED}:
        yield profile.reason
    if certificate.public_key is None:
        yield _KEY
    if certificate.not_after < certificate.not_before:
        yield "its validity ends before it begins"
    period = certificate.extensions.private_key_usage_period
    if period and period.not_before and period.not_after and period.not_after < period.not_before:
        yield "its private-key usage period ends before it begins"
    if certificate.country != certificate.issuer.country:
        yield f"it is of {certificate.country}, and its CSCA of {certificate.issuer.country}"


def doubts_of_csca(certificate: Certificate) -> Iterator[str]:
    """Yield why no certificate is accepted of a CSCA, although its own is verified."""
    extensions = certificate.extensions
    if certificate.public_key is None:
        yield _KEY
    if extensions.unknown_critical:
        unknown = ", ".join(sorted(extensions.unknown_critical))
        yield f"it has unknown critical extensions: {unknown}"
    if extensions.key_usage is not None and KeyUsage.KEY_CERT_SIGN not in extensions.key_usage:
        yield "its key is not for signing certificates"


def is_of_the_future(crl: Crl, at: datetime) -> bool:
    """Whether a list is not in force yet at an instant (aware)."""
    return crl.this_update - at > CLOCK_SKEW


def doubts_of_crl(crl: Crl, at: datetime) -> Iterator[str]:
    """Yield why a list does not tell at an instant (aware) who is not revoked."""
    name = f"the CRL of {crl.issuer} of {crl.this_update.date()}"
    if crl.objection is not None:
        yield (
            f"{name} cannot be used whole ({crl.objection}): whom it does not name is"
            " undetermined until a newer one is added"
        )
    if is_of_the_future(crl, at):
        yield f"{name} is not in force yet: it replaces no older one until then"
