"""Genuine cards with one quirk each, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FileID
from emrtd.mrz import Mrz
from emrtd.specimens import Specimen
from support.errors import MisuseError
from vsmartcard.card.interface import Card
from vsmartcard.chip.dispatch import Chip, instructions_of
from vsmartcard.chip.state import ChipState
from vsmartcard.forging.chips import locked_state
from vsmartcard.quirks.chips import CHIP_QUIRKS, ChipQuirk
from vsmartcard.quirks.documents import DOCUMENT_QUIRKS
from vsmartcard.quirks.draft import Draft
from vsmartcard.quirks.files import FILE_QUIRKS


@dataclass(frozen=True)
class QuirkyCard:
    """A genuine card with a quirk.

    `state` is that of its chip, `files` are on it, and `trust` are contents of files for a trust
    store (DER), in addition to those of the specimen's State.  `chip` is what makes it quirky.
    """

    files: Mapping[FileID, bytes]
    state: ChipState
    trust: tuple[bytes, ...] = ()
    chip: ChipQuirk = field(default_factory=ChipQuirk)

    @property
    def mrz(self) -> Mrz:
        """The machine readable zone that is printed on the document."""
        return DataGroup1.decode(self.files[FileID.DG1]).mrz

    def card(self) -> Card:
        """Return the card, each time a new one."""
        table = self.chip.change(instructions_of(self.state))
        return self.chip.layer(Chip(self.state, instructions=table))


def quirks() -> list[str]:
    """Return the names of all quirks: of documents and their files, then of chips."""
    return [*DOCUMENT_QUIRKS, *FILE_QUIRKS, *CHIP_QUIRKS]


def make_quirky(name: str, specimen: Specimen, at: datetime, seed: str = "") -> QuirkyCard:
    """Return a specimen as a card with a quirk.

    For a quirk of documents, another CSCA of its State signs it again.  The same seed makes the
    same document, except with an RSA key.  Raises `MisuseError` for an unknown name.
    """
    change = DOCUMENT_QUIRKS.get(name) or FILE_QUIRKS.get(name)
    if change is not None:
        draft = Draft(specimen, at, seed)
        change(draft)
        made = draft.build()
        return QuirkyCard(made.files, locked_state(made.files, made.keys), made.trust)
    if name in CHIP_QUIRKS:
        state = locked_state(specimen.files, specimen.keys)
        return QuirkyCard(specimen.files, state, chip=CHIP_QUIRKS[name])
    raise MisuseError(f"{name!r} is not a quirk", advice=f"choose from {', '.join(quirks())}")
