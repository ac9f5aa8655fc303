"""What a judgement says: outcomes, checks, the verdict, and the contract's JSON object."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import Any

from emrtd.pki.findings import Outcome, Shows
from support.errors import ExitStatus


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


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its stable id, its outcome, one sentence why, and the clause that asks for it.

    `shows` is set only on a failed check; `tolerated` names the quirks that were read past.
    No reason holds a person's data: it names the field, not its value.
    """

    id: str
    outcome: Outcome
    reason: str
    clause: str
    shows: Shows | None = None
    tolerated: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.shows is not None and self.outcome is not Outcome.FAILED:
            raise ValueError(f"{self.id}: only a failed check shows {self.shows.value}")

    @property
    def family(self) -> str:
        """The id under which a policy knows the check: dg.hash for dg.hash.DG1."""
        return "dg.hash" if self.id.startswith("dg.hash.") else self.id


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

    @property
    def tolerated(self) -> tuple[str, ...]:
        """Each quirk of the document that was read past, once."""
        return tuple(dict.fromkeys(quirk for check in self.checks for quirk in check.tolerated))

    def is_signed(self, data_group: str) -> bool:
        """Whether a data group ("DG2") is the one that EF.SOD hashes, signed by a known State."""
        passed = {check.id for check in self.checks if check.outcome is Outcome.PASSED}
        return {f"dg.hash.{data_group}", "sod.signature", "ds.chain"} <= passed

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
