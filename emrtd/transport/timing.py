"""Where the time of a session goes: waiting for the card, and us, by phase.

A connection to a timed virtual card says how its own time divides into link and chip.
"""

import time
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

import msgspec

from emrtd.transport.connection import Connection, WrappedConnection

Clock = Callable[[], float]


class CardTime(msgspec.Struct, frozen=True):
    """What a card has taken so far, in seconds: on the link, and for the chip's own work."""

    link: float = 0.0
    chip: float = 0.0

    @property
    def total(self) -> float:
        """Both."""
        return self.link + self.chip

    def __add__(self, other: "CardTime") -> "CardTime":
        return CardTime(self.link + other.link, self.chip + other.chip)

    def __sub__(self, other: "CardTime") -> "CardTime":
        return CardTime(self.link - other.link, self.chip - other.chip)


@runtime_checkable
class TellsCardTime(Protocol):
    """A connection to a card that says what it has taken; a real reader cannot say this."""

    @property
    def card_time(self) -> CardTime | None:
        """What the card has taken since the connection; None if it is not timed."""
        ...


class Phase(msgspec.Struct):
    """One phase of a session: what went over the link, and who took the time, in seconds.

    `octets` counts commands and responses.  `card` is what the card says of itself, None if it says
    nothing; then `waiting` is measured.
    """

    name: str
    commands: int = 0
    octets: int = 0
    waiting: float = 0.0
    ours: float = 0.0
    card: CardTime | None = None

    @property
    def total(self) -> float:
        """Both sides together."""
        return self.waiting + self.ours

    def with_card(self, taken: CardTime | None) -> None:
        """Add what the card says that it has taken."""
        if taken is not None:
            self.card = taken if self.card is None else self.card + taken


class SessionTiming:
    """Divides the time of a session into phases.

    `begin` ends the present phase; a phase that begins again continues.  All time that a
    `TimedConnection` does not wait for the card is ours.  `phase_of` names the phase of a command,
    None if it does not change.
    """

    def __init__(
        self,
        clock: Clock = time.perf_counter,
        phase_of: Callable[[bytes], str | None] = lambda _command: None,
    ) -> None:
        self._clock = clock
        self._phase_of = phase_of
        self._phases: dict[str, Phase] = {}
        self._present: Phase | None = None
        self._since = 0.0

    def restart(self) -> None:
        """Forget everything: the session begins anew."""
        self._phases, self._present = {}, None

    def begin(self, name: str) -> None:
        """Begin a phase, or continue with it."""
        self._settle()
        self._present = self._phases.setdefault(name, Phase(name))

    def finish(self) -> tuple[Phase, ...]:
        """End the last phase; return all phases, in the order in which they began."""
        self._settle()
        self._present = None
        return tuple(self._phases.values())

    def wait(self, work: Callable[[], bytes], command: bytes, connection: Connection) -> bytes:
        """Have a card answer a command, and count it; an empty command is a reset."""
        name = self._phase_of(command) if command else None
        if name is not None and self._present is not None and name != self._present.name:
            self.begin(name)
        self._settle()
        before = card_time_of(connection)
        begun = self._clock()
        try:
            response = work()
        finally:
            self._since = self._clock()
            measured = self._since - begun
        phase = self._present
        if phase is not None:
            after = card_time_of(connection)
            taken = None if before is None or after is None else after - before
            phase.commands += bool(command)
            phase.octets += len(command) + len(response)
            phase.waiting += measured if taken is None else taken.total
            phase.with_card(taken)
        return response

    def _settle(self) -> None:
        """Count the time since the last command or phase as ours."""
        now = self._clock()
        if self._present is not None:
            self._present.ours += now - self._since
        self._since = now


class TimedConnection(WrappedConnection):
    """Wraps a connection, and tells a `SessionTiming` how long the card takes."""

    def __init__(self, connection: Connection, timing: SessionTiming) -> None:
        super().__init__(connection)
        self._timing = timing

    def transmit(self, command: bytes) -> bytes:
        """Transmit a command, and time it."""
        transmit = self._connection.transmit
        return self._timing.wait(lambda: transmit(command), command, self._connection)

    def reset(self) -> None:
        """Reset the card, and time that."""

        def reset() -> bytes:
            self._connection.reset()
            return b""

        self._timing.wait(reset, b"", self._connection)


def card_time_of(connection: Connection) -> CardTime | None:
    """Return what a card says that it has taken; None if it does not say."""
    return connection.card_time if isinstance(connection, TellsCardTime) else None


def table(phases: Iterable[Phase]) -> list[str]:
    """Return the phases as lines of a table, in milliseconds, with their sum.

    Link and chip have columns if the card has told them.
    """
    rows = list(phases)
    whole = Phase("total")
    for each in rows:
        whole.commands += each.commands
        whole.octets += each.octets
        whole.waiting += each.waiting
        whole.ours += each.ours
        whole.with_card(each.card)
    told = whole.card is not None
    names = [
        "commands",
        "octets",
        "card ms",
        *(["link ms", "chip ms"] * told),
        "ours ms",
        "total ms",
    ]
    width = max(len(each.name) for each in [*rows, whole])
    lines = [f"{'':{width}}" + "".join(f"{name:>10}" for name in [*names, "share"])]
    for each in [*rows, whole]:
        card = each.card or CardTime()
        seconds = [each.waiting, *([card.link, card.chip] * told), each.ours, each.total]
        share = each.total / whole.total if whole.total else 0.0
        lines.append(
            f"{each.name:{width}}{each.commands:10d}{each.octets:10d}"
            + "".join(f"{each * 1000:10.1f}" for each in seconds)
            + f"{share:10.1%}"
        )
    return lines
