"""The command `verify`, as a script and as `python -m verify`."""

import sys

from support.collector import spare_collections
from support.ending import run_script


def main() -> int:
    """Run the command line in a process of its own; returns the exit status."""
    spare_collections()  # before the first of many imports
    return run_script(_command_line)


def _command_line() -> int:
    from verify.commands.main import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
