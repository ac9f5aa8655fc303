"""Card events: insertions, removals and changes of readers as data, and how to wait for them.

Every program waits on one interface, `CardEvents`.  `PolledEvents` implements it for anything whose
state can be polled; `differences` compares two states and is pure.
"""

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from enum import Enum, unique
from typing import Final, Protocol, Self

import msgspec

_LOOKING_SECONDS: Final = 0.25


@unique
class CardEventKind(Enum):
    """The kind of an event."""

    READER_ADDED = "reader-added"
    READER_GONE = "reader-gone"
    """The reader was unplugged, and the card in it with it."""
    INSERTED = "inserted"
    REMOVED = "removed"
    EXHAUSTED = "exhausted"
    """A feeder has no further card; a card that is put into it later is an insertion."""
    SERVICE_GONE = "service-gone"
    """The PC/SC service does not run: there are no readers and no cards."""
    SERVICE_BACK = "service-back"
    """It runs again; its readers and cards follow as separate events."""


class CardEvent(msgspec.Struct, frozen=True):
    """One event; `reader` is the full name for `connect`, empty for an event of the service.

    `atr` is the answer to reset of an inserted card (0 to 33 octets), empty if the card is mute or
    the answer is not known yet.
    """

    kind: CardEventKind
    reader: str = ""
    atr: bytes = b""


class CardInReader(msgspec.Struct, frozen=True):
    """A card in a reader; `identity` differs for each insertion."""

    identity: Hashable
    atr: bytes = b""


Look = Mapping[str, CardInReader | None]
"""Every reader by its name, with the card in it or None."""


class CardEvents(Protocol):
    """A source of events, for one waiting thread; `cancel` may be called by any other."""

    def wait(self, timeout: float | None = None) -> tuple[CardEvent, ...]:
        """Wait for events, for `timeout` seconds at most (None: without a limit).

        The first call reports the readers and cards that are present.  Returns no events when the
        time is over, and always after `cancel`.  A card that was removed and replaced
        between two calls is a removal and an insertion.
        """
        ...

    def cancel(self) -> None:
        """End the wait of another thread at once, and every later wait."""
        ...

    def close(self) -> None:
        """Release the resources of the watch."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


def differences(before: Look, after: Look) -> tuple[CardEvent, ...]:
    """Return the events between two looks: removed readers first, then each reader in order."""
    events = [CardEvent(CardEventKind.READER_GONE, name) for name in before if name not in after]
    for name, card in after.items():
        if name not in before:
            events.append(CardEvent(CardEventKind.READER_ADDED, name))
        old = before.get(name)
        if (old and old.identity) == (card and card.identity):
            continue
        if old is not None:
            events.append(CardEvent(CardEventKind.REMOVED, name))
        if card is not None:
            events.append(CardEvent(CardEventKind.INSERTED, name, card.atr))
    return tuple(events)


class PolledEvents:
    """Events of readers whose state must be polled, such as a folder; satisfies `CardEvents`.

    `look` is called when a wait begins, and then every quarter of a second.  With `feeder`, the
    change from a card to none is followed by `EXHAUSTED`, and so is a first look without a card.
    """

    def __init__(self, look: Callable[[], Look], *, feeder: bool = False) -> None:
        self._look = look
        self._feeder = feeder
        self._known: Look = {}
        self._cancelled = threading.Event()

    def wait(self, timeout: float | None = None) -> tuple[CardEvent, ...]:
        """Wait for a look that differs from the last one."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._cancelled.is_set():
            before, self._known = self._known, dict(self._look())
            events = differences(before, self._known)
            if events:
                return (*events, *self._exhausted())
            left = _LOOKING_SECONDS if deadline is None else deadline - time.monotonic()
            if left <= 0:
                break
            self._cancelled.wait(min(left, _LOOKING_SECONDS))
        return ()

    def _exhausted(self) -> tuple[CardEvent, ...]:
        empty = (name for name, card in self._known.items() if card is None)
        return tuple(CardEvent(CardEventKind.EXHAUSTED, name) for name in empty if self._feeder)

    def cancel(self) -> None:
        """End every wait."""
        self._cancelled.set()

    def close(self) -> None:
        """Do nothing: no resources are held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
