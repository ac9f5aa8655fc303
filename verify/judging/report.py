"""The report of a judgement: the verdict, the checks behind it, and the JSON object."""

from datetime import datetime
from enum import Enum, StrEnum, unique
from typing import Any

import msgspec

from emrtd.pki.findings import Check, Outcome, all_tolerated
from support.errors import ExitStatus
from support.values import Hidden, Value
from verify.judging.check_ids import CLONE_PROOFS, SIGNER_PROOFS
from verify.judging.quirks import sentence


@unique
class Verdict(StrEnum):
    """The result of an inspection: accept, refer to the second line, or reject."""

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
    """Whether a chip was read, and whether it opened.

    The report's `access` alone does not distinguish these: it is "none" for a chip that did not
    open and for one that opened without access control.
    """

    FILES = "files"
    """No chip was read, or the notes of its session are not sealed: an image of files."""
    CLOSED = "closed"
    """The chip did not open."""
    OPENED = "opened"
    """The chip opened, with or without access control."""


class DataGroupRow(msgspec.Struct, frozen=True):
    """A row of the table of data groups: size in octets (None if not read), result of the hash."""

    size: int | None
    hash: Outcome


class Trust(msgspec.Struct, frozen=True):
    """The CSCA, the Document Signer and the result of the revocation check, as text.

    `country` is the Document Signer's (two letters), whoever issued it; empty if it has none.
    """

    csca: str = ""
    ds: str = ""
    revocation: str = ""
    country: str = ""


class Report(Value, frozen=True):
    """The whole result of a judgement.

    `why` holds the reasons of a verdict other than accept; `in_the_way` the ids of the checks whose
    result is such a reason.  `rests_on` is what the verdict rests on besides the document, warnings
    first: ages of lists, the policy; empty if nobody asked for it.
    """

    verdict: Verdict
    why: tuple[str, ...]
    checks: tuple[Check, ...]
    at: datetime
    policy: str
    document: Hidden[dict[str, str]]
    permit: Hidden[dict[str, Any] | None]
    portrait: Hidden[bytes | None]
    data_groups: dict[str, DataGroupRow]
    access: str
    trust: Trust
    apdus: int
    octets: int
    seconds: float
    chip_status: ChipStatus = ChipStatus.FILES
    in_the_way: frozenset[str] = frozenset()
    rests_on: tuple[str, ...] = ()

    @property
    def tolerated(self) -> tuple[str, ...]:
        """The quirks of the document that were read past, each once, as sentences."""
        return tuple(map(sentence, all_tolerated(self.checks)))

    @property
    def is_proven_original(self) -> bool:
        """Whether the chip has proven that it is not a copy."""
        return not self._passed.isdisjoint(CLONE_PROOFS)

    def is_signed(self, data_group: str) -> bool:
        """Whether a data group ("DG2") has the hash in EF.SOD, and a known State signed EF.SOD."""
        return {f"dg.hash.{data_group}", *SIGNER_PROOFS} <= self._passed

    @property
    def _passed(self) -> set[str]:
        return {check.id for check in self.checks if check.outcome is Outcome.PASSED}

    def check(self, check_id: str) -> Check:
        """Return the check with this id; raise `KeyError` if the report has none."""
        for check in self.checks:
            if check.id == check_id:
                return check
        raise KeyError(check_id)

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for a JSON encoder."""
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
