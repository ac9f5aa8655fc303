"""Lines for the user on standard error, while a command continues."""

import sys

from support.printable_text import one_line, printable


def remark(text: str) -> None:
    """Write one line for the user."""
    sys.stderr.write(f"{one_line(text)}\n")
    sys.stderr.flush()


def write_trace(line: str) -> None:
    """Write a line of a trace, with its columns."""
    sys.stderr.write(f"{printable(line)}\n")
    sys.stderr.flush()
