"""The demonstration in process, compared with its pass phrases and pictures alone.

Processor time of whole processes with compiled modules on disk.  The limit derives one key with
scrypt, as the demonstration does in its one process, and draws the pictures of its applications.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.timing import Ratio

PAIRS, ALLOWED = 3, 2.3
UNWANTED = "PYTHONDONTWRITEBYTECODE"
DEMO = "import sys; from personalise.commands.main import main; sys.exit(main())"
LIMIT = """
import hashlib
from personalise.specimen.applications import make_application
hashlib.scrypt(b"pass phrase", salt=bytes(16), n=1 << 14, r=8, p=5, maxmem=1 << 26, dklen=32)
for profile in ("permit", "permit-bac", "passport"):
    make_application(profile, 0)
"""


def measure() -> list[Ratio]:
    with tempfile.TemporaryDirectory() as folder:
        output = str(Path(folder) / "output")
        demo, limit = (DEMO, "demo", "--in-process", "-o", output), (LIMIT,)
        _seconds(demo)  # compiles the modules
        found = statistics.median(_seconds(demo) / _seconds(limit) for _ in range(PAIRS))
    return [Ratio("demo --in-process / its scrypt and pictures", found, ALLOWED)]


def _seconds(line: tuple[str, ...]) -> float:
    """Return the processor time of a Python process and its children."""
    environment = {name: each for name, each in os.environ.items() if name != UNWANTED}
    before = os.times()
    subprocess.run(
        [sys.executable, "-c", *line], env=environment, stdout=subprocess.DEVNULL, check=True
    )
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])
