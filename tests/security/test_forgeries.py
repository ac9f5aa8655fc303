"""No kind of forgery is accepted by our verifier, and the named check says so."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from hashlib import sha256
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
from tests.forgeries import PAGE, page
from tests.verify.documents import CSCA, usual
from tests.verify.trust.stores import add
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.check_ids import CHECK_IDS
from verify.judging.evidence import Evidence
from verify.judging.judgement import judge
from verify.judging.policy import ChipAuthenticity, Policy, load_policy
from verify.judging.report import Report, Verdict
from verify.trust.store import TrustStore
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Forgery
from vsmartcard.forging.kinds import kinds
from vsmartcard.forging.kinds.access import mapped
from vsmartcard.forging.making import draft, own_authority, trusted_state
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


@pytest.mark.parametrize("name", [name for name, each in kinds().items() if not each.on_chip])
def test_no_forged_files_are_accepted_on_the_forgers_chip(name: str, tmp_path: Path) -> None:
    """It does not read each file: another check than the named one may notice."""
    forged = kinds()[name].forge(victim(), NOW, SEEDS[0])
    report = judged(forged, at_the_chip(forged), tmp_path)
    assert report.verdict is not Verdict.ACCEPT


def test_there_are_enough_kinds_in_every_family() -> None:
    found = Counter(each.family for each in kinds().values())
    assert set(found) == set(Family)
    assert sum(found.values()) >= 150


def test_a_kind_says_what_it_is() -> None:
    for name, forgery in kinds().items():
        assert forgery.name == name
        assert forgery.gain[0].islower(), name
        assert "|" not in forgery.gain, name
        hash_of_group = forgery.check.startswith("dg.hash.DG")
        assert hash_of_group or forgery.check in CHECK_IDS, name


def test_a_kind_is_no_genuine_document_and_comes_again_from_its_seed() -> None:
    for name, forgery in kinds().items():
        forged, again = (forgery.forge(victim(), NOW, 1) for _ in range(2))
        assert replace(again, build=forged.build) == forged, name
        assert (
            forged.files != victim().files
            or forged.printed != usual().how.mrz.text
            or forged.notes is not None
            or forgery.on_chip
        ), name


def test_no_two_kinds_are_the_same() -> None:
    """Two kinds with the same files differ in the chip, or in what is brought in."""
    seen: dict[bytes, list[str]] = {}
    for name, forgery in kinds().items():
        forged = forgery.forge(victim(), NOW, 1)
        if not forgery.on_chip:
            parts = [*forged.files.values(), forged.printed.encode(), forged.notes or b""]
            parts += [*forged.trusted, b"poison", *forged.poison]
            digest = sha256(b"".join(parts) + str(forged.at).encode()).digest()
            seen.setdefault(digest, []).append(name)
    assert [each for each in seen.values() if len(each) > 1] == []


# --- genuine documents ---------------------------------------------------------------------------


def own(forger: Forger) -> Forged:
    """Return a document of the forger's own State as it issues them, without a flaw."""
    authority = own_authority(forger)
    return draft(forger).signed(authority.signer(), trusted=trusted_state(authority))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("bring", [on_paper, at_the_chip])
def test_a_document_of_the_forgers_own_state_is_accepted(
    bring: Callable[[Forged], Evidence], seed: int, tmp_path: Path
) -> None:
    """So it is the flaw that is found, and not the State."""
    genuine = Forgery("control", Family.SECURITY_OBJECT, "nothing", "sod.signature", own)
    forged = genuine.forge(victim(), NOW, seed)
    report = judged(forged, bring(forged), tmp_path)
    assert report.verdict is Verdict.ACCEPT, report.why


def test_documents_with_chip_authentication_mapping_alone_are_accepted(tmp_path: Path) -> None:
    forger = Forger(victim(), random.Random(1), NOW)  # noqa: S311 - the same each time
    authority = own_authority(forger)
    for genuine in mapped(forger, authority, authority.signer()):
        report = judged(genuine, at_the_chip(genuine), tmp_path)
        assert report.check("pace.cam").outcome is not Outcome.FAILED


def test_the_victim_is_accepted(tmp_path: Path) -> None:
    genuine = Forged(victim().files, usual().keys, usual().how.mrz.text, NOW)
    for bring in (on_paper, at_the_chip):
        report = judged(genuine, bring(genuine), tmp_path)
        assert report.verdict is Verdict.ACCEPT, report.why


def test_the_victims_chip_stays_in_place_where_only_the_print_is_forged(tmp_path: Path) -> None:
    forgery = kinds()["mrz.printed-name"]
    forged = forgery.forge(Victim(usual().files, usual().keys), NOW, 1)
    report = judged(forged, at_the_chip(forged), tmp_path)
    failed = [check.id for check in report.checks if check.outcome is Outcome.FAILED]
    assert failed == ["mrz.matches-optical"]


def test_the_page_has_every_kind() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.forgeries"
