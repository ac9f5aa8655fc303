"""The life cycle of a chip: every transition, in one table (ISO/IEC 7816-4, 7.4.10).

A new chip is blank.  It accepts files and keys until it is activated; after that it can be read and
never written.  A terminated chip still names itself, as a card of GlobalPlatform does (GPCS 2.3.1,
5.1.1.5: all commands are disabled but GET DATA), so that its issuer can account for it.  An event
that the table does not contain for a state is refused in that state.
"""

from enum import Enum, IntEnum, unique
from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.status_words import SW


@unique
class LifeCycle(IntEnum):
    """Life-cycle state; the value is the life-cycle status octet of file control parameters."""

    BLANK = 0x01
    IN_PERSONALISATION = 0x03
    OPERATIONAL = 0x05
    TERMINATED = 0x0C


@unique
class Event(Enum):
    """The effect of a command on the life cycle."""

    USE = "select, read, authenticate"
    IDENTIFY = "ask for the serial number"
    PERSONALISE = "create and write files, store keys"
    ACTIVATE = "lock the chip for its holder"
    TERMINATE = "end the chip's life"


TRANSITIONS: Final = {
    (LifeCycle.BLANK, Event.USE): LifeCycle.BLANK,
    (LifeCycle.BLANK, Event.PERSONALISE): LifeCycle.IN_PERSONALISATION,
    (LifeCycle.BLANK, Event.TERMINATE): LifeCycle.TERMINATED,
    (LifeCycle.BLANK, Event.IDENTIFY): LifeCycle.BLANK,
    (LifeCycle.IN_PERSONALISATION, Event.IDENTIFY): LifeCycle.IN_PERSONALISATION,
    (LifeCycle.OPERATIONAL, Event.IDENTIFY): LifeCycle.OPERATIONAL,
    (LifeCycle.TERMINATED, Event.IDENTIFY): LifeCycle.TERMINATED,
    (LifeCycle.IN_PERSONALISATION, Event.USE): LifeCycle.IN_PERSONALISATION,
    (LifeCycle.IN_PERSONALISATION, Event.PERSONALISE): LifeCycle.IN_PERSONALISATION,
    (LifeCycle.IN_PERSONALISATION, Event.ACTIVATE): LifeCycle.OPERATIONAL,
    (LifeCycle.IN_PERSONALISATION, Event.TERMINATE): LifeCycle.TERMINATED,
    (LifeCycle.OPERATIONAL, Event.USE): LifeCycle.OPERATIONAL,
}
"""The next state, by state and event."""


def follow(state: LifeCycle, event: Event, doing: str) -> LifeCycle:
    """Return the state after an event; `ChipRefusalError` if the table has no such transition.

    An operational chip answers 6982 (Doc 9303-10, Table 19), any other 6985.
    """
    after = TRANSITIONS.get((state, event))
    if after is None:
        operational = state is LifeCycle.OPERATIONAL
        raise ChipRefusalError(
            SW.SECURITY_STATUS_NOT_SATISFIED if operational else SW.CONDITIONS_NOT_SATISFIED, doing
        )
    return after
