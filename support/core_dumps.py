"""No core dumps of a process that holds keys, passwords or a person's data."""

import contextlib
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""<linux/prctl.h>"""


def forbid_core_dumps() -> None:
    """Forbid core dumps of this process, and reading its memory to other processes of the user.

    The limit RLIMIT_CORE, which children inherit, stops dumps into files.  Linux ignores it if
    `kernel.core_pattern` names a program, as systemd-coredump and apport do; PR_SET_DUMPABLE stops
    those too, and debuggers without the capability CAP_SYS_PTRACE, until the process executes
    another program.  A system that has neither is left as it is.
    """
    try:
        import resource
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):  # a C library without prctl
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
