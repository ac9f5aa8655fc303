"""Two States, made once and copied for each test."""

from pathlib import Path

import pytest

from tests.personalise.spoc.states import State


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, home: Path) -> tuple[State, State]:
    folder = tmp_path_factory.mktemp("states")
    utopia, austria = (State.established(folder / code, code) for code in ("UTO", "AUT"))
    utopia.register(austria)
    austria.register(utopia)
    return utopia, austria


@pytest.fixture
def utopia(templates: tuple[State, State], tmp_path: Path) -> State:
    """The State whose Document Verifier asks."""
    return templates[0].copied(tmp_path / "utopia")


@pytest.fixture
def austria(templates: tuple[State, State], tmp_path: Path) -> State:
    """The State whose CVCA is asked."""
    return templates[1].copied(tmp_path / "austria")
