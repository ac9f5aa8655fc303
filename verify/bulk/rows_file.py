"""The file of rows: written while images are judged, and continued after an interruption.

A run that was killed, or a disk that was full, leaves the last line torn: it is removed, and its
image is judged again.  Any other line that is not a row is an error, since a row may be missing.
"""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from support.errors import MalformedError, MisuseError
from verify.bulk.rows import Row, decode_row

_MAX_LINE: Final = 1 << 20
"""Octets of a line; one with a whole report has some 10,000."""

_SYNC_SECONDS: Final = 5.0


class RowsFile:
    """A file of rows that this process alone writes to; as a context manager it closes itself.

    `resumed`: it may have rows, which `rows` reads before any is written; without, it must not.
    Raises `MisuseError` if another process uses it or if it has rows, `OSError` if it cannot be
    opened.
    """

    def __init__(self, path: Path, *, resumed: bool) -> None:
        self._path = path
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOCTTY, 0o600)
        self._stream: IO[bytes] = os.fdopen(descriptor, "r+b", 0)
        self._synced = time.monotonic()
        self._is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        try:
            self._take(resumed=resumed)
        except BaseException:
            self._stream.close()
            raise

    def _take(self, *, resumed: bool) -> None:
        if not self._is_regular:
            if resumed:
                raise MisuseError(f"{self._path}: is not a file that can be continued")
            return
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MisuseError(
                f"{self._path}: another run writes to it", advice="wait for it, or stop it"
            ) from None
        if not resumed and os.fstat(self._stream.fileno()).st_size:
            raise MisuseError(
                f"{self._path}: already exists",
                advice=f"choose another file, or go on with --resume {self._path}",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._is_regular:
                os.fsync(self._stream.fileno())
        finally:
            self._stream.close()

    def rows(self) -> Iterator[Row]:
        """Yield the rows of an earlier run; remove a torn last line.

        Raises `MalformedError` for any other line that is not a row.
        """
        end = number = 0
        self._stream.seek(0)
        with open(self._stream.fileno(), "rb", closefd=False) as lines:
            while line := lines.readline(_MAX_LINE):
                number += 1
                row = _row(line)
                if row is None:
                    if lines.read(1):
                        raise MalformedError(
                            f"{self._path}, line {number}",
                            "is not a row of `verify bulk`",
                            advice="remove this line; its image is then judged again",
                        )
                    break
                end += len(line)
                yield row
        self._stream.truncate(end)
        self._stream.seek(end)

    def write(self, lines: bytes) -> None:
        """Append whole lines; they survive the end of this process at once, of the machine soon."""
        left = memoryview(lines)
        while left:
            left = left[self._write(left) :]
        if self._is_regular and time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._stream.fileno())
            self._synced = time.monotonic()

    def _write(self, octets: memoryview) -> int:
        try:
            return os.write(self._stream.fileno(), octets)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from None


def _row(line: bytes) -> Row | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return decode_row(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def check_settings(rows: Iterator[Row], policy: str, at: str, path: Path) -> Iterator[Row]:
    """Yield rows; raise `MisuseError` if one was judged by another policy or for another instant.

    `at` is empty if no instant was given: each part of the run is then judged for its own.
    """
    for row in rows:
        for option, here, there in (("--policy", policy, row.policy), ("--at", at, row.at)):
            if here and there and here != there:
                raise MisuseError(
                    f"{path}: its rows were judged with {option} {there}, not {here}",
                    advice="use the same option, or another file",
                )
        yield row
