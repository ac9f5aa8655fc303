"""Specimens: whole signed documents of nobody, for virtual chips, tests and training.

They are made by whatever an installed package registers in the entry-point group
`chipseal.specimens`, as readers are found: whoever wants a specimen imports no issuer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from emrtd.access.chip_keys import ChipKeys
from emrtd.access.passwords import PasswordType
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FileID
from emrtd.lds.issuing_state import IssuingState
from emrtd.mrz import Mrz
from support.errors import MisuseError
from support.plugins import plugins

ENTRY_POINT_GROUP: Final = "chipseal.specimens"
SEED: Final = "utopia"
"""The seed of a specimen, unless another is wanted."""


@dataclass(frozen=True)
class Specimen:
    """A document of nobody: what its chip holds, and the State that signed it.

    `profile` is the name of its chip profile, `files` are whole elementary files, `keys` what the
    chip holds and never shows.  `state` has what trust stores need and the inspection system that
    may read its fingerprints.
    """

    profile: str
    files: Mapping[FileID, bytes] = field(repr=False)
    keys: ChipKeys = field(repr=False)
    state: IssuingState = field(repr=False)

    @property
    def mrz(self) -> Mrz:
        """The machine readable zone that is printed on the document."""
        return DataGroup1.decode(self.files[FileID.DG1]).mrz

    @property
    def can(self) -> str | None:
        """The Card Access Number that is printed on it, six digits; None where it has none."""
        for each in self.keys.passwords:
            if each.password.type is PasswordType.CAN:
                return each.password.secret.reveal().decode("ascii")
        return None

    @property
    def terminal(self) -> TerminalCredentials:
        """The inspection system of its State, which may read the fingerprints."""
        chain = self.state.chain
        return TerminalCredentials(
            self.state.inspection_system,
            chain.inspection_system.holder_reference,
            (chain.document_verifier, chain.inspection_system),
        )


class SpecimenMaker(Protocol):
    """What an entry point names: an object that makes specimens of the profiles it lists."""

    def profiles(self) -> Sequence[str]:
        """The names of the chip profiles of which it makes specimens."""
        ...

    def make(self, profile: str, at: datetime, seed: str) -> Specimen:
        """Make the specimen of a profile and a seed, signed at an instant, by a State of its own.

        The same arguments make the same document, as far as its keys are on curves.
        """
        ...


def specimen_profiles() -> list[str]:
    """The names of the chip profiles of which there are specimens, in alphabetical order."""
    return sorted({name for maker in _makers() for name in maker.profiles()})


def make_specimen(profile: str, at: datetime, seed: str = SEED) -> Specimen:
    """Make a specimen; raises `MisuseError` where nothing that is installed makes such a one."""
    for maker in _makers():
        if profile in maker.profiles():
            return maker.make(profile, at, seed)
    known = ", ".join(specimen_profiles()) or "none: install chipseal's `personalise`"
    raise MisuseError(f"there is no specimen of {profile!r}; there are {known}")


def _makers() -> list[SpecimenMaker]:
    return [entry.load() for entry in plugins(ENTRY_POINT_GROUP).values()]
