"""Memory that is not written to swap, for a process that holds keys of cards."""

import contextlib
import sys
from pathlib import Path
from typing import Final

_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
"""<sys/mman.h>"""
_CAP_IPC_LOCK: Final = 14
"""<linux/capability.h>"""


def keep_out_of_swap() -> bool:
    """Keep all memory of this process out of swap; return whether the system does so.

    Only Linux is asked, and only if the process may lock any amount of memory (`LimitMEMLOCK` of
    systemd, or the capability CAP_IPC_LOCK): under a limit, later allocations would fail.
    """
    if sys.platform != "linux" or not _may_lock_all():
        return False
    import ctypes

    flags = _MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT
    with contextlib.suppress(OSError, AttributeError):  # a C library without mlockall
        return bool(ctypes.CDLL(None).mlockall(flags) == 0)
    return False


def _may_lock_all() -> bool:
    import resource

    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return True
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return False
    effective = next(
        (line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0"
    )
    return bool(int(effective, 16) >> _CAP_IPC_LOCK & 1)
