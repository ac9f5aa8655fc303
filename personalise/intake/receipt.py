"""The receipt of an intake: what was taken, held and refused, and why, without a person's data.

An application is named by its place among the applications of its package or folder.  Its own name
is given only if it can be nothing but a running number: whoever chose it may have taken a name or
a document number.
"""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from emrtd.crypto.hashes import Hash
from emrtd.pki.cms.signed_data import ID_DATA
from emrtd.pki.cms.signed_data_writer import build_signed_data
from personalise.intake.refusals import RefusedPackageError
from personalise.intake.senders import Sender
from personalise.intake.validation import Outcome, Verdict
from personalise.pki.folder import RECEIPT
from personalise.pki.issuing_pki import IssuingPki
from support.errors import MisuseError
from support.files import write_atomically

NOT_AUTHENTICATED: Final = "sender not authenticated"
_VERSION: Final = 1
_HASH: Final = Hash.SHA256

_RUNNING_NUMBER: Final = re.compile(
    r"(?:(?:app|application|batch|case|file|intake|package|part|permit|request)[-_ ]?)?[0-9]{1,5}"
    r"(?:\.(?:cms|der|eml|p7|p7m|pem|tar|tgz|gz|zip))*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ReceivedApplication:
    """One application: its place from 1, its name, what became of it, and its job in the ledger."""

    position: int
    name: str = field(repr=False)
    verdict: Verdict
    job: str | None = None


@dataclass(frozen=True, slots=True)
class ReceivedPackage:
    """One package or folder.  `sha256` is of the package's file, None for a folder.

    `refusal` is why it was refused whole; then it has no applications.
    """

    name: str = field(repr=False)
    sha256: bytes | None
    sender: Sender
    applications: Sequence[ReceivedApplication] = ()
    refusal: RefusedPackageError | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is one package, and not a batch of applications in folders."""
        return self.sha256 is not None or self.refusal is not None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one run of the intake received, at one time, for the issuing State `state`."""

    state: str
    at: datetime
    packages: Sequence[ReceivedPackage]

    def count(self, outcome: Outcome) -> int:
        """Return how many applications had this outcome."""
        return sum(count(package, outcome) for package in self.packages)

    @property
    def refused_packages(self) -> int:
        """How many packages were refused whole."""
        return sum(package.refusal is not None for package in self.packages)

    def record(self) -> dict[str, object]:
        """Return the content of the receipt, as JSON has it."""
        return {
            "version": _VERSION,
            "issuing_state": self.state,
            "at": _time(self.at),
            **{str(outcome): self.count(outcome) for outcome in Outcome},
            "refused_packages": self.refused_packages,
            "packages": [_package(each) for each in self.packages],
        }

    def encode(self) -> bytes:
        """Return the content as JSON in UTF-8."""
        return json.dumps(self.record(), ensure_ascii=False, indent=1).encode()


def sign_receipt(receipt: Receipt, pki: IssuingPki) -> bytes:
    """Return the receipt as CMS SignedData (DER), signed with the PKI's key for receipts."""
    return build_signed_data(
        ID_DATA, receipt.encode(), pki.signer(RECEIPT), pki.certificate(RECEIPT), _HASH, receipt.at
    )


def write_receipts(path: Path, receipt: Receipt, pki: IssuingPki) -> None:
    """Write the signed receipt to a file, or to an existing folder one for each package.

    No file is replaced: a receipt for FILE goes to FILE.receipt if FILE exists.
    In a folder, 0001.p7m has the receipt 0001.p7m.receipt, the next of that name
    0001.p7m.2.receipt: each sender receives what became of its own package only.
    """
    if not path.is_dir():
        # Another intake may have written its receipt there since `require_new`.
        target = _free(path.parent, path.name) if path.is_file() else path
        write_atomically(target, sign_receipt(receipt, pki))
        return
    of_name: dict[str, list[ReceivedPackage]] = {}
    for number, package in enumerate(receipt.packages):
        key = f"{number} {package.name}" if package.is_file else package.name
        of_name.setdefault(key, []).append(package)
    for packages in of_name.values():
        one = Receipt(receipt.state, receipt.at, packages)
        write_atomically(_free(path, packages[0].name), sign_receipt(one, pki))


def _free(folder: Path, name: str) -> Path:
    names = (f"{name}.{number}.receipt" for number in itertools.count(2))
    paths = (folder / each for each in itertools.chain((f"{name}.receipt",), names))
    return next(each for each in paths if not each.exists())


def require_receipt_signer(pki: IssuingPki) -> None:
    """Raise `MisuseError` if the PKI has no key that signs receipts."""
    if not (pki.folder / f"{RECEIPT}.cer").is_file():
        raise MisuseError(
            f"{pki.folder}: has no key that signs receipts",
            advice="run `personalise pki issue-receipt-signer`",
        )
    pki.custody.signer(RECEIPT)


def reference(name: str) -> str | None:
    """Return the name of a package or an application if it is a running number, else None."""
    return name if _RUNNING_NUMBER.fullmatch(name) else None


def count(package: ReceivedPackage, outcome: Outcome) -> int:
    """Return how many applications of a package had this outcome."""
    return sum(each.verdict.outcome is outcome for each in package.applications)


def _package(package: ReceivedPackage) -> dict[str, object]:
    refusal = package.refusal
    return {
        "package": reference(package.name),
        "sha256": None if package.sha256 is None else package.sha256.hex(),
        "sender": _sender(package.sender),
        "outcome": "refused" if refusal is not None else "read",
        "code": None if refusal is None else str(refusal.refusal),
        "reason": None if refusal is None else refusal.message,
        "advice": None if refusal is None else refusal.advice or None,
        **{str(outcome): count(package, outcome) for outcome in Outcome},
        "applications": [
            {
                "position": each.position,
                "reference": reference(each.name),
                "outcome": str(each.verdict.outcome),
                "application": each.job,
                "field": each.verdict.field or None,
                "reason": each.verdict.reason or None,
                "advice": each.verdict.advice or None,
            }
            for each in package.applications
        ],
    }


def _sender(sender: Sender) -> dict[str, object]:
    certificate = sender.certificate if sender.is_authenticated else None
    return {
        "status": "authenticated" if sender.is_authenticated else NOT_AUTHENTICATED,
        "subject": None if certificate is None else str(certificate.subject),
        "serial": None if certificate is None else f"{certificate.serial:X}",
        "certificate_sha256": None if certificate is None else certificate.fingerprint.hex(),
        "signed": None if sender.signed is None else _time(sender.signed),
    }


def _time(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
