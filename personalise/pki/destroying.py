"""Destroying private keys, and which of them are in use.

What is in use follows from the settings and the certificates, not from the numbers of the labels:
an operation that was killed leaves a newer key without a certificate.
"""

import re
from collections.abc import Collection
from typing import Final

from emrtd.crypto.signatures import VerifyingKey
from emrtd.pki.x509.extension_writer import CertificateKind
from personalise.pki.cvca_requests import document_verifier_key
from personalise.pki.folder import AUDIT_LABEL, RECEIPT, REGISTER, STOP_LIST
from personalise.pki.foreign import keys_in_use
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import LIST_SIGNER_LABELS, PkiOperations
from support.errors import MisuseError

SPOC_CA: Final = "spocca"
"""The stem of the label of the key that signs the SPOC's TLS certificates (`personalise.spoc`)."""

_SPOC_CERTIFICATE: Final = "spoc/ca"
_CVCA: Final = "cvca"
_DOCUMENT_VERIFIER: Final = "dv"
_LEDGER: Final = frozenset({"ledger", "retention"})
"""The keys of `personalise.ledger.keys.pki_keys`."""

_NEVER_RENEWED: Final = frozenset({AUDIT_LABEL, RECEIPT, REGISTER}) | _LEDGER
"""Keys that have no successor: those of the log, the receipts, the register and the ledger."""

_LIST_SIGNERS: Final = frozenset(
    {
        LIST_SIGNER_LABELS[CertificateKind.MASTER_LIST_SIGNER],
        LIST_SIGNER_LABELS[CertificateKind.DEVIATION_LIST_SIGNER],
        STOP_LIST,
    }
)
_FOREIGN: Final = re.compile(r"dv([a-z]{2})").fullmatch
"""Matches the stem of the labels of our Document Verifier's keys for a foreign State."""


def is_in_use(operations: PkiOperations, label: str) -> bool:
    """Whether the key signs, or decrypts applications, today; keys without a successor aside."""
    pki = operations.pki
    if label in {pki.settings.document_signer, *_certified_intake(pki)[-1:]}:
        return True
    return _is_one_of(pki, label, _certified(operations, _stem(label)))


def destroy_key(operations: PkiOperations, label: str, *, although_in_use: bool = False) -> None:
    """Destroy a private key.

    Raises `MisuseError` for one that is in use and has no successor, and for any that is in use
    unless `although_in_use`.
    """
    pki = operations.pki
    intake = pki.intake_labels()
    if label not in {*pki.custody.labels(), *intake}:
        raise MisuseError(
            f"{pki.folder}: has no key {label!r}",
            advice="`personalise pki status` lists the keys",
        )
    if _has_no_successor(pki, label):
        raise MisuseError(f"the key {label!r} is in use and has no successor")
    if is_in_use(operations, label) and not although_in_use:
        raise MisuseError(f"the key {label!r} is in use")
    with operations.operation("key.destroy", {"label": label}):
        custody = pki.local_keys if label in intake else pki.custody
        custody.destroy(label)


def _has_no_successor(pki: IssuingPki, label: str) -> bool:
    if label in {*_NEVER_RENEWED, pki.settings.csca} or _certified_intake(pki) == [label]:
        return True
    if _stem(label) == _CVCA:
        return _is_one_of(pki, label, [pki.trust_point.public_key.key])
    if _stem(label) == SPOC_CA:
        return _is_one_of(pki, label, [pki.certificate(_SPOC_CERTIFICATE).public_key])
    return False


def _certified(operations: PkiOperations, stem: str) -> Collection[VerifyingKey | None]:
    """Return the keys of the certificates in use, and of requests that wait, of one kind."""
    pki = operations.pki
    if stem == _DOCUMENT_VERIFIER:
        return [document_verifier_key(operations).key]
    if stem in _LIST_SIGNERS and (pki.folder / f"{stem}.cer").is_file():
        return [pki.certificate(stem).public_key]
    foreign = _FOREIGN(stem)
    return keys_in_use(operations, foreign[1].upper()) if foreign else []


def _certified_intake(pki: IssuingPki) -> list[str]:
    return [each for each in pki.intake_labels() if (pki.folder / f"{each}.cer").is_file()]


def _is_one_of(pki: IssuingPki, label: str, keys: Collection[VerifyingKey | None]) -> bool:
    if not keys or label not in pki.custody.labels():
        return False
    return pki.signer(label).public_key in keys


def _stem(label: str) -> str:
    return label.rpartition("-")[0]
