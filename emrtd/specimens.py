"""Specimens: whole signed documents of fictitious persons, for virtual chips, tests and training.

An installed package registers a maker of specimens in the entry-point group `chipseal.specimens`;
so a caller of this module does not import the issuing package.
"""

from collections.abc import Mapping, Sequence
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
from support.values import Hidden, Value

ENTRY_POINT_GROUP: Final = "chipseal.specimens"
SEED: Final = "utopia"
"""The default seed of a specimen."""


class Specimen(Value, frozen=True):
    """A document of a fictitious person: the contents of its chip, and the State that signed it.

    `profile` is the name of its chip profile, `files` are whole elementary files, `keys` the chip's
    secret keys.  `state` has the certificates for trust stores, and the inspection system that may
    read the fingerprints.  `card_kind` is the kind of card that the profile is for.
    """

    profile: str
    files: Hidden[Mapping[FileID, bytes]]
    keys: Hidden[ChipKeys]
    state: Hidden[IssuingState]
    card_kind: str = "iso7816-9"

    @property
    def mrz(self) -> Mrz:
        """The machine readable zone that is printed on the document."""
        return DataGroup1.decode(self.files[FileID.DG1]).mrz

    @property
    def can(self) -> str | None:
        """The Card Access Number that is printed on it, six digits; None if it has none."""
        for each in self.keys.passwords:
            if each.password.type is PasswordType.CAN:
                return each.password.secret.reveal().decode("ascii")
        return None

    @property
    def terminal(self) -> TerminalCredentials:
        """The credentials of its State's inspection system, which may read the fingerprints."""
        chain = self.state.chain
        return TerminalCredentials(
            self.state.inspection_system,
            chain.inspection_system.holder_reference,
            (chain.document_verifier, chain.inspection_system),
        )


class SpecimenMaker(Protocol):
    """The object of an entry point: it makes specimens of the profiles that it lists."""

    def profiles(self) -> Sequence[str]:
        """Return the names of the chip profiles of which it makes specimens."""
        ...

    def make(self, profile: str, at: datetime, seed: str) -> Specimen:
        """Make the specimen of a profile and a seed, signed at an instant by a State made for it.

        The same arguments make the same document, except for RSA keys and what they sign.
        """
        ...


def specimen_profiles() -> list[str]:
    """Return the names of the chip profiles with specimens, in alphabetical order."""
    return sorted({name for maker in _makers() for name in maker.profiles()})


def make_specimen(profile: str, at: datetime, seed: str = SEED) -> Specimen:
    """Make a specimen; raises `MisuseError` if no installed package makes one of this profile."""
    for maker in _makers():
        if profile in maker.profiles():
            return maker.make(profile, at, seed)
    known = ", ".join(specimen_profiles())
    advice = f"choose from {known}" if known else "install chipseal's package `personalise`"
    raise MisuseError(f"no installed package makes a specimen of {profile!r}", advice=advice)


def _makers() -> list[SpecimenMaker]:
    return [entry.load() for entry in plugins(ENTRY_POINT_GROUP).values()]
