"""The pass phrase that encrypts private-key files, read without asking the user.

It is never an argument of a command.  It is the first line of the file that a command names, else
of the file that the environment variable CHIPSEAL_PASSPHRASE_FILE names, else of a file in the
user's folder, which is created with a random secret when it is first needed.
"""

import os
from pathlib import Path
from typing import Final

from support.errors import MisuseError
from support.secret import Secret

ENVIRONMENT_VARIABLE: Final = "CHIPSEAL_PASSPHRASE_FILE"
_APPLICATION: Final = "chipseal"
_MAX_LENGTH: Final = 1024


def user_folder() -> Path:
    """Return the folder for this user's data: the pass phrase, the station's keys."""
    from platformdirs import user_data_path

    return user_data_path(_APPLICATION, appauthor=False)


def read_passphrase(named: Path | None = None) -> Secret:
    """Return the pass phrase; raises `MisuseError` if it is empty, `OSError` if unreadable."""
    if named is not None:
        return read_secret_line(named)
    if from_environment := os.environ.get(ENVIRONMENT_VARIABLE):
        return read_secret_line(Path(from_environment))
    return user_secret("passphrase")


def user_secret(name: str) -> Secret:
    """Return a secret of this user, which is drawn at random when it is first needed.

    Raises `MisuseError` if other users may read its file.
    """
    path = user_folder() / name
    try:
        _make(path)
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            raise MisuseError(
                f"{path}: other users may read this secret", advice=f"run `chmod 600 {path}`"
            ) from None
    return read_secret_line(path)


def read_secret_line(path: Path) -> Secret:
    """Return the first line of a file: a pass phrase or a PIN; `MisuseError` if it is empty."""
    with path.open("rb") as file:
        line = file.readline(_MAX_LENGTH).rstrip(b"\r\n")
    if not line:
        raise MisuseError(f"{path}: the first line is empty; it should hold the secret")
    return Secret(line)


def _make(path: Path) -> None:
    """Write a random secret, whole or not at all; `FileExistsError` if the file exists."""
    if path.exists():
        raise FileExistsError
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    import secrets

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
