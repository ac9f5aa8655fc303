"""The life of a message, as two tables of transitions.

    received     ARRIVED -> WAITING -> DECIDED -> DELIVERED -> OBJECTED
    sent         SENT -> ACKNOWLEDGED -> IMPORTED | REFUSED | REJECTED -> OBJECTED

A request that is answered at once goes from ARRIVED to DELIVERED, and from SENT to its end.
"""

from enum import StrEnum, unique
from typing import Final

from support.errors import MisuseError


@unique
class Received(StrEnum):
    """The state of a message that another State has sent."""

    ARRIVED = "arrived"
    WAITING = "waits for an officer"
    DECIDED = "decided, not delivered"
    DELIVERED = "delivered"
    OBJECTED = "delivered, and the other State found a certificate wrong"
    KEPT = "kept"


@unique
class Sent(StrEnum):
    """The state of a message of ours."""

    SENT = "sent, no answer"
    ACKNOWLEDGED = "acknowledged"
    IMPORTED = "answered, imported"
    REFUSED = "refused"
    REJECTED = "answered, not accepted"
    OBJECTED = "answered, not accepted, and the other State told"


RECEIVED: Final = frozenset(
    {
        (Received.ARRIVED, Received.WAITING),
        (Received.ARRIVED, Received.DELIVERED),
        (Received.ARRIVED, Received.KEPT),
        (Received.WAITING, Received.DECIDED),
        (Received.DECIDED, Received.DELIVERED),
        (Received.DELIVERED, Received.OBJECTED),
    }
)

SENT: Final = frozenset(
    {
        (Sent.SENT, Sent.ACKNOWLEDGED),
        *((Sent.SENT, end) for end in (Sent.IMPORTED, Sent.REFUSED, Sent.REJECTED)),
        *((Sent.ACKNOWLEDGED, end) for end in (Sent.IMPORTED, Sent.REFUSED, Sent.REJECTED)),
        (Sent.REJECTED, Sent.OBJECTED),
    }
)

AWAITED: Final = frozenset({Sent.SENT, Sent.ACKNOWLEDGED})
"""The states in which an answer is expected."""


def require_received(before: Received, after: Received) -> None:
    """Raise `MisuseError` unless a received message may change so."""
    if (before, after) not in RECEIVED:
        raise MisuseError(f"the message is {before.value!r}, and cannot become {after.value!r}")


def require_sent(before: Sent, after: Sent) -> None:
    """Raise `MisuseError` unless a message of ours may change so."""
    if (before, after) not in SENT:
        raise MisuseError(f"the message is {before.value!r}, and cannot become {after.value!r}")
