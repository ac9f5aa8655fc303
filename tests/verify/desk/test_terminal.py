"""The certificates of the desk are renewed while it runs."""

import logging
from pathlib import Path

import pytest

from support.errors import MisuseError
from support.secret import Secret
from verify.desk import terminal
from verify.desk.terminal import DeskTerminal


class Loader:
    """Stands for `load_terminal`: returns what the folder's files say."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self, folder: Path, _passphrase: Secret) -> object:
        self.reads += 1
        certificate = folder / "is.cvcert"
        if not certificate.exists():
            raise MisuseError(f"{folder}: contains no certificate")
        return certificate.read_text()


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Loader:
    made = Loader()
    monkeypatch.setattr(terminal, "load_terminal", made)
    return made


def test_a_new_certificate_is_read_once(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "is.cvcert").write_text("old")
    desk = DeskTerminal(tmp_path, Secret(b""))
    assert [desk.current(), desk.current()] == ["old", "old"]
    assert loader.reads == 1
    (tmp_path / "is.cvcert").write_text("newer")
    assert [desk.current(), desk.current()] == ["newer", "newer"]
    assert loader.reads == 2


def test_half_of_the_new_files_leave_the_old_credentials(
    loader: Loader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "is.cvcert").write_text("old")
    desk = DeskTerminal(tmp_path, Secret(b""))
    (tmp_path / "is.cvcert").rename(tmp_path / "is.old")
    with caplog.at_level(logging.ERROR):
        assert desk.current() == "old"
    assert "not renewed" in caplog.text
    (tmp_path / "is.cvcert").write_text("new")
    assert desk.current() == "new"


def test_a_folder_without_certificates_is_refused_at_the_start(
    loader: Loader, tmp_path: Path
) -> None:
    with pytest.raises(MisuseError):
        DeskTerminal(tmp_path, Secret(b""))
