"""The command `verify`, as a script and as `python -m verify`."""

import sys

from support.collector import spare_collections


def main() -> int:
    """Run the command line; returns the exit status."""
    spare_collections()  # before the first of many imports
    from verify.commands.main import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
