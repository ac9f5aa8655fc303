"""Chips that answer falsely when they are opened, by PACE or by Basic Access Control.

The chip has its own genuine files and keys where not said otherwise: only what it says is a lie.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.card.conditions import (
    every,
    instruction,
    plain,
)
from vsmartcard.card.layers import Refusing
from vsmartcard.chip.commands import CarryOut, Instructions, instead
from vsmartcard.chip.session import Core
from vsmartcard.forging.cards import layered, with_table
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Forged
from vsmartcard.forging.kinds.lies import UNREAD, Lies, own_document
from vsmartcard.forging.making import draft

KINDS: Final = Lies()


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
    KINDS.lie(kind, gain, UNREAD, with_table(_answering(_with_object(tag, octets))))


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


@KINDS.kind("chip.any-password", "a chip that any MRZ opens", UNREAD, on_chip=True)
def _any_password(forger: Forger) -> Forged:
    """The chip does not know the password: it does not compare the token, and makes one up."""
    made = own_document(forger)
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


KINDS.lie(
    "chip.reflected-bac",
    "a session without the MRZ, by the terminal's own cryptogram",
    UNREAD,
    with_table(instead(INS.EXTERNAL_AUTHENTICATE, _reflected)),
    pace=False,
)
KINDS.lie(
    "chip.zero-bac",
    "a session with a terminal that does not verify the chip's answer",
    UNREAD,
    with_table(
        instead(
            INS.EXTERNAL_AUTHENTICATE, lambda _: lambda _core, _command: ResponseAPDU(bytes(40))
        )
    ),
    pace=False,
)
KINDS.lie(
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
