"""The archive that the tests of this folder fill."""

from pathlib import Path

import pytest

from tests.verify.bulk.archives import Archive
from tests.verify.documents import CSCA


@pytest.fixture
def archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Archive:
    made = Archive(tmp_path, capsys)
    made.images.mkdir()
    (tmp_path / "csca.cer").write_bytes(CSCA.certificate().der)
    (tmp_path / "crl.crl").write_bytes(CSCA.crl())
    added = made.run("trust", "add", made.store, tmp_path / "csca.cer", tmp_path / "crl.crl")
    assert added.status == 0, added.error
    return made
