"""The pass phrase that private-key files are encrypted under, found without a person at hand.

It is never an argument of a command.  In this order: the first line of the file that a command
names, of the file that the environment variable CHIPSEAL_PASSPHRASE_FILE names, and otherwise of a
file of the user's own, which is made with a random secret the first time that one is needed.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from support.errors import MisuseError
from support.secret import Secret

ENVIRONMENT_VARIABLE: Final = "CHIPSEAL_PASSPHRASE_FILE"
_APPLICATION: Final = "chipseal"
_MAX_LENGTH: Final = 1024


def user_folder() -> Path:
    """The folder for what belongs to this user: the pass phrase, the station's keys."""
    from platformdirs import user_data_path

    return user_data_path(_APPLICATION, appauthor=False)


def read_passphrase(named: Path | None = None) -> Secret:
    """Find the pass phrase; raises `MisuseError` for an empty one, `OSError` for no such file."""
    if named is not None:
        return read_secret_line(named)
    if from_environment := os.environ.get(ENVIRONMENT_VARIABLE):
        return read_secret_line(Path(from_environment))
    return user_secret("passphrase")


def user_secret(name: str) -> Secret:
    """A secret of the user's own, made at random when it is first needed.

    Raises `MisuseError` where others may read its file.
    """
    path = user_folder() / name
    try:
        _make(path)
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            raise MisuseError(f"{path}: others may read this secret; `chmod 600` it") from None
    return read_secret_line(path)


def read_secret_line(path: Path) -> Secret:
    """The first line of a file: a pass phrase or a PIN; an empty one is a `MisuseError`."""
    with path.open("rb") as file:
        line = file.readline(_MAX_LENGTH).rstrip(b"\r\n")
    if not line:
        raise MisuseError(f"{path}: holds no secret in its first line")
    return Secret(line)


def _make(path: Path) -> None:
    """Write a random secret, whole or not at all; `FileExistsError` where there is one."""
    if path.exists():
        raise FileExistsError
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)  # fails where another process was faster
    finally:
        unfinished.unlink()
