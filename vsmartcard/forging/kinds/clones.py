"""Copies: every file and password of a genuine document, without the private keys of its chip."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.crypto.private_keys import PrivateKey
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.status_words import SW
from vsmartcard.card.clones import PROVING, SilentClone
from vsmartcard.card.conditions import (
    Condition,
    after,
    every,
    instruction,
    protected,
    since,
)
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, Refusing
from vsmartcard.card.lies import KEEPING_THE_SESSION, in_session
from vsmartcard.chip.commands import INSTRUCTIONS, CarryOut, Instructions, instead
from vsmartcard.chip.session import Core
from vsmartcard.forging.cards import layered, refused, with_table
from vsmartcard.forging.factored import close_key
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Build, Family, Forged, Kinds
from vsmartcard.forging.kinds.access import mapped
from vsmartcard.forging.making import (
    PACE_GM,
    active_key,
    copied_keys,
    draft,
    own_authority,
    trusted_state,
    with_files,
)

KINDS: Final = Kinds(Family.CLONES)

_CHIP: Final = "chip.authentication"
_ACTIVE: Final = "active.authentication"
_MAPPING: Final = "pace.cam"


def add_copy(kind: str, gain: str, check: str, build: Build, needs: FileID | None = None) -> None:
    """Add a kind: a copy of the victim's document, which has a certain file, on such a card."""

    def make(forger: Forger) -> Forged:
        forger.victim.file(needs or _KEYS[check])
        return with_files(forger, {}, build=build)

    KINDS.add(kind, gain, check, make, on_chip=True)


_KEYS: Final = {_CHIP: FileID.DG14, _ACTIVE: FileID.DG15}
"""The file with the public key of a proof."""


def copied(forger: Forger, whole: Forged) -> Forged:
    """Return a copy of a document of the forger's own State, without its private keys."""
    return replace(whole, keys=copied_keys(forger, whole.files, whole.printed))


def _at_every_proof(change: Callable[[CarryOut], CarryOut]) -> Instructions:
    table = INSTRUCTIONS
    for ins in PROVING:
        table = instead(ins, change, table)
    return table


def _agreed() -> Condition:
    """Return the condition for commands under the keys of Chip Authentication."""
    return after(every(protected, instruction(INS.GENERAL_AUTHENTICATE)))


# --- the proofs are asked for --------------------------------------------------------------------

add_copy("clone.plain", "passes for the document", _CHIP, with_table(INSTRUCTIONS))
add_copy(
    "clone.silent",
    "a reader that takes a lost session for a disturbance",
    _CHIP,
    layered(SilentClone),
)
add_copy(
    "clone.refusing",
    "a reader that lets a chip refuse its proofs",
    _CHIP,
    with_table(_at_every_proof(refused(SW.INCORRECT_DATA))),
)
add_copy(
    "clone.not-supported",
    "a reader that believes a chip which says that it knows no proofs",
    _CHIP,
    with_table(_at_every_proof(refused(SW.INSTRUCTION_NOT_SUPPORTED))),
)
add_copy(
    "clone.keeping-the-session",
    "a reader that does not change its keys after Chip Authentication",
    _CHIP,
    with_table(KEEPING_THE_SESSION),
)
add_copy(
    "clone.bare-success",
    "a reader that takes 9000 for a proof",
    _CHIP,
    layered(lambda card: _answering(card, lambda _: b"\x90\x00")),
)
add_copy(
    "clone.echo",
    "a reader that takes its own command for the answer",
    _CHIP,
    layered(lambda card: _answering(card, lambda command: command.data + b"\x90\x00")),
)
add_copy(
    "clone.endless-answer",
    "a reader that waits for the rest of a proof",
    _CHIP,
    layered(lambda card: _answering(card, lambda _: b"\x99\x61\x01")),
)
add_copy(
    "clone.dead-after-agreement",
    "a reader that blames a chip's death on the chip",
    _CHIP,
    layered(lambda card: Refusing(card, since(_agreed()), SW.NO_PRECISE_DIAGNOSIS)),
)


def _answering(card: Card, answer: Callable[[CommandAPDU], bytes]) -> Card:
    """Return a card that answers by itself once Chip Authentication has agreed on keys."""
    agreed = _agreed()
    return Answering(card, lambda command: answer(command) if agreed(command) else None)


add_copy(
    "clone.zero-signature",
    "a reader that does not verify Active Authentication",
    _ACTIVE,
    with_table(
        instead(
            INS.INTERNAL_AUTHENTICATE,
            in_session(lambda _: lambda _core, _command: ResponseAPDU(bytes(64))),
        )
    ),
)
add_copy(
    "clone.empty-signature",
    "a reader that takes 9000 for a signature",
    _ACTIVE,
    with_table(
        instead(
            INS.INTERNAL_AUTHENTICATE,
            in_session(lambda _: lambda _core, _command: ResponseAPDU()),
        )
    ),
)


@KINDS.kind(
    "clone.other-signature", "a reader that verifies with whatever key fits", _ACTIVE, on_chip=True
)
def _other_signature(forger: Forger) -> Forged:
    made = with_files(forger, {})
    forger.victim.file(FileID.DG15)
    key, _ = active_key(forger.key())
    return replace(made, keys=msgspec.structs.replace(made.keys, active_authentication=key))


def _always_the_same(carry_out: CarryOut) -> CarryOut:
    def sign(core: Core, command: CommandAPDU) -> ResponseAPDU:
        return carry_out(core, msgspec.structs.replace(command, data=bytes(8)))

    return sign


def _with_active(forger: Forger, private: PrivateKey | None = None) -> Forged:
    """Return a document of the forger's State whose only proof is Active Authentication."""
    authority = own_authority(forger)
    made = draft(forger)
    key, made.groups[15] = active_key(private or forger.key())
    made.groups[14] = DataGroup14(SecurityInfos(PACE_GM)).encode()
    made.keys = msgspec.structs.replace(
        made.keys, chip_authentication=(), active_authentication=key
    )
    return made.signed(authority.signer(), trusted=trusted_state(authority))


@KINDS.kind(
    "clone.old-signature", "a signature that the genuine chip made before", _ACTIVE, on_chip=True
)
def _old_signature(forger: Forger) -> Forged:
    table = instead(INS.INTERNAL_AUTHENTICATE, _always_the_same)
    return replace(_with_active(forger), build=with_table(table))


def _cut(carry_out: CarryOut) -> CarryOut:
    def sign(core: Core, command: CommandAPDU) -> ResponseAPDU:
        return ResponseAPDU(carry_out(core, command).data[:-1])

    return sign


@KINDS.kind(
    "clone.cut-signature", "a reader that compares as many octets as there are", _ACTIVE,
    on_chip=True,
)  # fmt: skip
def _cut_signature(forger: Forger) -> Forged:
    table = instead(INS.INTERNAL_AUTHENTICATE, _cut)
    return replace(_with_active(forger), build=with_table(table))


@KINDS.kind(
    "clone.computed-key",
    "a copy with the chip's own key for Active Authentication, factored from DG15",
    "algorithm.strength",
    on_chip=True,
)
def _computed_key(forger: Forger) -> Forged:
    return _with_active(forger, close_key(forger))


# --- documents with a single proof ---------------------------------------------------------------


@KINDS.kind("clone.active-alone", "a reader without Active Authentication", _ACTIVE, on_chip=True)
def _active_alone(forger: Forger) -> Forged:
    return copied(forger, _with_active(forger))


@KINDS.kind("clone.chip-alone", "a reader without Chip Authentication", _CHIP, on_chip=True)
def _chip_alone(forger: Forger) -> Forged:
    authority = own_authority(forger)
    whole = draft(forger).signed(authority.signer(), trusted=trusted_state(authority))
    return copied(forger, whole)


@KINDS.kind("clone.mapping-alone", "a reader without PACE-CAM", _MAPPING, on_chip=True)
def _mapping_alone(forger: Forger) -> Forged:
    authority = own_authority(forger)
    whole, _ = mapped(forger, authority, authority.signer())
    return copied(forger, whole)


@KINDS.kind(
    "clone.generic-instead",
    "a reader that is content with another mapping",
    "access.downgrade",
    on_chip=True,
)
def _generic_instead(forger: Forger) -> Forged:
    """EF.CardAccess does not offer the mapping that is the document's only proof."""
    authority = own_authority(forger)
    whole, _ = mapped(forger, authority, authority.signer())
    made = copied(forger, whole)
    offered = CardAccess(SecurityInfos(PACE_GM)).encode()
    return replace(made, files={**made.files, FileID.CARD_ACCESS: offered})


_CHIP_DATA: Final = 0x8A


def _without_proof(carry_out: CarryOut) -> CarryOut:
    """Leave the encrypted Chip Authentication Data out of PACE's last answer."""

    def general_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
        response = carry_out(core, command)
        answered = tlv.read_expected(response.data, 0x7C, "answer").children()
        kept = (tlv.encode(each.tag, each.value) for each in answered if each.tag != _CHIP_DATA)
        return ResponseAPDU(tlv.encode(0x7C, *kept), response.sw)

    return general_authenticate


def _with_other_proof(carry_out: CarryOut) -> CarryOut:
    """Answer zeros in the place of the encrypted Chip Authentication Data."""

    def general_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
        response = carry_out(core, command)
        answered = tlv.read_expected(response.data, 0x7C, "answer").children()
        parts = (
            tlv.encode(each.tag, bytes(len(each.value)) if each.tag == _CHIP_DATA else each.value)
            for each in answered
        )
        return ResponseAPDU(tlv.encode(0x7C, *parts), response.sw)

    return general_authenticate


@KINDS.kind(
    "clone.mapping-garbled", "a reader that goes on if it cannot decipher a proof", _MAPPING,
    on_chip=True,
)  # fmt: skip
def _mapping_garbled(forger: Forger) -> Forged:
    authority = own_authority(forger)
    whole, _ = mapped(forger, authority, authority.signer())
    table = instead(INS.GENERAL_AUTHENTICATE, _with_other_proof)
    return replace(copied(forger, whole), build=with_table(table))


@KINDS.kind(
    "clone.mapping-omitted", "a reader that verifies PACE-CAM only if there are data", _MAPPING,
    on_chip=True,
)  # fmt: skip
def _mapping_omitted(forger: Forger) -> Forged:
    authority = own_authority(forger)
    whole, _ = mapped(forger, authority, authority.signer())
    table = instead(INS.GENERAL_AUTHENTICATE, _without_proof)
    return replace(copied(forger, whole), build=with_table(table))
