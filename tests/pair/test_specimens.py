"""A specimen of each installed profile on a virtual chip is read and accepted."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from emrtd.access.passwords import Password
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from emrtd.pki.findings import Outcome
from emrtd.pki.x509.crl import Crl
from emrtd.specimens import Specimen, make_specimen, specimen_profiles
from personalise.preparing.chip_profile import ChipProfile, shipped_profiles
from support.errors import MisuseError
from tests.plugins import installed
from tests.vsmartcard.cards import personalised
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.judgement import judge
from verify.judging.policy import load_policy
from verify.judging.report import Report, Verdict
from verify.trust.files import TrustFile
from verify.trust.importing import import_files
from verify.trust.store import TrustStore

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PROFILES = shipped_profiles()


@cache
def specimen(profile: str) -> Specimen:
    return make_specimen(profile, AT)


def inspected(made: Specimen, credentials: Credentials, folder: Path) -> Report:
    chip = personalised(made.files, made.keys)
    evidence = run(inspect(credentials, terminal=made.terminal), chip.process, chip.reset)
    assert dict(evidence.files) == made.files
    with TrustStore.open(folder / "trust", create=True) as store:
        contents = (made.state.csca_certificate, Crl.parse(made.state.crl))
        import_files(store, [TrustFile("state", b"", contents)], at=AT)
        return judge(evidence, store, load_policy("default"), AT)


def test_there_is_a_specimen_of_each_installed_profile() -> None:
    assert specimen_profiles() == PROFILES


@pytest.mark.parametrize("profile", PROFILES)
def test_a_specimen_is_read_completely_and_accepted(profile: str, tmp_path: Path) -> None:
    made = specimen(profile)
    password = Password.from_mrz_information(made.mrz.information)
    report = inspected(made, Credentials(mrz=password), tmp_path)
    assert report.verdict is Verdict.ACCEPT, report.why
    protected = ChipProfile.load(profile).terminal_authentication is not None
    assert protected == (FileID.DG3 in made.files)
    expected = Outcome.PASSED if protected else Outcome.NOT_PRESENT
    assert report.check("terminal.authentication").outcome is expected


@pytest.mark.parametrize("profile", ["permit", "permit-bac"])
def test_a_specimen_opens_with_its_can(profile: str, tmp_path: Path) -> None:
    can = specimen(profile).can
    assert can is not None
    assert len(can) == 6
    report = inspected(specimen(profile), Credentials(can=Password.can(can)), tmp_path)
    assert report.verdict is Verdict.ACCEPT, report.why


def test_the_same_seed_makes_the_same_document() -> None:
    again, other = make_specimen("passport", AT), make_specimen("passport", AT, "another seed")
    assert again.files == specimen("passport").files
    assert again.keys.encode() == specimen("passport").keys.encode()
    assert again.can is None  # as the profile says
    assert other.mrz != again.mrz
    assert other.state.csca_certificate != again.state.csca_certificate


def test_an_unknown_profile_is_refused_by_name() -> None:
    with pytest.raises(
        MisuseError, match=r"makes a specimen of 'visa'; choose from passport, permit"
    ):
        make_specimen("visa", AT)


def test_another_package_can_provide_specimens(tmp_path: Path) -> None:
    source = """
class Maker:
    def profiles(self):
        return ["visa"]

    def make(self, profile, at, seed):
        return profile, at, seed

plugin = Maker()
"""
    with installed(tmp_path, "chipseal.specimens", {"visas": source}):
        assert specimen_profiles() == sorted([*PROFILES, "visa"])
        assert make_specimen("visa", AT, "x") == ("visa", AT, "x")
