"""Lint of the TLS certificates of a Single Point of Contact (Doc 9303-12, 7.2.1)."""

from collections.abc import Iterator
from typing import Final

from emrtd.asn1 import ber
from emrtd.pki.lint.findings import LintFinding
from emrtd.pki.x509 import extensions as oids
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.names import COMMON_NAME
from support.errors import MalformedError

_CLAUSE: Final = "Doc 9303-12, 7.2.1"
_NAMES: Final = {oids.SPOC_CLIENT: "SPOC TLS client", oids.SPOC_SERVER: "SPOC TLS server"}
_DNS_NAME: Final = 0x82


def is_spoc(certificate: Certificate) -> bool:
    """Whether a certificate is that of a SPOC's TLS client or server, by its purposes."""
    return bool(_purposes(certificate))


def dns_names(certificate: Certificate) -> tuple[str, ...]:
    """Return the dNSNames of a certificate; none if the extension cannot be read."""
    found = certificate.extensions.get(oids.SUBJECT_ALT_NAME)
    if found is None:
        return ()
    try:
        names = ber.read(found.value, "subjectAltName").children
    except MalformedError:
        return ()
    return tuple(each.contents.decode("latin-1") for each in names if each.tag == _DNS_NAME)


def lint_spoc(certificate: Certificate) -> Iterator[LintFinding]:
    """Yield what the profile has beyond that of a communication certificate."""
    purposes = _purposes(certificate)
    if not purposes:
        return
    if certificate.extensions.get(oids.CRL_DISTRIBUTION_POINTS) is None:
        yield LintFinding("a SPOC certificate must have cRLDistributionPoints", _CLAUSE)
    if oids.SPOC_SERVER in purposes and not dns_names(certificate):
        yield LintFinding("a SPOC server certificate must have a dNSName", _CLAUSE)
    found = {text for oid, text in certificate.subject.attributes if oid == COMMON_NAME}
    if not found & {_NAMES[each] for each in purposes}:
        named = " or ".join(sorted(_NAMES[each] for each in purposes))
        yield LintFinding(f"the common name should be {named}", _CLAUSE)


def _purposes(certificate: Certificate) -> frozenset[str]:
    return (certificate.extensions.extended_key_usage or frozenset()) & frozenset(_NAMES)
