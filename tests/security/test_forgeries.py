"""No kind of forgery is accepted by our verifier, and the named check says so."""

import random
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec
import pytest

from emrtd.iso7816.procedure import run
from emrtd.lds.image import LdsImage
from emrtd.pki.findings import Outcome
from emrtd.pki.trust import TrustSet, TrustView
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from support.errors import ChipsealError
from support.secret import Secret
from tests.certificates import NOW
from tests.verify.documents import CSCA, usual
from tests.verify.trust.stores import add
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from verify.judging.judgement import judge
from verify.judging.policy import ChipAuthenticity, Policy, load_policy
from verify.judging.report import Report, Verdict
from verify.trust.store import TrustStore
from vsmartcard.forging.forgery import Forged, Forgery
from vsmartcard.forging.kinds import kinds
from vsmartcard.forging.victim import Victim

SEEDS = (1, 2)
SEAL = Secret(b"the key of this station")


@cache
def victim() -> Victim:
    return Victim(usual().files)


def trust_of(forged: Forged, folder: Path) -> TrustView:
    """Return the trust store of an inspector who was given what the forger brings."""
    genuine = (CSCA.certificate().der, CSCA.crl(), *forged.trusted)
    if not forged.poison:
        certificates, crls = [], []
        for octets in genuine:
            if is_certificate(octets):
                certificates.append(Certificate.parse(octets))
            else:
                crls.append(Crl.parse(octets))
        return TrustSet(certificates, crls)
    store = TrustStore.open(folder / "store", create=True)
    add(store, *genuine)
    for octets in forged.poison:
        with suppress(ChipsealError):  # the import is refused as a whole
            add(store, octets)
    return store


def is_certificate(octets: bytes) -> bool:
    try:
        Certificate.parse(octets)
    except ChipsealError:
        return False
    return True


def policy_for(forged: Forged) -> Policy:
    """Return the default policy; for an image with notes, one that requires what they claim."""
    default = load_policy("default")
    if forged.notes is None:
        return default
    return msgspec.structs.replace(
        default,
        mandatory=(*default.mandatory, "mrz.matches-optical"),
        chip_authenticity=ChipAuthenticity.REQUIRED,
    )


def judged(forged: Forged, evidence: Evidence, folder: Path) -> Report:
    trust = trust_of(forged, folder)
    try:
        return judge(evidence, trust, policy_for(forged), forged.at)
    finally:
        if isinstance(trust, TrustStore):
            trust.close()


def on_paper(forged: Forged) -> Evidence:
    if forged.notes is not None:
        return Evidence.from_image(LdsImage(dict(forged.files), evidence=forged.notes), key=SEAL)
    return Evidence(files=forged.files, optical_mrz=forged.printed)


def at_the_chip(forged: Forged) -> Evidence:
    card = forged.card(random.Random(forged.printed).randbytes)  # noqa: S311 - the same each time
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
def test_no_forgery_is_accepted(name: str, seed: int, tmp_path: Path) -> None:
    forgery = kinds()[name]
    forged = forgery.forge(victim(), NOW, seed)
    evidence = at_the_chip(forged) if forgery.on_chip else on_paper(forged)
    assert objection(forgery, judged(forged, evidence, tmp_path)) is None
