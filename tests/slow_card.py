"""`python -m tests.slow_card PORT STATE SECONDS [AFTER]`: a card that takes its time.

Inserts the chip of a state file into a virtual reader.  It takes SECONDS for every command or, with
AFTER, for every command after that many.
"""

import sys
import time
from pathlib import Path

from vsmartcard.card.layers import Layer
from vsmartcard.card.stored_chip import StoredChip
from vsmartcard.reader.readers import listed, wait_until_occupied
from vsmartcard.reader.vpcd import Slot


class Slow(Layer):
    """Takes `seconds` for every command after the first `after`."""

    def __init__(self, chip: StoredChip, seconds: float, after: int = 0) -> None:
        super().__init__(chip)
        self._seconds = seconds
        self._left = after

    def process(self, octets: bytes) -> bytes:
        """Answer a command, late."""
        self._left -= 1
        if self._left < 0:
            time.sleep(self._seconds)
        return super().process(octets)


def main(port: str, state: str, seconds: str, after: str = "0") -> None:
    card = Slow(StoredChip(Path(state)), float(seconds), int(after))
    with Slot.insert(int(port), card) as slot:
        (reader,) = (each for each in listed() if each.port == int(port))
        wait_until_occupied(reader)
        print(f"inserted in {reader.name}, port {port}", flush=True)
        slot.serve(card)


if __name__ == "__main__":
    main(*sys.argv[1:])
