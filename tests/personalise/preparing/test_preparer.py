"""One preparer makes many documents, and notices what changes between them."""

import hashlib
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from emrtd.pki import private_key_file
from personalise.pki.clock import ClockBehindError
from personalise.pki.create import create_pki
from personalise.pki.issuer import PkiIssuer
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from personalise.pki.register import Register
from personalise.pki.settings import settings_for
from personalise.preparing import chip_profile
from personalise.preparing.preparer import Preparer
from support.errors import MisuseError
from support.records import FieldError
from tests.personalise import applications
from tests.personalise.conftest import NOW, PASSPHRASE


@pytest.fixture
def fresh(tmp_path: Path, home: Path) -> IssuingPki:
    return create_pki(tmp_path / "pki", settings_for("UTO", "Utopia"), PASSPHRASE, NOW)


def registered(pki: IssuingPki, *images: LdsImage) -> bool:
    """Whether the register holds these documents of the Document Signer in use, and no other."""
    signer = pki.reread().document_signer().certificate.fingerprint
    with closing(Register(pki.folder)) as register:
        entered = {each.sod for each in register.signed_by(signer, pki.unseal)}
    return entered == {hashlib.sha256(each.files[FileID.SOD]).digest() for each in images}


def test_the_key_is_unlocked_once_and_a_profile_is_read_once(
    fresh: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked, read = [], []
    derive, load = private_key_file._derive, chip_profile.ChipProfile.load
    monkeypatch.setattr(
        private_key_file, "_derive", lambda *each: unlocked.append(1) or derive(*each)
    )
    monkeypatch.setattr(
        chip_profile.ChipProfile, "load", lambda name: read.append(name) or load(name)
    )
    with Preparer(PkiIssuer(fresh)) as preparer:
        images = [preparer.prepare(applications.application(), "permit", NOW) for _ in range(3)]
    assert len(unlocked) == 1
    assert read == ["permit"]
    assert len({each.files[FileID.SOD] for each in images}) == 3
    assert registered(fresh, *images)


def test_a_wrong_application_spoils_no_other(fresh: IssuingPki) -> None:
    wrong = applications.changed("document.issuing_state", "D")
    with Preparer(PkiIssuer(fresh)) as preparer:
        first = preparer.prepare(applications.application(), "permit", NOW)
        with pytest.raises(FieldError):
            preparer.prepare(applications.application(wrong), "permit", NOW)
        second = preparer.prepare(applications.application(), "permit", NOW)
    assert registered(fresh, first, second)


def test_a_new_document_signer_is_used_from_the_next_document_on(fresh: IssuingPki) -> None:
    with Preparer(PkiIssuer(fresh)) as preparer:
        preparer.prepare(applications.application(), "permit", NOW)
        PkiOperations(fresh, (), NOW).issue_document_signer()
        image = preparer.prepare(applications.application(), "permit", NOW)
    assert registered(fresh, image)


def test_a_revoked_document_signer_makes_no_more_documents(fresh: IssuingPki) -> None:
    with Preparer(PkiIssuer(fresh)) as preparer:
        preparer.prepare(applications.application(), "permit", NOW)
        PkiOperations(fresh, (), NOW).revoke(fresh.document_signer().certificate)
        with pytest.raises(MisuseError, match="revoked"):
            preparer.prepare(applications.application(), "permit", NOW)


def test_a_clock_that_jumps_back_stops_the_batch(fresh: IssuingPki) -> None:
    with Preparer(PkiIssuer(fresh)) as preparer:
        preparer.prepare(applications.application(), "permit", NOW + timedelta(hours=1))
        with pytest.raises(ClockBehindError):
            preparer.prepare(applications.application(), "permit", NOW)


def test_an_accepted_quality_is_entered_before_the_document(fresh: IssuingPki) -> None:
    entered: list[bool] = []
    with Preparer(PkiIssuer(fresh)) as preparer:
        image = preparer.prepare(
            applications.application(),
            "permit",
            NOW,
            accept_quality=lambda sod: entered.append(bool(sod) and registered(fresh)),
        )
    assert entered == [True]
    assert registered(fresh, image)
