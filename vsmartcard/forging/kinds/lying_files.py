"""Chips whose files are not those that were signed, or that do not give them.

The chip has its own genuine keys where not said otherwise.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import Random
from emrtd.lds.files import FILES, FileID
from emrtd.status_words import SW
from vsmartcard.card.conditions import (
    Condition,
    every,
    instruction,
    protected,
    selects_application,
    since,
)
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, Dropping, Layer, Refusing, Swapped
from vsmartcard.card.lies import in_session
from vsmartcard.chip.commands import CarryOut, Instructions, instead
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.session import Core
from vsmartcard.chip.state import ChipState
from vsmartcard.forging.cards import denying, layered, with_table
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Build, Forged
from vsmartcard.forging.kinds.clones import copied
from vsmartcard.forging.kinds.lies import UNREAD, Lies, own_document, reading_a_file
from vsmartcard.forging.kinds.security_objects import impostor

KINDS: Final = Lies()

_FACE_HASH: Final = "dg.hash.DG2"


_FACE: Final = (FILES[FileID.DG2].directory, FILES[FileID.DG2].identifier)


def _shifted(carry_out: CarryOut) -> CarryOut:
    """Read DG2 one octet before the offset that was asked for, beyond the first block."""

    def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
        offset = command.p1 << 8 | command.p2
        if command.p1 & 0x80 or not offset or core.session.file != _FACE:
            return carry_out(core, command)
        p1, p2 = divmod(offset - 1, 256)
        return carry_out(core, msgspec.structs.replace(command, p1=p1, p2=p2))

    return read


KINDS.lie(
    "chip.shifted-blocks",
    "a face that is not the signed one, in a reader that hashes what it asked for",
    _FACE_HASH,
    with_table(instead(INS.READ_BINARY, in_session(_shifted))),
)


def _with_content(file_id: FileID, change: Callable[[bytes], bytes]) -> Build:
    """Return what makes a chip that holds other octets in a file than were signed."""

    def build(state: ChipState, random: Random) -> Card:
        file = FILES[file_id]
        found = state.files.find((file.directory, file.identifier))
        if found is None:
            return Chip(state, random=random)
        other = TransparentFile(
            found.directory, found.identifier, found.short_identifier, change(found.content)
        )
        return Chip(replace(state, files=state.files.put(other)), random=random)

    return build


KINDS.lie(
    "chip.cut-file",
    "half a face, in a reader that hashes what there is",
    _FACE_HASH,
    _with_content(FileID.DG2, lambda octets: octets[: len(octets) // 2]),
)
KINDS.lie(
    "chip.endless-file",
    "a reader that reads for ever",
    _FACE_HASH,
    _with_content(FileID.DG2, lambda octets: b"\x75\x84\x7f\xff\xff\xff" + octets[4:]),
)
KINDS.lie(
    "chip.empty-file",
    "a reader that lets an empty file be as good as none",
    _FACE_HASH,
    _with_content(FileID.DG2, lambda _: b"\x75\x00"),
)
KINDS.lie(
    "chip.other-file",
    "the files of another group, in a reader that goes by its own numbers",
    "dg.hash.DG1",
    _with_content(FileID.DG1, lambda _: b"\x6d\x00"),
)


@KINDS.kind("chip.other-dg1", "another name on a genuine chip", "dg.hash.DG1", on_chip=True)
def _other_dg1(forger: Forger) -> Forged:
    """A chip that was never locked is personalised again, by somebody else."""
    made = own_document(forger)
    return replace(made, files={**made.files, FileID.DG1: impostor(forger)})


KINDS.lie(
    "chip.denied-face",
    "no face to be compared with",
    _FACE_HASH,
    with_table(denying(FileID.DG2, SW.SECURITY_STATUS_NOT_SATISFIED)),
)
KINDS.lie(
    "chip.denied-permit",
    "restrictions that nobody sees",
    "dg.hash.DG13",
    with_table(denying(FileID.DG13, SW.FILE_NOT_FOUND)),
    permit=True,
)
KINDS.lie(
    "chip.denied-sod",
    "files that no State has signed",
    UNREAD,
    with_table(denying(FileID.SOD, SW.FILE_NOT_FOUND)),
)
KINDS.lie(
    "chip.denied-application",
    "a card that is read as one without a chip",
    UNREAD,
    layered(lambda card: Refusing(card, selects_application, SW.FILE_NOT_FOUND)),
    bac=True,
)


def _later(count: int) -> Condition:
    """Return the condition for reading commands after the first ones."""
    reads = reading_a_file()
    seen = 0

    def condition(command: CommandAPDU) -> bool:
        nonlocal seen
        seen += reads(command)
        return seen > count

    return condition


class _Tiring(Layer):
    """Loses the session at the sixth reading command, each time."""

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._dropping = self._new()

    def _new(self) -> Dropping:
        return Dropping(self.card, every(reading_a_file(), _later(5)))

    def reset(self) -> None:
        self._dropping = self._new()
        super().reset()

    def process(self, octets: bytes) -> bytes:
        return self._dropping.process(octets)


KINDS.lie(
    "chip.lost-sessions",
    "a reader that gives up reading, and goes on",
    UNREAD,
    layered(_Tiring),
)
KINDS.lie(
    "chip.wrong-length",
    "a reader that asks for ever",
    UNREAD,
    layered(
        lambda card: Answering(
            card, lambda command: ResponseAPDU(sw=0x6C01) if protected(command) else None
        )
    ),
)
KINDS.lie(
    "chip.more-to-come",
    "a reader that waits for ever",
    UNREAD,
    layered(
        lambda card: Answering(
            card, lambda command: ResponseAPDU(sw=0x61FF) if protected(command) else None
        )
    ),
)


def _status(octets: bytes) -> Instructions:
    def select(carry_out: CarryOut) -> CarryOut:
        def answer(core: Core, command: CommandAPDU) -> ResponseAPDU:
            asks = command.p1 == 0x04 and command.p2 == 0x04
            return ResponseAPDU(octets) if asks else carry_out(core, command)

        return answer

    return instead(INS.SELECT, in_session(select))


KINDS.lie(
    "chip.terminated",
    "a chip that its issuer has put out of use",
    "chip.life-cycle",
    with_table(_status(bytes.fromhex("62038A010C"))),
)


@KINDS.kind(
    "chip.swapped", "a copy that takes the place of the genuine chip", "chip.authentication",
    on_chip=True,
)  # fmt: skip
def _swapped(forger: Forger) -> Forged:
    """The genuine chip opens and shows its files; then a copy of it is in the reader."""
    made = own_document(forger)
    copy = copied(forger, made)

    def build(state: ChipState, random: Random) -> Card:
        begins = since(every(protected, instruction(INS.MANAGE_SECURITY_ENVIRONMENT)))
        return Swapped(Chip(state, random=random), Chip(copy.state, random=random), begins)

    return replace(made, build=build)
