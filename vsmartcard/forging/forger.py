"""What a forger has: the victim's files, a source of chance, and the date."""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey
from vsmartcard.forging.victim import Victim

CURVE: Final = "brainpoolP256r1"
"""The curve of a forger's keys: as good as a State's, since a weak key would be noticed first."""


@dataclass(frozen=True)
class Forger:
    """A forger of one document; `at` is an instant (aware, UTC).

    The same seed of `chance` makes the same keys, signatures and forgeries.
    """

    victim: Victim
    chance: random.Random
    at: datetime

    def octets(self, size: int) -> bytes:
        """Draw octets."""
        return self.chance.randbytes(size)

    def key(self, curve: str = CURVE) -> EcPrivateKey:
        """Draw a new key, whose signatures are drawn too."""
        return EcPrivateKey.generate(CURVES[curve], random=self.chance.randbytes)
