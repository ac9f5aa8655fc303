"""All services that run on one PKI use one store, or a client's limits would hold for each alone.

The file `service.lock` of the PKI's folder names the store.  Every service holds a shared lock on
it as long as it runs; a service that finds no other one running writes its own store into it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from support.errors import MisuseError

LOCK_NAME: Final = "service.lock"
_MAX_PATH: Final = 64 * 1024


@contextmanager
def one_store(folder: Path, store: Path) -> Iterator[None]:
    """Hold the lock of a PKI's folder in the block.

    Raises `MisuseError` if a service with another store runs on this PKI.
    """
    mine = os.fsencode(store.resolve())
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, mine, 0)
        # The change from an exclusive to a shared lock is not atomic: what counts is the content
        # now, since nobody writes while this process holds its shared lock.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        found = os.pread(descriptor, _MAX_PATH, 0)
        if found != mine:
            raise MisuseError(
                f"{folder}: a signing service with the store {os.fsdecode(found)} runs on this PKI",
                advice="name the same store in the configurations of all its services",
            )
        yield
    finally:
        os.close(descriptor)
