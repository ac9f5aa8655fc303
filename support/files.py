"""Writing files atomically and durably, and locking folders."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.errors import MalformedError, MisuseError

_BEGIN = 256
"""Octets of a file in which its kind is looked for."""


def write_atomically(path: Path, octets: bytes, mode: int = 0o644) -> None:
    """Write a file, whole or not at all, in place of an existing one; create its folder if needed.

    When this returns, file and name are on disk.  A device or a pipe is written to, not replaced by
    a file.  An `OSError` names the file.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        path.write_bytes(octets)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    import secrets

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
        if isinstance(error, OSError):  # it has no name, or the temporary file's
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Add the file's name to a `MalformedError` that is raised in the block."""
    try:
        yield
    except MalformedError as error:
        raise MalformedError(
            f"{path}: {error.what}", error.reason, error.offset, advice=error.advice
        ) from error


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder during the block; wait while another process holds it."""
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


def require_new(path: Path) -> None:
    """Raise `MisuseError` if a file exists: what was published or handed over is not replaced."""
    if path.exists():
        raise MisuseError(f"{path}: already exists", advice="choose another file")


def require_own(path: Path, mark: bytes, what: str) -> None:
    """Raise `MisuseError` if a file exists that is not `what`, which only another one may replace.

    It is one if `mark` is among its first octets.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        if mark in file.read(_BEGIN):
            return
    raise MisuseError(f"{path}: already exists, and is no {what}", advice="choose another file")


@contextmanager
def in_file(path: Path) -> Iterator[None]:
    """Name the file in a `MalformedError` about what it holds."""
    try:
        yield
    except MalformedError as error:
        what = f"{path}: {error.what}"
        raise MalformedError(what, error.reason, error.offset, advice=error.advice) from None


def is_taken(folder: Path) -> bool:
    """Whether the path exists and is not an empty folder, so that no new folder can be made."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
