"""Copies that offer no proof, chips that were never locked, and relays to another chip."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from emrtd.access.passwords import Password
from emrtd.iso7816.apdu import ResponseAPDU
from emrtd.iso7816.procedure import Random
from emrtd.lds.files import FileID
from emrtd.status_words import SW
from vsmartcard.card.clones import SilentClone
from vsmartcard.card.conditions import after, every, protected, selects_application
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering
from vsmartcard.card.relay import DenyingRelay, DroppingRelay, PaceRelay
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState
from vsmartcard.forging.cards import denying, layered, with_table
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Forged
from vsmartcard.forging.kinds.access import mapped
from vsmartcard.forging.kinds.clones import KINDS, add_copy, copied
from vsmartcard.forging.making import draft, own_authority, trusted_state, with_files

_MAPPING: Final = "pace.cam"

# --- stripped proofs -----------------------------------------------------------------------------


@KINDS.kind(
    "clone.stripped", "a copy that offers no proof, in a reader that goes by the files",
    "dg.hash.DG14", on_chip=True,
)  # fmt: skip
def _stripped(forger: Forger) -> Forged:
    for file_id in (FileID.DG14, FileID.DG15):
        forger.victim.file(file_id)
    return with_files(forger, {FileID.DG14: None, FileID.DG15: None, FileID.CARD_SECURITY: None})


add_copy(
    "clone.no-right",
    "a key that a reader believes it may not read",
    "dg.hash.DG14",
    with_table(denying(FileID.DG14, SW.SECURITY_STATUS_NOT_SATISFIED)),
    FileID.DG14,
)
add_copy(
    "clone.not-found",
    "a key that a reader believes the chip does not have",
    "dg.hash.DG15",
    with_table(denying(FileID.DG15, SW.FILE_NOT_FOUND)),
    FileID.DG15,
)


def _not_found_in_plain(card: Card) -> Card:
    """Deny every key in plain; the forger cannot see which file is selected, but counts."""
    inside = after(every(protected, selects_application))
    return Answering(
        card,
        lambda command: (
            ResponseAPDU(sw=SW.FILE_NOT_FOUND)
            if inside(command) and (command.p1 & 0x9F) in {0x8E, 0x8F}
            else None
        ),
    )


add_copy(
    "clone.denied-in-plain",
    "a key that somebody on the radio link denies",
    "dg.hash.DG14",
    layered(_not_found_in_plain),
    FileID.DG14,
)


@KINDS.kind(
    "clone.not-locked",
    "a blank that left the factory half-written",
    "chip.life-cycle",
    on_chip=True,
)
def _not_locked(forger: Forger) -> Forged:
    authority = own_authority(forger)
    whole = draft(forger).signed(authority.signer(), trusted=trusted_state(authority))

    def build(state: ChipState, random: Random) -> Card:
        return Chip(state.with_life_cycle(LifeCycle.IN_PERSONALISATION), random=random)

    return replace(whole, build=build)


# --- relays --------------------------------------------------------------------------------------

Relay = Callable[[Card, Password, Password, Card], PaceRelay]


def _relayed(kind: str, gain: str, relay: Relay, behind: Callable[[Card], Card]) -> None:
    """Add a kind: PACE-CAM with the forger's own genuine chip, then a copy of the other's."""

    def make(forger: Forger) -> Forged:
        authority = own_authority(forger)
        whole, own = mapped(forger, authority, authority.signer())
        made = copied(forger, whole)
        borrowed = {FileID.CARD_SECURITY: own.files[FileID.CARD_SECURITY]}
        files = {**made.files, **borrowed}
        keys = msgspec.structs.replace(made.keys, open=True)

        def build(state: ChipState, random: Random) -> Card:
            genuine = Chip(own.state, random=random)
            copy = behind(Chip(state, random=random))
            return relay(genuine, own.password, made.password, copy)

        return replace(made, files=files, keys=keys, build=build)

    KINDS.add(kind, gain, _MAPPING, make, on_chip=True)


_relayed(
    "clone.dropping-relay",
    "a reader that keeps a proof when the session is lost",
    DroppingRelay,
    SilentClone,
)
_relayed(
    "clone.denying-relay",
    "a reader that keeps a proof when it begins again without a session",
    DenyingRelay,
    lambda card: card,
)
