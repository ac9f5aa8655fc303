"""A fixture of an empty trust store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from verify.trust.store import TrustStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TrustStore]:
    with TrustStore.open(tmp_path / "trust.db", create=True) as opened:
        yield opened
