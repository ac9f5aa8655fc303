"""A PKI whose clock is behind what it has signed issues nothing, and says why."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from personalise.intake.preparation import prepare_image
from personalise.pki.auditing import verify_audit
from personalise.pki.clock import ClockBehindError, require_clock
from personalise.pki.create import create_pki
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from personalise.pki.settings import settings_for
from personalise.preparing.chip_profile import ChipProfile
from support.errors import MisuseError
from tests.personalise.conftest import NOW, PASSPHRASE

MINUTE = timedelta(minutes=1)
YEAR = timedelta(days=365)


@pytest.fixture
def fresh(tmp_path: Path, home: Path) -> IssuingPki:
    return create_pki(tmp_path / "pki", settings_for("UTO", "Utopia"), PASSPHRASE, NOW)


def test_an_operation_is_refused_before_the_last_entry_of_the_log(fresh: IssuingPki) -> None:
    with pytest.raises(ClockBehindError, match="the last entry of the audit log") as error:
        PkiOperations(fresh, (), NOW - 6 * MINUTE).issue_crl()
    assert f"{NOW - 6 * MINUTE:%Y-%m-%d %H:%M} UTC" in str(error.value)
    assert verify_audit(fresh.folder).entries == 1, "it is refused before it begins"
    PkiOperations(fresh, (), NOW - 4 * MINUTE).issue_crl()


def test_preparing_is_refused_before_the_last_document(fresh: IssuingPki, tmp_path: Path) -> None:
    fresh.register_document(fresh.certificate("ds"), NOW + 60 * MINUTE, b"sod", "ZU0000001")
    profile = ChipProfile.load("permit")
    with pytest.raises(ClockBehindError, match="the last document in the register"):
        prepare_image(tmp_path / "not looked at", profile, fresh, NOW)
    require_clock(fresh.folder, NOW + 56 * MINUTE)


@pytest.mark.parametrize("name", ["crl.crl", "csca.cer", "ds.cer"])
def test_a_copy_of_the_folder_is_held_to_what_it_has(
    fresh: IssuingPki, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    require_clock(copy, NOW - YEAR)
    shutil.copy(fresh.folder / name, copy)
    with pytest.raises(ClockBehindError, match=name):
        require_clock(copy, NOW - 6 * MINUTE)
    require_clock(copy, NOW)
    assert [each.name for each in copy.iterdir()] == [name], "nothing is created in it"


def test_a_clock_that_was_ahead_is_accepted_once(fresh: IssuingPki) -> None:
    PkiOperations(fresh, (), NOW + YEAR / 12).issue_crl()
    fresh.register_document(fresh.certificate("ds"), NOW + YEAR / 12, b"sod", "ZU0000001")
    pki = fresh.reread()
    with pytest.raises(ClockBehindError, match="accept-clock"):
        PkiOperations(pki, (), NOW + MINUTE).issue_crl()
    with pytest.raises(MisuseError, match="reason"):
        PkiOperations(pki, (), NOW + MINUTE).accept_clock(" ")
    PkiOperations(pki, (), NOW + MINUTE).accept_clock("the clock was a month ahead")
    with pytest.raises(MisuseError, match="the clock is not behind"):
        PkiOperations(pki.reread(), (), NOW + 2 * MINUTE).accept_clock("once more")
    pki = pki.reread()
    PkiOperations(pki, (), NOW + 2 * MINUTE).issue_document_signer()
    with pytest.raises(ClockBehindError, match="audit log"):
        PkiOperations(pki.reread(), (), NOW - 10 * MINUTE).issue_crl()
    verify_audit(pki.folder)
