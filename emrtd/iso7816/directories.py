"""The dedicated files of an eMRTD that hold elementary files (Doc 9303-10, 3.10 and 3.11)."""

from enum import IntEnum, unique


@unique
class Directory(IntEnum):
    """A dedicated file; file identifiers and short identifiers are unique within one."""

    MASTER_FILE = 0
    EMRTD = 1
    """The LDS1 eMRTD application."""
