"""Whole documents for invented holders, each issued by its own invented State."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
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
"""The number of the application without a variation."""


class Specimens:
    """Makes a specimen of every installed chip profile; a `SpecimenMaker`."""

    def profiles(self) -> Sequence[str]:
        """Return the names of the installed profiles."""
        return shipped_profiles()

    def make(
        self,
        profile: str,
        at: datetime,
        seed: str,
        *,
        changes: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> Specimen:
        """Return a specimen; raises `MisuseError` if no installed profile has this name.

        `changes` are fields of the application that are others than the seed's, such as
        `{"document": {"number": "L898902C"}}`.
        """
        at = at.replace(microsecond=0)
        random = random_from(f"chipseal specimen {profile} {seed}")
        state = IssuingState.make(at, random=random)
        chip_profile = ChipProfile.load(profile)
        document = make_document(
            _application(seed, chip_profile, at, changes),
            chip_profile,
            state.document_signer,
            Hash.SHA256,
            state.chain.cvca,
            at,
            random,
        )
        return Specimen(profile, document.files, document.keys, state, chip_profile.card_profile)


SPECIMENS: Final = Specimens()
"""The object that the entry point in `chipseal.specimens` refers to."""


def random_from(seed: str) -> Random:
    """Return a source of pseudorandom octets from a seed: for specimens, which have no secrets."""
    drawn = 0

    def random(size: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_256(f"{drawn} {seed}".encode()).digest(size)

    return random


def _application(
    seed: str, profile: ChipProfile, at: datetime, changes: Mapping[str, Mapping[str, str]]
) -> Application:
    _, files = make_application(seed, _FIRST, at.date())
    record = json.loads(files[FILE_NAME])
    if profile.document == "TD3":
        record = fit_to_passport(record)
    record |= {part: record[part] | dict(fields) for part, fields in changes.items()}
    files[FILE_NAME] = json.dumps(record).encode()
    return Application.decode(files[FILE_NAME], files.__getitem__)
