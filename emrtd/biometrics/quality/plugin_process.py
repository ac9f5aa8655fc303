"""The process of a quality plug-in: `python -m` this module NAME, with a PNG on its input."""

import sys

from emrtd.biometrics.quality.plugins import assess_in_this_process


def main() -> int:
    """Print the score."""
    sys.stdout.write(f"{assess_in_this_process(sys.argv[1], sys.stdin.buffer.read())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
