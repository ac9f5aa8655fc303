"""Chips that answer with what no genuine chip would, and attackers on the radio link.

The chip has its own genuine files and keys where not said otherwise: only what it says is a lie.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import Random
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.permit import Permit
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.security_infos import PaceInfo, SecurityInfos
from emrtd.status_words import SW
from vsmartcard.card.conditions import (
    Condition,
    every,
    instruction,
    plain,
    protected,
    selects_application,
    since,
)
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, ChangingResponses, Dropping, Layer, Refusing, Swapped
from vsmartcard.card.lies import in_session
from vsmartcard.chip.commands import CarryOut, Instructions, instead
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.session import Core
from vsmartcard.chip.state import ChipState
from vsmartcard.forging.cards import denying, layered, with_table
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Build, Family, Forged, Kinds
from vsmartcard.forging.kinds.clones import copied
from vsmartcard.forging.kinds.security_objects import impostor
from vsmartcard.forging.making import draft, own_authority, trusted_state

KINDS: Final = Kinds(Family.LYING_CHIPS)

_UNREAD: Final = "sod.signature"
"""The check that cannot pass if the chip does not open, or shows no EF.SOD."""
_FACE_HASH: Final = "dg.hash.DG2"


def _own(forger: Forger, *, pace: bool = True, bac: bool = False, permit: bool = False) -> Forged:
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


def _lie(
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
        return replace(_own(forger, pace=pace, bac=bac, permit=permit), build=build)

    KINDS.add(kind, gain, check, make, on_chip=True)


# --- opening the chip ----------------------------------------------------------------------------


def _answering(change: Callable[[CommandAPDU, ResponseAPDU], ResponseAPDU]) -> Instructions:
    """Return a table that changes the answers of GENERAL AUTHENTICATE."""

    def changed(carry_out: CarryOut) -> CarryOut:
        return lambda core, command: change(command, carry_out(core, command))

    return instead(INS.GENERAL_AUTHENTICATE, changed)


def _with_object(
    tag: int, octets: Callable[[bytes, bytes], bytes | None]
) -> Callable[[CommandAPDU, ResponseAPDU], ResponseAPDU]:
    """Return a change of one data object in an answer of PACE; None leaves it out.

    `octets` receives what the terminal sent, and what the chip would answer.
    """

    def change(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        asked = tlv.read_expected(command.data, 0x7C, "command").children()
        answered = tlv.read_expected(response.data, 0x7C, "answer").children()
        parts = []
        for each in answered:
            sent = asked[0].value if len(asked) else b""
            value = octets(sent, each.value) if each.tag == tag else each.value
            parts += [] if value is None else [tlv.encode(each.tag, value)]
        return ResponseAPDU(tlv.encode(0x7C, *parts), response.sw)

    return change


_MAPPING_KEY, _CHIP_KEY, _TOKEN = 0x82, 0x84, 0x86


def _pace(kind: str, gain: str, tag: int, octets: Callable[[bytes, bytes], bytes | None]) -> None:
    _lie(kind, gain, _UNREAD, with_table(_answering(_with_object(tag, octets))))


_pace(
    "chip.reflected-mapping",
    "a session without the password, by the terminal's own mapping key",
    _MAPPING_KEY,
    lambda sent, _: sent,
)
_pace(
    "chip.reflected-key",
    "a session without the password, by the terminal's own key",
    _CHIP_KEY,
    lambda sent, _: sent,
)
_pace(
    "chip.infinity",
    "a session whose secret everybody knows",
    _CHIP_KEY,
    lambda _sent, _own: b"\x00",
)
_pace(
    "chip.off-the-curve",
    "the terminal's secret, from a key on a weak curve",
    _CHIP_KEY,
    lambda _sent, own: own[:-1] + bytes((own[-1] ^ 1,)),
)
_pace("chip.no-token", "a session with a terminal that does not wait for the token", _TOKEN,
      lambda _sent, _own: None)  # fmt: skip
_pace(
    "chip.reflected-token",
    "a session with a terminal that compares tokens with its own",
    _TOKEN,
    lambda sent, _: sent,
)


@KINDS.kind("chip.any-password", "a chip that any MRZ opens", _UNREAD, on_chip=True)
def _any_password(forger: Forger) -> Forged:
    """The chip does not know the password: it does not compare the token, and makes one up."""
    made = _own(forger)
    keys = msgspec.structs.replace(
        made.keys, passwords=draft(forger, document_number="XA9999999").keys.passwords
    )

    def made_up(carry_out: CarryOut) -> CarryOut:
        def answer(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if b"\x85\x08" in command.data[:4]:
                return ResponseAPDU(tlv.encode(0x7C, tlv.encode(_TOKEN, core.random(8))))
            return carry_out(core, command)

        return answer

    table = instead(INS.GENERAL_AUTHENTICATE, made_up)
    return replace(made, keys=keys, build=with_table(table))


def _reflected(_: CarryOut) -> CarryOut:
    return lambda _core, command: ResponseAPDU(command.data)


_lie(
    "chip.reflected-bac",
    "a session without the MRZ, by the terminal's own cryptogram",
    _UNREAD,
    with_table(instead(INS.EXTERNAL_AUTHENTICATE, _reflected)),
    pace=False,
)
_lie(
    "chip.zero-bac",
    "a session with a terminal that does not verify the chip's answer",
    _UNREAD,
    with_table(
        instead(
            INS.EXTERNAL_AUTHENTICATE, lambda _: lambda _core, _command: ResponseAPDU(bytes(40))
        )
    ),
    pace=False,
)
_lie(
    "chip.denied-pace",
    "a session by Basic Access Control, forced on the radio link",
    "access.downgrade",
    layered(
        lambda card: Refusing(
            card,
            every(plain, instruction(INS.MANAGE_SECURITY_ENVIRONMENT)),
            SW.CONDITIONS_NOT_SATISFIED,
        )
    ),
    bac=True,
)


# --- secure messaging ----------------------------------------------------------------------------


def _reading() -> Condition:
    return every(protected, instruction(INS.READ_BINARY, INS.READ_BINARY_ODD))


def _changing(card: Card, change: Callable[[ResponseAPDU], ResponseAPDU]) -> Card:
    """Return a card whose answers to reading commands are changed on the radio link."""
    reading = _reading()
    return ChangingResponses(
        card, lambda command, response: change(response) if reading(command) else response
    )


_lie(
    "chip.bare-status",
    "a terminal that accepts 9000 without secure messaging",
    _UNREAD,
    layered(lambda card: _changing(card, lambda _: ResponseAPDU())),
)
_lie(
    "chip.plain-data",
    "a terminal that accepts data without secure messaging",
    _UNREAD,
    layered(lambda card: _changing(card, lambda _: ResponseAPDU(b"\x77\x00"))),
)
_lie(
    "chip.mac-bit",
    "a terminal that does not verify MACs",
    _UNREAD,
    layered(
        lambda card: _changing(
            card,
            lambda response: ResponseAPDU(
                response.data[:-1] + bytes((response.data[-1] ^ 1,)), response.sw
            ),
        )
    ),
)
_lie(
    "chip.no-mac",
    "a terminal that verifies a MAC only if there is one",
    _UNREAD,
    layered(
        lambda card: _changing(
            card, lambda response: ResponseAPDU(response.data[:-10], response.sw)
        )
    ),
)


class _Replaying(Layer):
    """Answers every reading command with the first answer to one."""

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._reading = _reading()
        self._first: bytes | None = None

    def reset(self) -> None:
        self._first = None
        super().reset()

    def process(self, octets: bytes) -> bytes:
        response = super().process(octets)
        if not self._reading(CommandAPDU.decode(octets)):
            return response
        self._first = self._first or response
        return self._first


_lie(
    "chip.replayed-answer",
    "a terminal that does not count",
    _UNREAD,
    layered(_Replaying),
)
_lie(
    "chip.other-status",
    "a terminal that goes by the status outside secure messaging",
    _UNREAD,
    layered(
        lambda card: _changing(
            card, lambda response: ResponseAPDU(response.data, SW.SECURITY_STATUS_NOT_SATISFIED)
        )
    ),
)


# --- files ---------------------------------------------------------------------------------------


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


_lie(
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


_lie(
    "chip.cut-file",
    "half a face, in a reader that hashes what there is",
    _FACE_HASH,
    _with_content(FileID.DG2, lambda octets: octets[: len(octets) // 2]),
)
_lie(
    "chip.endless-file",
    "a reader that reads for ever",
    _FACE_HASH,
    _with_content(FileID.DG2, lambda octets: b"\x75\x84\x7f\xff\xff\xff" + octets[4:]),
)
_lie(
    "chip.empty-file",
    "a reader that lets an empty file be as good as none",
    _FACE_HASH,
    _with_content(FileID.DG2, lambda _: b"\x75\x00"),
)
_lie(
    "chip.other-file",
    "the files of another group, in a reader that goes by its own numbers",
    "dg.hash.DG1",
    _with_content(FileID.DG1, lambda _: b"\x6d\x00"),
)


@KINDS.kind("chip.other-dg1", "another name on a genuine chip", "dg.hash.DG1", on_chip=True)
def _other_dg1(forger: Forger) -> Forged:
    """A chip that was never locked is personalised again, by somebody else."""
    made = _own(forger)
    return replace(made, files={**made.files, FileID.DG1: impostor(forger)})


_lie(
    "chip.denied-face",
    "no face to be compared with",
    _FACE_HASH,
    with_table(denying(FileID.DG2, SW.SECURITY_STATUS_NOT_SATISFIED)),
)
_lie(
    "chip.denied-permit",
    "restrictions that nobody sees",
    "dg.hash.DG13",
    with_table(denying(FileID.DG13, SW.FILE_NOT_FOUND)),
    permit=True,
)
_lie(
    "chip.denied-sod",
    "files that no State has signed",
    _UNREAD,
    with_table(denying(FileID.SOD, SW.FILE_NOT_FOUND)),
)
_lie(
    "chip.denied-application",
    "a card that is read as one without a chip",
    _UNREAD,
    layered(lambda card: Refusing(card, selects_application, SW.FILE_NOT_FOUND)),
    bac=True,
)


def _later(count: int) -> Condition:
    """Return the condition for reading commands after the first ones."""
    reading = _reading()
    seen = 0

    def condition(command: CommandAPDU) -> bool:
        nonlocal seen
        seen += reading(command)
        return seen > count

    return condition


class _Tiring(Layer):
    """Loses the session at the sixth reading command, each time."""

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._dropping = self._new()

    def _new(self) -> Dropping:
        return Dropping(self.card, every(_reading(), _later(5)))

    def reset(self) -> None:
        self._dropping = self._new()
        super().reset()

    def process(self, octets: bytes) -> bytes:
        return self._dropping.process(octets)


_lie(
    "chip.lost-sessions",
    "a reader that gives up reading, and goes on",
    _UNREAD,
    layered(_Tiring),
)
_lie(
    "chip.wrong-length",
    "a reader that asks for ever",
    _UNREAD,
    layered(
        lambda card: Answering(
            card, lambda command: ResponseAPDU(sw=0x6C01) if protected(command) else None
        )
    ),
)
_lie(
    "chip.more-to-come",
    "a reader that waits for ever",
    _UNREAD,
    layered(
        lambda card: Answering(
            card, lambda command: ResponseAPDU(sw=0x61FF) if protected(command) else None
        )
    ),
)


# --- after the files -----------------------------------------------------------------------------


def _status(octets: bytes) -> Instructions:
    def select(carry_out: CarryOut) -> CarryOut:
        def answer(core: Core, command: CommandAPDU) -> ResponseAPDU:
            asks = command.p1 == 0x04 and command.p2 == 0x04
            return ResponseAPDU(octets) if asks else carry_out(core, command)

        return answer

    return instead(INS.SELECT, in_session(select))


_lie(
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
    made = _own(forger)
    copy = copied(forger, made)

    def build(state: ChipState, random: Random) -> Card:
        begins = since(every(protected, instruction(INS.MANAGE_SECURITY_ENVIRONMENT)))
        return Swapped(Chip(state, random=random), Chip(copy.state, random=random), begins)

    return replace(made, build=build)
