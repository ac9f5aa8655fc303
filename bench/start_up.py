"""Commands in a new process, compared with an interpreter that does nothing.

Both have the processor time of their children counted, and compiled modules on disk.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.timing import Ratio

PAIRS = 15
HELP, IMAGE = 2.5, 6.0
UNWANTED = frozenset({"PYTHONDONTWRITEBYTECODE", "CHIPSEAL_PASSPHRASE_FILE"})
VERIFY = "import sys; from verify.__main__ import main; sys.exit(main())"
PERSONALISE = "import sys; from personalise.commands.main import main; sys.exit(main())"


def measure() -> list[Ratio]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        environment = {
            **{name: each for name, each in os.environ.items() if name not in UNWANTED},
            "XDG_DATA_HOME": str(folder / "home"),
        }
        image, trust = _document(folder, environment)
        judge = ("image", str(image), "--trust", str(trust))
        return [
            _ratio("verify --help / python -c pass", (VERIFY, "--help"), environment, HELP),
            _ratio("verify image, cold / python -c pass", (VERIFY, *judge), environment, IMAGE),
        ]


def _document(folder: Path, environment: dict[str, str]) -> tuple[Path, Path]:
    """Prepare a permit with a portrait and two fingerprints; return its image and a trust store."""
    pki, image, trust = folder / "pki", folder / "image", folder / "trust.sqlite"
    application = folder / "applications" / "0001"
    for line in (
        (PERSONALISE, "pki", "init", pki),
        (PERSONALISE, "specimen", "-o", application.parent),
        (PERSONALISE, "prepare", application, "--pki", pki, "-o", image),
        (VERIFY, "trust", "add", trust, pki / "csca.cer", pki / "crl.crl"),
    ):
        subprocess.run(_command(*map(str, line)), env=environment, capture_output=True, check=True)
    return image, trust


def _command(code: str, *arguments: str) -> tuple[str, ...]:
    return sys.executable, "-c", code, *arguments


def _ratio(label: str, work: tuple[str, ...], environment: dict[str, str], allowed: float) -> Ratio:
    command, nothing = _command(*work), _command("pass")
    for each in (command, nothing):  # compiles the modules
        _seconds(each, environment)
    found = statistics.median(
        _seconds(command, environment) / _seconds(nothing, environment) for _ in range(PAIRS)
    )
    return Ratio(label, found, allowed)


def _seconds(command: tuple[str, ...], environment: dict[str, str]) -> float:
    """Return the processor time of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
