"""Run a case against our own verifier, in this process and without a reader."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.reader.case import Expected, Presented, Trial, Workshop
from conformance.reader.trusted import trust_of
from emrtd.iso7816.procedure import Random, run
from emrtd.pki.findings import Outcome
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from verify.judging.judgement import judge
from verify.judging.policy import Policy, load_policy
from verify.judging.report import ChipStatus, Report, Verdict
from verify.session.judging import decode_document

POLICY: Final = Path(__file__).parent / "tr03105.toml"
"""The policy under which our verifier is tested: part 5.1 tolerates no quirk."""

_PASSED: Final = {Outcome.PASSED, Outcome.NOT_PRESENT}


@dataclass(frozen=True)
class Inspected:
    """The result of an inspection: the evidence, and the report on it."""

    evidence: Evidence
    report: Report

    @property
    def accepted(self) -> bool:
        """Whether the document was accepted."""
        return self.report.verdict is Verdict.ACCEPT

    @property
    def opened(self) -> bool:
        """Whether the chip opened; if not, nothing could be checked."""
        return self.report.chip_status is ChipStatus.OPENED

    def names(self, check_id: str) -> bool:
        """Whether a check of the report has not passed; "dg.hash" names that of any data group."""
        return any(
            each.id.startswith(check_id) and each.outcome not in _PASSED
            for each in self.report.checks
        )


def inspected(
    presented: Presented,
    at: Workshop,
    policy: Policy | None = None,
    *,
    random: Random = secrets.token_bytes,
) -> Inspected:
    """Read the card as `verify card` does, and judge what was read."""
    policy = policy or load_policy(str(POLICY))
    document = presented.document
    card = presented.card(random)
    procedure = inspect(
        Credentials(mrz=document.password),
        basic_access_control=policy.basic_access_control,
        optical_mrz=document.page,
        terminal=presented.terminal,
        life_cycle_status=policy.life_cycle_status,
    )
    evidence = run(procedure, card.process, card.reset)
    decoded = decode_document(evidence)
    with trust_of(presented) as trust:
        report = judge(
            evidence, trust, policy, presented.at or at.at, decoded.looks, decoded=decoded.contents
        )
    return Inspected(evidence, report)


class OurVerifier:
    """Our verifier as what is tested."""

    def __init__(self, workshop: Workshop, policy: Policy | None = None) -> None:
        self._workshop = workshop
        self._policy = policy or load_policy(str(POLICY))

    def require(self, presented: Presented) -> None:
        """Every card can be presented to it."""

    def objection(self, trial: Trial, presented: Presented) -> str:
        """Return what it made wrong of a card, "" if nothing."""
        return _objection(trial, presented, inspected(presented, self._workshop, self._policy))


def _objection(trial: Trial, presented: Presented, found: Inspected) -> str:
    if trial.expected is Expected.REFUSED:
        if found.accepted:
            return "accepted, and must not be"
        named = not found.opened or any(map(found.names, trial.checks))
        if trial.checks and not named:
            return f"refused, but not by {' or '.join(trial.checks)}: {'; '.join(found.report.why)}"
        return "" if found.report.why else "refused without a reason"
    if trial.expected is Expected.ACCEPTED:
        if not found.accepted:
            return f"not accepted: {'; '.join(found.report.why)}"
        missing = presented.readable - found.evidence.files.keys()
        if missing:
            return f"accepted, but {', '.join(sorted(missing))} was not read"
    return ""
