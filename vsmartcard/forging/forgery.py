"""What a kind of forgery is, and what it makes."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, unique

from emrtd.access.chip_keys import ChipKeys
from emrtd.access.passwords import Password
from emrtd.iso7816.procedure import Random
from emrtd.lds.files import FileID
from emrtd.mrz import Mrz
from vsmartcard.card.interface import Card
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState
from vsmartcard.forging.chips import locked_state
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.victim import Victim


@unique
class Family(Enum):
    """The families of forgeries."""

    DATA_GROUPS = "data groups"
    SECURITY_OBJECT = "EF.SOD"
    REVOCATION = "CRLs"
    TRUST = "time and trust store"
    ACCESS = "EF.CardAccess and EF.CardSecurity"
    MRZ = "MRZ"
    NOTES = "made-up notes"
    CLONES = "clones and stripped proofs"
    LYING_CHIPS = "lying chips"


Build = Callable[[ChipState, Random], Card]
"""Makes the card from the state of the forger's chip: the chip, or a layer over it, or another."""


def chip(state: ChipState, random: Random) -> Card:
    """Return a chip that does what a genuine one does, with the files and keys of the state."""
    return Chip(state, random=random)


@dataclass(frozen=True)
class Forged:
    """A forged document, and what the forger did beside it.

    `files` are those of an image, and those on the chip.  `keys` are those of the chip, `build`
    makes the card that is put into a reader.  `printed` is the MRZ on the document, without line
    breaks.  `at` is the instant to judge it for.

    `trusted` are certificates and CRLs (DER) that the inspector has from their honest owners: of a
    State that is trusted for its own documents, but whose signer was stolen or is misused.
    `poison` are files that the forger brings among those that are imported into the trust store,
    after `trusted`: certificates, CRLs, lists (DER) and LDIF.  An inspector may refuse to import
    them.  `notes` is an evidence.json that the forger puts into the image.
    """

    files: Mapping[FileID, bytes]
    keys: ChipKeys
    printed: str
    at: datetime
    build: Build = chip
    trusted: tuple[bytes, ...] = ()
    poison: tuple[bytes, ...] = ()
    notes: bytes | None = None

    @property
    def password(self) -> Password:
        """The password of the chip, from the printed MRZ."""
        return Password.from_mrz_information(Mrz.parse(self.printed).information)

    @property
    def state(self) -> ChipState:
        """The state of the forger's chip."""
        return locked_state(self.files, self.keys)

    def card(self, random: Random) -> Card:
        """Return the card, for a reader; `random` is what its chip draws from."""
        return self.build(self.state, random)


Make = Callable[[Forger], Forged]
"""Makes a forgery; raises `MisuseError` if the victim does not have what it needs."""


@dataclass(frozen=True)
class Forgery:
    """A kind of forgery.

    `name` is stable.  `gain` says what an attacker would gain if nobody noticed.  `check` is the id
    of the check that must not pass.  `on_chip`: only at the chip can it be told from a genuine
    document; its files alone are genuine.
    """

    name: str
    family: Family
    gain: str
    check: str
    make: Make = field(repr=False)
    on_chip: bool = False

    def forge(self, victim: Victim, at: datetime, seed: int = 0) -> Forged:
        """Forge a document as of an instant (aware, UTC); the same arguments make the same one."""
        return self.make(Forger(victim, random.Random(f"{self.name} {seed}"), at))

    def as_json(self) -> dict[str, str | bool]:
        """Return it as an object for a JSON encoder."""
        return {
            "kind": self.name,
            "family": self.family.value,
            "gain": self.gain,
            "check": self.check,
            "on_chip": self.on_chip,
        }


class Kinds:
    """The kinds of forgery of one family, in order."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self.found: list[Forgery] = []

    def add(self, name: str, gain: str, check: str, make: Make, *, on_chip: bool = False) -> None:
        """Add a kind; the arguments are the fields of `Forgery`."""
        self.found.append(Forgery(name, self._family, gain, check, make, on_chip=on_chip))

    def kind(
        self, name: str, gain: str, check: str, *, on_chip: bool = False
    ) -> Callable[[Make], Make]:
        """Decorate a function that makes a forgery, to add its kind."""

        def register(make: Make) -> Make:
            self.add(name, gain, check, make, on_chip=on_chip)
            return make

        return register
