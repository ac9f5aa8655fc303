"""The file that stores the state of a virtual chip.

Each save writes a new file beside the old one and renames it, so that a process killed at any
moment leaves the chip as it was before or after its last command.  There is no fsync: a machine
that loses power may lose the last seconds.  The file holds every secret of the chip; only its owner
can read it.

A chip is in one reader at a time: the process that uses the file holds a lock on it.
"""

import fcntl
import os
from pathlib import Path

from emrtd.errors import TransportError, TransportFault
from support.errors import MalformedError
from vsmartcard.chip.state import ChipState, OtherVersionError

_MAX_SIZE = 1 << 26
_ADVICE = "name a file that `vsmartcard` wrote, or a new file"


class StateFile:
    """A locked file with a chip's state; `state` is None while the file does not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None
        self.state: ChipState | None = None
        while path.exists():
            if not path.is_file():
                raise MalformedError(
                    str(path), "not a virtual chip: not a regular file", advice=_ADVICE
                )
            descriptor = os.open(path, os.O_RDONLY)
            if self._take(descriptor):
                break
            os.close(descriptor)  # a save has just replaced the file

    def save(self, state: ChipState) -> None:
        """Replace the file with one that holds this state, atomically."""
        if self._lock is None and self._path.exists():
            raise self._in_use()
        new = self._path.with_name(f".{self._path.name}.new")
        descriptor = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            octets = memoryview(state.encode())
            while octets:
                octets = octets[os.write(descriptor, octets) :]
            os.replace(new, self._path)  # noqa: PTH105 - makes the save atomic
        except BaseException:
            os.close(descriptor)
            raise
        self.close()
        self._lock, self.state = descriptor, state

    def close(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self, descriptor: int) -> bool:
        """Lock the file and read it; return False if another file now has its name."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise self._in_use() from None
        if not self._path.exists() or not os.path.samestat(os.fstat(descriptor), self._path.stat()):
            return False
        with os.fdopen(os.dup(descriptor), "rb") as file:
            octets = file.read(_MAX_SIZE)
        try:
            self.state = ChipState.decode(octets)
        except OtherVersionError as error:
            os.close(descriptor)
            raise MalformedError(
                str(self._path), f"this virtual chip {error.reason}", advice=error.advice
            ) from error
        except MalformedError as error:
            os.close(descriptor)
            reason = f"not a virtual chip: {error.reason}"
            raise MalformedError(str(self._path), reason, advice=_ADVICE) from error
        self._lock = descriptor
        return True

    def _in_use(self) -> TransportError:
        return TransportError(
            f"{self._path}: the chip is in another reader",
            TransportFault.CARD_HELD,
            advice="take it out there",
        )
