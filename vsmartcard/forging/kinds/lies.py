"""What the kinds of lying chips have in common: the document, and the condition that it is read."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import msgspec

from emrtd.iso7816.apdu import INS
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.permit import Permit
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import PaceInfo, SecurityInfos
from vsmartcard.card.conditions import (
    Condition,
    every,
    instruction,
    protected,
)
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Build, Family, Forged, Kinds
from vsmartcard.forging.making import draft, own_authority, trusted_state

UNREAD: Final = "sod.signature"
"""The check that cannot pass if the chip does not open, or shows no EF.SOD."""


class Lies(Kinds):
    """Some kinds of lying chips."""

    def __init__(self) -> None:
        super().__init__(Family.LYING_CHIPS)

    def lie(
        self,
        kind: str,
        gain: str,
        check: str,
        build: Build,
        *,
        pace: bool = True,
        bac: bool = False,
        permit: bool = False,
    ) -> None:
        """Add a kind: a document of the forger's own State, on a card that is made so."""

        def make(forger: Forger) -> Forged:
            return replace(own_document(forger, pace=pace, bac=bac, permit=permit), build=build)

        self.add(kind, gain, check, make, on_chip=True)


def own_document(
    forger: Forger, *, pace: bool = True, bac: bool = False, permit: bool = False
) -> Forged:
    """Return a document of the forger's own State, which proves itself."""
    authority = own_authority(forger)
    made = draft(forger)
    if not pace:
        infos = [each for each in made.infos if not isinstance(each, PaceInfo)]
        made.groups[14] = DataGroup14(SecurityInfos(*infos)).encode()
    if permit:
        today = forger.at.date()
        restricted = Permit(
            category="VISITOR",
            valid_from=today - timedelta(days=9),
            valid_until=today + timedelta(days=9),
            stay=True,
            work="not permitted",
            study=False,
            public_funds=False,
        )
        made.groups[13] = DataGroup13.for_permit(restricted).encode()
    made.keys = msgspec.structs.replace(made.keys, basic_access_control=bac or not pace)
    whole = made.signed(authority.signer(), trusted=trusted_state(authority))
    if pace:
        return whole
    return replace(
        whole, files={id_: each for id_, each in whole.files.items() if id_ != FileID.CARD_ACCESS}
    )


def reading_a_file() -> Condition:
    """Return the condition that a command reads a file in a session."""
    return every(protected, instruction(INS.READ_BINARY, INS.READ_BINARY_ODD))
