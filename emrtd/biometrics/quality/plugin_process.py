"""The process of a quality plug-in: `python -m` this module NAME, with a PNG on its input."""

import sys

from emrtd.biometrics.quality.plugins import assess_in_this_process
from support.core_dumps import forbid_core_dumps


def main() -> int:
    """Print the score; a plug-in that crashes leaves no core dump of the picture."""
    forbid_core_dumps()
    sys.stdout.write(f"{assess_in_this_process(sys.argv[1], sys.stdin.buffer.read())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
