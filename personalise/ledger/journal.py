"""The name of a station, and its own journal of the cards that it made.

    USER'S FOLDER/ledgers/LEDGER/1/lock            held while station 1 of this host runs
    USER'S FOLDER/ledgers/LEDGER/1/2026-11.jsonl   its entries about cards, one a line

A station that starts again gets the free slot with the lowest number, and so its name, back at
once; two stations on one host have two names.  The journal is outside the database: a ledger that
lacks its last entry was restored from a backup.
"""

import fcntl
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from personalise.ledger.chain import Entry
from support.errors import MalformedError, MisuseError
from support.passphrase import user_folder

_MOST_SLOTS: Final = 99
_SUFFIX: Final = ".jsonl"
_TAIL: Final = 64 * 1024  # octets; an entry has at most a few hundred


def journals_folder(ledger: str) -> Path:
    """Return the folder of this user's journals of a ledger."""
    return user_folder() / "ledgers" / ledger


@contextmanager
def station_slot(ledger: str) -> Iterator["StationSlot"]:
    """Hold the name of a station in the block; `ledger` is the ledger's id.

    Raises `MisuseError` if too many stations run on this host.
    """
    for number in range(1, _MOST_SLOTS + 1):
        folder = journals_folder(ledger) / str(number)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield StationSlot(f"{socket.gethostname()}-{number}", Journal(folder))
            return
        finally:
            os.close(descriptor)
    raise MisuseError(
        f"{journals_folder(ledger)}: {_MOST_SLOTS} stations run on this host",
        advice="end one of them, or name more readers for one",
    )


@contextmanager
def all_journals(ledger: str) -> Iterator[list["Journal"]]:
    """Hold the names of all stations that ever ran here, so that none runs in the block.

    Raises `MisuseError` if one does.
    """
    held: list[int] = []
    try:
        folders = sorted(each.parent for each in journals_folder(ledger).glob("*/lock"))
        for folder in folders:
            held.append(os.open(folder / "lock", os.O_RDWR))
            try:
                fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise MisuseError(
                    f"{folder}: this station runs", advice="stop it, and run this again"
                ) from None
        yield [Journal(folder) for folder in folders]
    finally:
        for descriptor in held:
            os.close(descriptor)


def last_entries(ledger: str) -> list[Entry]:
    """Return the last entry of each journal of this user's stations; they may be at work."""
    folders = sorted(each.parent for each in journals_folder(ledger).glob("*/lock"))
    found = (Journal(folder).last() for folder in folders)
    return [entry for entry in found if entry is not None]


@dataclass(frozen=True, slots=True)
class StationSlot:
    """The name of a running station, and its journal."""

    name: str
    journal: "Journal"


@dataclass(slots=True)
class Journal:
    """The journal of one station, in a folder."""

    folder: Path
    _unwritten: list[str] = field(default_factory=list)

    def append(self, entries: Iterable[Entry]) -> None:
        """Write entries, durably; an `OSError` names the file, and the next call tries again."""
        self._unwritten += [each.encode() for each in entries]
        if not self._unwritten:
            return
        month = Entry.decode(self._unwritten[-1]).at
        path = self.folder / f"{month:%Y-%m}{_SUFFIX}"
        lines = "".join(f"{each}\n" for each in self._unwritten).encode()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                if os.write(descriptor, lines) != len(lines):
                    os.ftruncate(descriptor, size)
                    raise OSError(0, "the disk is full")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise OSError(error.errno, error.strerror or "cannot be written", str(path)) from None
        self._unwritten.clear()

    def last(self) -> Entry | None:
        """Return the last entry, None if there is none; an unfinished line does not count."""
        for path in reversed(self._files()):
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _TAIL))
                lines = file.read().split(b"\n")[:-1]
            if lines:
                return _decoded(lines[-1], path)
        return None

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, the oldest first."""
        for path in self._files():
            with path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        yield _decoded(line, path)

    def set_aside(self, name: str) -> None:
        """Move the files into a folder: what they hold was entered in the ledger again."""
        aside = self.folder / name
        aside.mkdir(mode=0o700)
        for path in self._files():
            path.rename(aside / path.name)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_SUFFIX}"))


def _decoded(line: bytes, path: Path) -> Entry:
    try:
        return Entry.decode(line.decode())
    except (MalformedError, UnicodeDecodeError):
        raise MalformedError(str(path), "is not a station's journal") from None
