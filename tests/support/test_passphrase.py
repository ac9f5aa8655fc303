from pathlib import Path

import pytest

from support.errors import MisuseError
from support.passphrase import ENVIRONMENT_VARIABLE, read_passphrase
from support.secret import Secret


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    return tmp_path / "chipseal"


def test_the_named_file_precedes_the_environment_and_the_users_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, environment = tmp_path / "named", tmp_path / "environment"
    named.write_bytes(b"one\r\nmore")
    environment.write_bytes(b"two")
    own = read_passphrase()
    assert len(own) == 43
    assert read_passphrase() == own
    assert (home / "passphrase").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["passphrase"]
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(environment))
    assert read_passphrase() == Secret(b"two")
    assert read_passphrase(named) == Secret(b"one")


def test_an_empty_pass_phrase_or_one_that_others_may_read_is_refused(
    home: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"\nsecond line")
    with pytest.raises(MisuseError, match="first line is empty"):
        read_passphrase(empty)
    with pytest.raises(FileNotFoundError):
        read_passphrase(tmp_path / "absent")
    read_passphrase()
    (home / "passphrase").chmod(0o644)
    with pytest.raises(MisuseError, match="chmod 600"):
        read_passphrase()
