"""Whole documents for holders who do not exist, each of a State of its own."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from emrtd.crypto.hashes import Hash
from emrtd.iso7816.procedure import Random
from emrtd.lds.issuing_state import IssuingState
from emrtd.specimens import Specimen
from personalise.preparing.application import FILE_NAME, Application
from personalise.preparing.chip_profile import ChipProfile, shipped_profiles
from personalise.preparing.data_preparation import make_document
from personalise.specimen.applications import fit_to_passport, make_application

_FIRST: Final = 0
"""The application that says nothing peculiar."""


class Specimens:
    """Makes a specimen of every chip profile that ships; a `SpecimenMaker`."""

    def profiles(self) -> Sequence[str]:
        """The names of the profiles that ship."""
        return shipped_profiles()

    def make(self, profile: str, at: datetime, seed: str) -> Specimen:
        """Make a specimen; raises `MisuseError` where no profile ships under this name."""
        at = at.replace(microsecond=0)
        random = random_from(f"chipseal specimen {profile} {seed}")
        state = IssuingState.make(at, random=random)
        chip_profile = ChipProfile.load(profile)
        document = make_document(
            _application(seed, chip_profile, at),
            chip_profile,
            state.document_signer,
            Hash.SHA256,
            state.chain.cvca,
            at,
            random,
        )
        return Specimen(profile, document.files, document.keys, state)


SPECIMENS: Final = Specimens()
"""What the entry point of `chipseal.specimens` names."""


def random_from(seed: str) -> Random:
    """Octets that look random and follow from a seed: for specimens, which keep no secret."""
    drawn = 0

    def random(size: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_256(f"{drawn} {seed}".encode()).digest(size)

    return random


def _application(seed: str, profile: ChipProfile, at: datetime) -> Application:
    _, files = make_application(seed, _FIRST, at.date())
    if profile.document == "TD3":
        record = fit_to_passport(json.loads(files[FILE_NAME]))
        files[FILE_NAME] = json.dumps(record).encode()
    return Application.decode(files[FILE_NAME], files.__getitem__)
