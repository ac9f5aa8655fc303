"""Conditions on a command, which select the commands that a layer over a card acts on.

A condition is called once with each command, in order, as it is on the wire: inside a session only
the header is readable.  A condition that counts has state, so use each one in one layer only.
"""

from collections.abc import Callable

from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.secure_messaging import SECURE_MESSAGING_BITS

Condition = Callable[[CommandAPDU], bool]

_BY_NAME = 0x04


def always(_command: CommandAPDU) -> bool:
    """Every command."""
    return True


def protected(command: CommandAPDU) -> bool:
    """A command inside a session, under secure messaging."""
    return command.cla & SECURE_MESSAGING_BITS == SECURE_MESSAGING_BITS


def plain(command: CommandAPDU) -> bool:
    """A command outside any session."""
    return not protected(command)


def extended(command: CommandAPDU) -> bool:
    """A command with extended length fields."""
    return command.extended


def selects_application(command: CommandAPDU) -> bool:
    """SELECT by name."""
    return command.ins == INS.SELECT and command.p1 == _BY_NAME


def instruction(*codes: int) -> Condition:
    """A command with one of these instruction octets."""
    return lambda command: command.ins in codes


def every(*conditions: Condition) -> Condition:
    """A command that meets all of these conditions; each of them is called with every command."""
    return lambda command: all([each(command) for each in conditions])  # noqa: C419


def some(*conditions: Condition) -> Condition:
    """A command that meets at least one of these conditions; each is called with every command."""
    return lambda command: any([each(command) for each in conditions])  # noqa: C419


def nth(*positions: int) -> Condition:
    """The commands at these positions; the first command is at 0."""
    count = 0

    def condition(_: CommandAPDU) -> bool:
        nonlocal count
        count += 1
        return count - 1 in positions

    return condition


def since(condition: Condition) -> Condition:
    """The first command that meets the condition, and every command after it."""
    met = False

    def later(command: CommandAPDU) -> bool:
        nonlocal met
        met = condition(command) or met
        return met

    return later


def after(condition: Condition) -> Condition:
    """Every command after the first one that meets the condition."""
    met = False

    def later(command: CommandAPDU) -> bool:
        nonlocal met
        before, met = met, condition(command) or met
        return before

    return later


def first(condition: Condition) -> Condition:
    """Only the first command that meets the condition."""
    met = False

    def once(command: CommandAPDU) -> bool:
        nonlocal met
        before, met = met, condition(command) or met
        return met and not before

    return once
