"""No kind of forgery is accepted by our verifier, and the named check says so."""

from functools import cache

import pytest

from emrtd.iso7816.procedure import run
from emrtd.pki.findings import Outcome
from tests.certificates import NOW
from tests.verify.documents import usual
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from verify.judging.judgement import judge
from verify.judging.policy import load_policy
from verify.judging.report import Report, Verdict
from vsmartcard.forging.forgery import Forged, Forgery
from vsmartcard.forging.kinds import kinds
from vsmartcard.forging.victim import Victim

SEEDS = (1, 2)


@cache
def victim() -> Victim:
    return Victim(usual().files)


def judged(forged: Forged, evidence: Evidence) -> Report:
    return judge(evidence, usual().trust, load_policy("default"), forged.at)


def on_paper(forged: Forged) -> Evidence:
    return Evidence(files=forged.files, optical_mrz=forged.printed)


def at_the_chip(forged: Forged) -> Evidence:
    card = forged.card(lambda size: b"\x5a" * size)
    procedure = inspect(Credentials(mrz=forged.password), optical_mrz=forged.printed)
    return run(procedure, card.process, card.reset)


def objection(forgery: Forgery, report: Report) -> str | None:
    if report.verdict is Verdict.ACCEPT:
        return "accepted"
    outcomes = {check.id: check.outcome for check in report.checks}
    outcome = outcomes.get(forgery.check)
    if outcome is None or outcome is Outcome.PASSED:
        return f"{forgery.check} says {outcome}; {report.verdict.value}: {report.why}"
    return None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", kinds())
def test_no_forgery_is_accepted(name: str, seed: int) -> None:
    forgery = kinds()[name]
    forged = forgery.forge(victim(), NOW, seed)
    evidence = at_the_chip(forged) if forgery.on_chip else on_paper(forged)
    assert objection(forgery, judged(forged, evidence)) is None
