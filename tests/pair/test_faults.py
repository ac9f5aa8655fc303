"""Under every fault, inspection ends with a report or an error, and accepts only genuine files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from emrtd.access.passwords import Password
from emrtd.iso7816.procedure import run
from emrtd.pki.x509.crl import Crl
from emrtd.specimens import Specimen, make_specimen
from support.errors import ChipsealError
from tests.vsmartcard.cards import personalised
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.judgement import judge
from verify.judging.policy import load_policy
from verify.judging.report import Verdict
from verify.trust.files import TrustFile
from verify.trust.importing import import_files
from verify.trust.store import TrustStore
from vsmartcard.card.faults.kinds import FAULTS
from vsmartcard.card.faults.spec import read_faults
from vsmartcard.chip.state import ChipState

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def genuine() -> tuple[Specimen, ChipState]:
    specimen = make_specimen("passport", AT)
    return specimen, personalised(specimen.files, specimen.keys).state


@pytest.fixture(scope="module")
def store(genuine: tuple[Specimen, ChipState], tmp_path_factory: pytest.TempPathFactory):
    made = genuine[0].state
    path = tmp_path_factory.mktemp("faults") / "trust"
    with TrustStore.open(path, create=True) as opened:
        contents = (made.csca_certificate, Crl.parse(made.crl))
        import_files(opened, [TrustFile("state", b"", contents)], at=AT)
        yield opened


def specs() -> list[str]:
    found = []
    for name, kind in FAULTS.items():
        found += [f"{name}:{when}" for when in ("4", "12", "0.1")] if kind.counts else [name]
    return found


@pytest.mark.parametrize("spec", specs())
def test_a_fault_is_never_the_reason_to_accept(
    spec: str, genuine: tuple[Specimen, ChipState], store: TrustStore, tmp_path: Path
) -> None:
    specimen, state = genuine
    card = read_faults([spec], sleep=lambda _: None).card(state)
    password = Password.from_mrz_information(specimen.mrz.information)
    try:
        procedure = inspect(Credentials(mrz=password), terminal=specimen.terminal)
        evidence = run(procedure, card.process, card.reset)
    except ChipsealError:
        return
    read = dict(evidence.files)
    assert all(specimen.files[file] == octets for file, octets in read.items()) or (
        judge(evidence, store, load_policy("default"), AT).verdict is not Verdict.ACCEPT
    )
