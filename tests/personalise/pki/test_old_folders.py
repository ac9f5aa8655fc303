"""A PKI's folder of the first release is used as it is; one of a newer release is refused."""

import json
import sqlite3
from pathlib import Path

import pytest

from personalise.pki.auditing import verify_audit
from personalise.pki.create import create_pki
from personalise.pki.folder import SETTINGS_NAME
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from personalise.pki.register import FILE_NAME
from personalise.pki.revoking import affected_documents
from personalise.pki.settings import settings_for
from support.records import FieldError
from tests.personalise.conftest import NOW, PASSPHRASE

_NEWER_SETTINGS = ("accepted_clock",)


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    """Return the folder of a PKI, as the first release left it, with one document."""
    pki = create_pki(tmp_path / "pki", settings_for("UTO", "Utopia"), PASSPHRASE, NOW)
    pki.register_document(pki.certificate("ds"), NOW, b"sod", "ZU0000001")
    path = pki.folder / SETTINGS_NAME
    settings = json.loads(path.read_bytes())
    for name in _NEWER_SETTINGS:
        del settings[name]
    path.write_text(json.dumps(settings))
    with sqlite3.connect(pki.folder / FILE_NAME) as register:
        register.execute("PRAGMA application_id = 0")
        register.execute("PRAGMA user_version = 0")
    register.close()
    return pki.folder


def test_a_folder_of_the_first_release_is_used_as_it_is(folder: Path) -> None:
    pki = IssuingPki.open(folder, PASSPHRASE)
    first = pki.certificate("ds")
    PkiOperations(pki, (), NOW).issue_document_signer()
    pki = pki.reread()
    pki.register_document(pki.document_signer().certificate, NOW, b"another", "ZU0000002")
    PkiOperations(pki, (), NOW).revoke(first)
    assert len(list(affected_documents(pki, first))) == 1
    assert verify_audit(folder).entries == 5


def test_settings_of_a_newer_release_are_refused_by_name(folder: Path) -> None:
    path = folder / SETTINGS_NAME
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "of_tomorrow": 1}))
    with pytest.raises(FieldError, match=r"pki\.json"):
        IssuingPki.open(folder, PASSPHRASE)
