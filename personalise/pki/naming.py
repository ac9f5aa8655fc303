"""How officers name the certificates of a PKI: by serial number, by file, or by the key's label.

Which key a certificate belongs to is known from the audit log: the certificate's validity begins
when the operation that made the key did.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from emrtd.pki.lint.certificates import kind_of
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extension_writer import CertificateKind
from personalise.pki.audit_log import AuditEntry, timestamp
from personalise.pki.auditing import audit_entries
from personalise.pki.issuing_pki import IssuingPki
from support.errors import MisuseError

FIRST_KEYS: Final = {"csca-1": CertificateKind.CSCA_ROOT, "ds-1": CertificateKind.DOCUMENT_SIGNER}
"""The keys with a certificate that `pki init` makes."""
KINDS_BY_STEM: Final = {
    "csca": CertificateKind.CSCA_ROOT,
    "ds": CertificateKind.DOCUMENT_SIGNER,
    "mls": CertificateKind.MASTER_LIST_SIGNER,
    "dls": CertificateKind.DEVIATION_LIST_SIGNER,
}
"""The kinds of certificates whose keys have numbered labels, by what the labels begin with."""


def labels_of(issued: Sequence[Certificate], entries: Iterable[AuditEntry]) -> dict[bytes, str]:
    """Return the labels of the keys of certificates, by the certificate's fingerprint."""
    made = [
        (entry.at, label)
        for entry in entries
        if entry.outcome == "done"
        for label in (FIRST_KEYS if entry.operation == "pki.init" else [entry.subject.get("label")])
        if label is not None
    ]
    found: dict[bytes, str] = {}
    for at, label in made:
        kind = KINDS_BY_STEM.get(label.partition("-")[0])
        for each in issued:
            if kind_of(each) is kind and timestamp(each.not_before) == at:
                found[each.fingerprint] = label
    return found


def find_certificate(pki: IssuingPki, name: str) -> Certificate:
    """Return a certificate that the PKI issued.

    `name` is a serial number (hexadecimal), a file of the folder without `.cer` ("ds"), or the
    label of a key as `pki status` has it ("ds-1").  Raises `MisuseError` if there is none, or more
    than one.
    """
    issued = pki.issued()
    if re.fullmatch(r"[0-9A-Fa-f]{1,40}", name):
        found = [each for each in issued if each.serial == int(name, 16)]
        if found:
            return found[0]
    elif re.fullmatch(r"[a-z0-9-]+", name):
        if (pki.folder / f"{name}.cer").is_file():
            return pki.certificate(name)
        labels = labels_of(issued, audit_entries(pki.folder))
        found = [each for each in issued if labels.get(each.fingerprint) == name]
        if len(found) == 1:
            return found[0]
        if found:
            serials = " and ".join(f"{each.serial:X}" for each in found)
            raise MisuseError(
                f"{name} may be {serials}, which were made in the same second",
                advice="name the certificate by its serial number",
            )
    raise MisuseError(
        f"{pki.folder}: has issued no certificate {name!r}",
        advice="name it as `personalise pki status` does, or by its serial number in hexadecimal",
    )
