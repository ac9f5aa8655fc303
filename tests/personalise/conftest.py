"""Fixtures of these tests: a home folder, and a PKI that is made once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emrtd.pki import private_key_file
from personalise.pki.create import create_pki
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.settings import settings_for
from support.secret import Secret

PASSPHRASE = Secret(b"a pass phrase for tests")
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's data folder, empty at first, with cheap encryption of keys."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        patch.delenv("CHIPSEAL_PASSPHRASE_FILE", raising=False)
        patch.setattr(private_key_file, "_COST", 2)
        yield folder / "chipseal"


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory, home: Path) -> IssuingPki:
    folder = tmp_path_factory.mktemp("pki") / "pki"
    return create_pki(folder, settings_for("UTO", "Utopia"), PASSPHRASE, NOW)
