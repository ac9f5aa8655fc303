"""Readers that test processes share: each belongs to one of them at a time."""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Final

from emrtd.errors import TransportError, TransportFault
from vsmartcard.reader import pcscd, readers
from vsmartcard.reader.readers import VirtualReader

WAITING_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.1


def claim(reader: VirtualReader) -> IO[str] | None:
    """Claim an empty reader until the file that is returned is closed.

    Returns None if another process has claimed it, or if a card is in it.
    """
    file = (pcscd.state_folder() / f"port-{reader.port}").open("w", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    if any(each.occupied for each in readers.listed() if each.port == reader.port):
        file.close()
        return None
    return file


@contextmanager
def claimed(
    candidates: Sequence[VirtualReader], limit: float = WAITING_SECONDS
) -> Iterator[VirtualReader]:
    """Claim the first of these readers that becomes free.

    Raises `TransportError` if none does within `limit` seconds.
    """
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        for reader in candidates:
            if (file := claim(reader)) is not None:
                with file:
                    yield reader
                return
        time.sleep(_POLL_SECONDS)
    raise TransportError(
        "all virtual readers of the running pcscd are in use", TransportFault.NO_READER
    )
