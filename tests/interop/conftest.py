"""Interoperability tests: our cards in real PC/SC readers, read by other software."""

import pytest

from tests.interop.jmrtd_project import class_path
from tests.issuing import Issuer
from tests.readers import claims, insert, reader, virtual_readers

__all__ = ["claims", "class_path", "insert", "reader", "virtual_readers"]


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """The State of Utopia, which issues any kind of card."""
    return Issuer.established(tmp_path_factory.mktemp("utopia"), "UTO")
