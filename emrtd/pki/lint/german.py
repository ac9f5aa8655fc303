"""The key lengths that TR-03116-2 requires of German certificates, by the date of their issue.

They bind the German issuer alone: a Master List of another State takes what Doc 9303-12 allows.
"""

from collections.abc import Iterator
from typing import Final

from emrtd.calendar import CSCA_KEYS, SIGNER_KEYS, TR_03116_2, objections_to_german_key
from emrtd.pki.lint.certificates import kind_of
from emrtd.pki.lint.findings import LintFinding
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extension_writer import CertificateKind

_CSCA: Final = (CSCA_KEYS, f"{TR_03116_2}, Table 3")
_TABLES: Final = {
    CertificateKind.CSCA_ROOT: _CSCA,
    CertificateKind.CSCA_LINK: _CSCA,
    CertificateKind.DOCUMENT_SIGNER: (SIGNER_KEYS, f"{TR_03116_2}, Table 4"),
}


def lint_german_key(certificate: Certificate) -> Iterator[LintFinding]:
    """Yield what TR-03116-2 has against the key of a German CSCA or Document Signer.

    The scheme of a link and of a Document Signer's certificate is that of the key that signed it,
    so only a root is judged by its scheme.
    """
    kind = kind_of(certificate)
    if certificate.country != "DE" or kind not in _TABLES:
        return
    periods, clause = _TABLES[kind]
    scheme = certificate.scheme if kind is CertificateKind.CSCA_ROOT else None
    issued = certificate.not_before.date()
    for reason in objections_to_german_key(periods, certificate.public_key, scheme, issued):
        yield LintFinding(reason, clause)
