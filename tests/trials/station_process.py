"""A station in a process of its own.  It imports little, so that the process begins at once."""

import json
import os
import sys
from typing import Any

PRELOADED = [
    "personalise.station.line.running",
    "personalise.station.cards.iso7816_9",
    "sqlalchemy.dialects.sqlite",
    "vsmartcard.reader.feeder",
    "vsmartcard.chip.dispatch",
]
"""What the server that forks these processes imports."""


def run(settings: dict[str, Any], home: str, log: str) -> None:
    """Run a station with these options; append what it prints to a file."""
    from personalise.station.line.running import Options, run_station

    os.environ["XDG_DATA_HOME"] = home
    os.environ.pop("CHIPSEAL_PASSPHRASE_FILE", None)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    outcome = run_station(Options(**settings))
    sys.stdout.write(json.dumps(outcome.summary) + "\n")
    sys.stdout.flush()
    os._exit(outcome.status)
