"""The life cycle of a chip: every transition, in one table (ISO/IEC 7816-4, 7.4.10).

A chip is born blank, takes files and keys until it is activated, and can then be read and never
written again.  The table says for each state what may happen in it and where that leads; what it
does not say cannot happen.
"""

from enum import Enum, IntEnum, unique
from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.status_words import SW


@unique
class LifeCycle(IntEnum):
    """Life-cycle state, by the life-cycle status octet that stands in file control parameters."""

    BLANK = 0x01
    IN_PERSONALISATION = 0x03
    OPERATIONAL = 0x05
    TERMINATED = 0x0C


@unique
class Event(Enum):
    """What a command does to the chip as a whole."""

    USE = "select, read, authenticate"
    PERSONALISE = "create and write files, put keys"
    ACTIVATE = "lock the chip for its holder"
    TERMINATE = "end the chip's life"


TRANSITIONS: Final = {
    (LifeCycle.BLANK, Event.USE): LifeCycle.BLANK,
    (LifeCycle.BLANK, Event.PERSONALISE): LifeCycle.IN_PERSONALISATION,
    (LifeCycle.BLANK, Event.TERMINATE): LifeCycle.TERMINATED,
    (LifeCycle.IN_PERSONALISATION, Event.USE): LifeCycle.IN_PERSONALISATION,
    (LifeCycle.IN_PERSONALISATION, Event.PERSONALISE): LifeCycle.IN_PERSONALISATION,
    (LifeCycle.IN_PERSONALISATION, Event.ACTIVATE): LifeCycle.OPERATIONAL,
    (LifeCycle.IN_PERSONALISATION, Event.TERMINATE): LifeCycle.TERMINATED,
    (LifeCycle.OPERATIONAL, Event.USE): LifeCycle.OPERATIONAL,
}
"""From state and event to the state that follows."""


def follow(state: LifeCycle, event: Event, doing: str) -> LifeCycle:
    """The state after an event; `ChipRefusalError` where the table has no such transition.

    An operational chip answers 6982 (Doc 9303-10, Table 19), any other 6985.
    """
    after = TRANSITIONS.get((state, event))
    if after is None:
        operational = state is LifeCycle.OPERATIONAL
        raise ChipRefusalError(
            SW.SECURITY_STATUS_NOT_SATISFIED if operational else SW.CONDITIONS_NOT_SATISFIED, doing
        )
    return after
