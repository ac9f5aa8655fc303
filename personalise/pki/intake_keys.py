"""The intake's keys, for which applications are encrypted, and the key that signs receipts.

Several intake keys may be in use at once: one on a curve, one for senders that encrypt with RSA,
the next one while senders change to it.  Each has its certificate in the PKI's folder: intake.cer,
intake-2.cer, ...  A key ends with `personalise pki destroy-key`.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import PrivateKey
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.issuing import CountrySigningCa
from personalise.pki.folder import INTAKE, RECEIPT
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.keys.custody import FileCustody
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError

RECEIPT_CURVE: Final = "secp256r1"
"""The curve of the receipts' key: one that every sender's software knows."""

_SMALLEST_RSA: Final = 2048
_SMALLEST_CURVE: Final = 224
"""Bits of the smallest keys for which applications may be encrypted."""


@dataclass(frozen=True)
class PkiIntakeKey:
    """An intake key; it is read when it is needed, once."""

    label: str
    certificate: Certificate
    custody: FileCustody

    @cached_property
    def _key(self) -> PrivateKey:
        key = self.custody.private_key(self.label)
        if key.public_key != self.certificate.public_key:
            raise MisuseError(f"{self.label}.cer is not the certificate of the key {self.label!r}")
        return key

    def private_key(self) -> PrivateKey:
        """Return the private key."""
        return self._key


def intake_keys(pki: IssuingPki) -> list[PkiIntakeKey]:
    """Return the intake keys in use, the oldest first; `MisuseError` if there is none."""
    labels = pki.intake_labels()
    if not labels:
        raise MisuseError(
            f"{pki.folder}: has no intake key", advice="run `personalise pki issue-intake`"
        )
    return [PkiIntakeKey(label, pki.certificate(label), pki.local_keys) for label in labels]


def issue_intake(operations: PkiOperations, kind: str) -> tuple[str, Certificate]:
    """Make one more intake key; return its label and its certificate.

    `kind` is "RSA-3072" or the name of a curve.  Raises `MisuseError` for a kind that is too weak.
    The newest key, if it has no certificate because this was interrupted, is replaced: nothing can
    have been encrypted for it.
    """
    pki, at = operations.pki, operations.at
    curve = CURVES.get(kind)
    if curve is not None and curve.n.bit_length() < _SMALLEST_CURVE:
        raise MisuseError(f"{kind} is too small", advice="use brainpoolP256r1 or a larger curve")
    if kind.startswith("RSA-") and kind[4:].isdigit() and int(kind[4:]) < _SMALLEST_RSA:
        raise MisuseError(f"{kind} is too small", advice="use RSA-3072")
    labels = pki.intake_labels()
    unfinished = bool(labels) and not _has_certificate(pki, labels[-1])
    number = int(labels[-1].partition("-")[2] or 1) + (not unfinished) if labels else 1
    label = INTAKE if number == 1 else f"{INTAKE}-{number}"
    with operations.operation("intake.issue", {"label": label, "kind": kind}):
        csca = operations.issuing_csca()
        if unfinished:
            pki.local_keys.destroy(label)
        key = pki.local_keys.generate(label, kind)
        name = f"Intake of applications {number}"
        pki.publish(label, csca.issue_encryption(key, name, at))
    return label, pki.certificate(label)


def _has_certificate(pki: IssuingPki, label: str) -> bool:
    """Whether a certificate was ever issued for a key, although its file may be lost."""
    key = pki.local_keys.private_key(label).public_key
    return any(each.public_key == key for each in pki.issued())


def make_receipt_key(pki: IssuingPki, csca: CountrySigningCa, at: datetime) -> Certificate:
    """Make the key that signs receipts, and publish its certificate: receipt.cer."""
    key = pki.custody.generate(RECEIPT, RECEIPT_CURVE)
    certificate = csca.issue_signing(key, "Intake receipts", at)
    pki.publish(RECEIPT, certificate)
    return certificate


def issue_receipt_signer(operations: PkiOperations) -> Certificate:
    """Make the receipts' key of a PKI that has none: one that an older version made."""
    pki = operations.pki
    if RECEIPT in pki.custody.labels():
        raise MisuseError(f"{pki.folder}: already has a key that signs receipts")
    with operations.operation("receipt.issue", {"label": RECEIPT}):
        return make_receipt_key(pki, operations.issuing_csca(), operations.at)
