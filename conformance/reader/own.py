"""Run a case against our own verifier, in this process and without a reader."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.reader.case import Expected, Presented, Trial, Workshop
from conformance.reader.trusted import trust_of
from emrtd.iso7816.procedure import run
from emrtd.pki.findings import Outcome
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from verify.judging.judgement import judge
from verify.judging.policy import Policy, load_policy
from verify.judging.report import ChipStatus, Report, Verdict
from verify.session.judging import DecodedDocument, decode_document

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


@dataclass(frozen=True)
class Reading:
    """What was read of a card, decoded."""

    document: DecodedDocument
    presented: Presented


class OurVerifier:
    """Our verifier as what is tested: it reads a card as `verify card` does, and judges it."""

    def __init__(self, workshop: Workshop, policy: Policy | None = None) -> None:
        self._workshop = workshop
        self._policy = policy or load_policy(str(POLICY))

    def require(self, presented: Presented) -> None:
        """Every card can be presented to it."""

    def objection(self, trial: Trial, presented: Presented) -> str:
        """Return what it made wrong of a card, "" if nothing."""
        return self.objection_to(trial, self.read(presented))

    def objection_to(self, trial: Trial, reading: Reading) -> str:
        """Return what it made wrong of what it has read of a card."""
        return _objection(trial, reading.presented, self.judge(reading))

    def read(self, presented: Presented) -> Reading:
        """Read a card."""
        policy = self._policy
        card = presented.card(secrets.token_bytes)
        procedure = inspect(
            Credentials(mrz=presented.document.password),
            basic_access_control=policy.basic_access_control,
            optical_mrz=presented.document.page,
            terminal=presented.terminal,
            life_cycle_status=policy.life_cycle_status,
        )
        evidence = run(procedure, card.process, card.reset)
        return Reading(decode_document(evidence), presented)

    def judge(self, reading: Reading) -> Inspected:
        """Judge what was read."""
        document, presented = reading.document, reading.presented
        at = presented.at or self._workshop.at
        with trust_of(presented) as trust:
            report = judge(
                document.evidence, trust, self._policy, at, document.looks,
                decoded=document.contents,
            )  # fmt: skip
        return Inspected(document.evidence, report)


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
