"""Writing files so that they are there whole, or not at all, and having a folder to oneself."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.errors import MalformedError


def write_atomically(path: Path, octets: bytes, mode: int = 0o644) -> None:
    """Write a file, replacing one that was there; its folder is made where it is missing.

    When it returns, neither file nor name is lost with the power.  A device or a pipe is written
    to: it is not put aside for a file.  An `OSError` names the file.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        path.write_bytes(octets)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _keep_names(path.parent)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError):  # it knows no name, or one that nobody has heard of
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Have a `MalformedError` from within name the file in which the octets were."""
    try:
        yield
    except MalformedError as error:
        raise MalformedError(f"{path}: {error.what}", error.reason, error.offset) from error


@contextmanager
def alone_with(folder: Path) -> Iterator[None]:
    """Wait until no other process holds the folder, and keep others waiting until it is let go."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _keep_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_taken(folder: Path) -> bool:
    """Whether something stands where a folder is to be made; an empty folder does not count."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
