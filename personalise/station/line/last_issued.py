"""Which card each reader of a station issued last.

A station that is killed after it entered a card as issued, and before the card was put away, meets
a locked card that does not show its serial number.  This names the job whose passwords open it.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from personalise.ledger.values import Claim
from support.files import write_atomically


@dataclass(frozen=True, slots=True)
class LastIssued:
    """A file for each reader in the folder of the station's journal; it holds only an id."""

    folder: Path

    def remember(self, claim: Claim) -> None:
        """Remember the claim that is about to be entered as issued."""
        record = {"job": claim.job}
        write_atomically(self._path(claim.worker.reader), json.dumps(record).encode(), mode=0o600)

    def of(self, reader: str) -> str | None:
        """Return the job that `remember` stored last for a reader."""
        try:
            record = json.loads(self._path(reader).read_bytes())
            return str(record["job"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _path(self, reader: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9]+", "-", reader)[-100:]
        return self.folder / f"last-{name}.json"
