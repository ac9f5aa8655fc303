"""The faults by name, for `vsmartcard insert --fault`, the pytest plug-in and Python."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from emrtd.errors import TransportError, TransportFault
from emrtd.status_words import SW
from support.errors import MisuseError
from vsmartcard.card.conditions import Condition
from vsmartcard.card.faults import chip
from vsmartcard.card.faults.layers import (
    FRAME_WAITING_SECONDS,
    Distorting,
    Losing,
    Mute,
    Reset,
    Sleep,
    Slow,
    shortened,
)
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Dropping, Interrupted, Refusing, Swapped, Torn
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.commands import Instructions
from vsmartcard.chip.dispatch import Chip, Memory
from vsmartcard.chip.state import ChipState
from vsmartcard.timing.contactless import MOST_MULTIPLIER


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does to a card: a layer over it, or a change of the chip itself."""

    layer: Callable[[Card], Card] | None = None
    instructions: Callable[[Instructions], Instructions] | None = None
    memory: Memory | None = None
    random: chip.RepeatingRandom | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What a fault is made with: its condition, its values as text, its lots and a clock."""

    when: Condition
    values: Sequence[str]
    lots: Random
    sleep: Sleep


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault: `values` are the names of its values, `meaning` is a sentence about it.

    `counts` is what its WHEN counts; it is empty for a fault without WHEN.
    """

    meaning: str
    make: Callable[[Setting], Effect]
    values: tuple[str, ...] = ()
    counts: str = "commands"


def _torn(setting: Setting, *, carried_out: bool) -> Effect:
    def left() -> TransportError:
        return TransportError("the card left the reader", TransportFault.CARD_REMOVED)

    return Effect(layer=lambda card: Torn(card, setting.when, carried_out=carried_out, error=left))


def _flipped_response(setting: Setting) -> Effect:
    flip = partial(_with_flipped_bit, setting.lots)
    return Effect(layer=lambda card: Distorting(card, setting.when, response=flip))


def _flipped_command(setting: Setting) -> Effect:
    flip = partial(_with_flipped_bit, setting.lots)
    return Effect(layer=lambda card: Distorting(card, setting.when, command=flip))


def _refused(setting: Setting) -> Effect:
    sw = _status_word(setting, SW.NO_PRECISE_DIAGNOSIS)
    return Effect(layer=lambda card: Refusing(card, setting.when, sw))


def _wrong_status(setting: Setting) -> Effect:
    sw = _status_word(setting, SW.NO_PRECISE_DIAGNOSIS).to_bytes(2, "big")
    return Effect(
        layer=lambda card: Distorting(card, setting.when, response=lambda it: it[:-2] + sw)
    )


def _short(setting: Setting) -> Effect:
    size = _whole(setting, 0, 65_535) if setting.values else None
    return Effect(
        layer=lambda card: Distorting(
            card, setting.when, response=lambda octets: shortened(octets, size)
        )
    )


def _lost(setting: Setting) -> Effect:
    size = _whole(setting, 0, 65_535) if setting.values else 256
    return Effect(layer=lambda card: Losing(card, setting.when, size))


def _mute(setting: Setting) -> Effect:
    return Effect(layer=lambda card: Mute(card, setting.when))


def _slow(setting: Setting) -> Effect:
    seconds = _seconds(setting, 0.5)
    return Effect(layer=lambda card: Slow(card, setting.when, seconds, setting.sleep))


def _extended(setting: Setting) -> Effect:
    seconds = FRAME_WAITING_SECONDS * (_whole(setting, 1, MOST_MULTIPLIER) if setting.values else 1)
    return Effect(layer=lambda card: Slow(card, setting.when, seconds, setting.sleep))


def _reset(setting: Setting) -> Effect:
    return Effect(layer=lambda card: Reset(card, setting.when))


def _dropped(setting: Setting) -> Effect:
    sw = _status_word(setting, SW.SM_DATA_OBJECT_INCORRECT)
    return Effect(layer=lambda card: Dropping(card, setting.when, sw))


def _swapped(setting: Setting) -> Effect:
    state = _state_in(Path(setting.values[0])) if setting.values else None
    return Effect(layer=lambda card: Swapped(card, Chip(state), setting.when))


def _state_in(path: Path) -> ChipState:
    """Return the state of a card; the file stays free for another reader."""
    file = StateFile(path)
    if file.state is None:
        raise MisuseError(f"{path}: no such card", advice="name the file of a virtual card")
    file.close()
    return file.state


def _interrupted(setting: Setting) -> Effect:
    text = setting.values[0] if setting.values else "00A4000C"
    try:
        command = bytes.fromhex(text)
    except ValueError:
        raise MisuseError(f"{text!r} is not a command", advice="write it in hexadecimal") from None
    return Effect(layer=lambda card: Interrupted(card, setting.when, [command]))


def _repeated_random(setting: Setting) -> Effect:
    random = chip.RepeatingRandom(f"{setting.lots.random()}")
    return Effect(layer=lambda card: chip.Restarting(card, random), random=random)


def _counter_jump(setting: Setting) -> Effect:
    steps = _whole(setting, 1, 1 << 32) if setting.values else 1
    return Effect(
        instructions=lambda table: chip.with_counter_jumps(table, setting.when, steps),
    )


def _forgotten(setting: Setting) -> Effect:
    return Effect(memory=chip.forgetting(setting.when))


FAULTS: Final = {
    "tear-before": FaultKind(
        "the card leaves the reader before it carries out the command",
        partial(_torn, carried_out=False),
    ),
    "tear-after": FaultKind(
        "the card leaves the reader after it carried out the command, before it answers",
        partial(_torn, carried_out=True),
    ),
    "flip": FaultKind("one bit of the response is flipped", _flipped_response),
    "flip-command": FaultKind("one bit of the command is flipped", _flipped_command),
    "refuse": FaultKind(
        "the card does not carry out the command and answers SW (default 6F00) in plain",
        _refused,
        ("SW",),
    ),
    "wrong-status": FaultKind(
        "the status word outside secure messaging is SW (default 6F00) instead of the card's",
        _wrong_status,
        ("SW",),
    ),
    "short": FaultKind(
        "the response has at most OCTETS of its data (default: half)", _short, ("OCTETS",)
    ),
    "lose-long": FaultKind(
        "the reader loses a response with OCTETS of data or more (default 256)", _lost, ("OCTETS",)
    ),
    "mute": FaultKind("the card answers nothing until it is reset", _mute),
    "slow": FaultKind(
        "the card takes SECONDS (default 0.5) more for the command", _slow, ("SECONDS",)
    ),
    "wtx": FaultKind(
        "the card requests an extension of the waiting time of TIMES (default 1, at most 59)"
        " frame waiting times of 77 ms, and uses it",
        _extended,
        ("TIMES",),
    ),
    "reset": FaultKind(
        "the card loses its power and its session before the command, without notice", _reset
    ),
    "drop": FaultKind(
        "the card ends its session and answers SW (default 6988) in plain", _dropped, ("SW",)
    ),
    "swap": FaultKind(
        "a copy of the card of FILE (default: a blank one) takes its place before the command",
        _swapped,
        ("FILE",),
    ),
    "other-program": FaultKind(
        "another program sends COMMAND (default: SELECT of the MF) before the command",
        _interrupted,
        ("COMMAND",),
    ),
    "nonce-reuse": FaultKind(
        "the chip draws the same nonces and ephemeral keys after every reset",
        _repeated_random,
        counts="",
    ),
    "counter-jump": FaultKind(
        "the chip's send sequence counter jumps by STEPS (default 1) before the response",
        _counter_jump,
        ("STEPS",),
        counts="commands inside and outside sessions that the chip understands",
    ),
    "forget": FaultKind(
        "the chip confirms a write of its memory and loses it", _forgotten, counts="writes"
    ),
}
"""All faults, by name."""


def _with_flipped_bit(lots: Random, octets: bytes) -> bytes:
    if not octets:
        return octets
    changed = bytearray(octets)
    bit = lots.randrange(8 * len(changed))
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _status_word(setting: Setting, default: int) -> int:
    if not setting.values:
        return default
    text = setting.values[0]
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        octets = b""
    if len(octets) != 2:
        raise MisuseError(f"{text!r} is not a status word", advice="write four hexadecimal digits")
    return int.from_bytes(octets, "big")


def _whole(setting: Setting, least: int, most: int) -> int:
    text = setting.values[0]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
    if not least <= number <= most:
        raise MisuseError(f"{text!r} is not a number from {least} to {most}")
    return number


def _seconds(setting: Setting, default: float) -> float:
    if not setting.values:
        return default
    text = setting.values[0]
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise MisuseError(f"{text!r} is not a number of seconds", advice="write 0 to 86400")
    return seconds
