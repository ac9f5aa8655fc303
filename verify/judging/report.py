"""What a judgement says: the verdict, the checks it rests on, and the contract's JSON object."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum, unique
from typing import Any

from emrtd.pki.findings import Check, Outcome, all_tolerated
from support.errors import ExitStatus
from verify.judging.check_ids import CLONE_PROOFS, SIGNER_PROOFS
from verify.judging.quirks import sentence


@unique
class Verdict(StrEnum):
    """Accept, refer to the second line, or reject."""

    ACCEPT = "accept"
    REFER = "refer"
    REJECT = "reject"

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status of `verify card` and `verify image`."""
        return {
            Verdict.ACCEPT: ExitStatus.OK,
            Verdict.REJECT: ExitStatus.REJECTED,
            Verdict.REFER: ExitStatus.REFERRED,
        }[self]


@unique
class ChipStatus(Enum):
    """What there was to open: the contract's `access` is "none" for two of these."""

    FILES = "files"
    """An image of files: no chip was asked, or nobody vouches for what it is to have said."""
    CLOSED = "closed"
    """A chip that did not open."""
    OPENED = "opened"
    """A chip that opened, be it without access control."""


@dataclass(frozen=True, slots=True)
class DataGroupRow:
    """One line of the table of data groups: size in octets, None where it was not read."""

    size: int | None
    hash: Outcome


@dataclass(frozen=True, slots=True)
class Trust:
    """What the judgement rests on, in words: the CSCA, the Document Signer, and revocation."""

    csca: str = ""
    ds: str = ""
    revocation: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a judgement says; `why` are the reasons for a verdict other than accept."""

    verdict: Verdict
    why: tuple[str, ...]
    checks: tuple[Check, ...]
    at: datetime
    policy: str
    document: dict[str, str] = field(repr=False)
    permit: dict[str, Any] | None = field(repr=False)
    portrait: bytes | None = field(repr=False)
    data_groups: dict[str, DataGroupRow]
    access: str
    trust: Trust
    apdus: int
    octets: int
    seconds: float
    chip_status: ChipStatus = ChipStatus.FILES

    @property
    def tolerated(self) -> tuple[str, ...]:
        """Each quirk of the document that was read past, once, as a sentence."""
        return tuple(map(sentence, all_tolerated(self.checks)))

    @property
    def is_proven_original(self) -> bool:
        """Whether the chip has proven that it is no copy."""
        return not self._passed.isdisjoint(CLONE_PROOFS)

    def is_signed(self, data_group: str) -> bool:
        """Whether a data group ("DG2") is the one that EF.SOD hashes, signed by a known State."""
        return {f"dg.hash.{data_group}", *SIGNER_PROOFS} <= self._passed

    @property
    def _passed(self) -> set[str]:
        return {check.id for check in self.checks if check.outcome is Outcome.PASSED}

    def check(self, check_id: str) -> Check:
        """The check with this id; `KeyError` for an id that is not in the report."""
        for check in self.checks:
            if check.id == check_id:
                return check
        raise KeyError(check_id)

    def as_json(self) -> dict[str, Any]:
        """The contract's object, ready for a JSON encoder."""
        return {
            "verdict": self.verdict.value,
            "checks": [
                {
                    "id": check.id,
                    "outcome": check.outcome.value,
                    "reason": check.reason,
                    "clause": check.clause,
                }
                for check in self.checks
            ],
            "document": self.document,
            "permit": self.permit,
            "data_groups": {
                name: {"size": row.size, "hash": row.hash.value}
                for name, row in self.data_groups.items()
            },
            "access": self.access,
            "trust": {
                "csca": self.trust.csca,
                "ds": self.trust.ds,
                "revocation": self.trust.revocation,
            },
            "tolerated": list(self.tolerated),
            "apdus": self.apdus,
            "bytes": self.octets,
            "seconds": round(self.seconds, 3),
        }
