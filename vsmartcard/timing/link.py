"""The interface of a model of a link, and how a link is named.

    LINK = RATE | RATE "b" | "t0" | "t1"

RATE is a bit rate in kbit/s, of type A or with "b" of type B; t0 and t1 are the contact protocols.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one exchange of a command and a response takes on a link.

    `seconds` is without the chip's own time.  `blocks` counts the blocks or TPDUs of both sides,
    `extensions` the requests of the chip for more time.
    """

    seconds: float
    blocks: int
    extensions: int


class Link(Protocol):
    """A model of a link between a reader and a chip; it has no state."""

    @property
    def name(self) -> str:
        """The name of the link, as `read_link` reads it."""
        ...

    def activation(self) -> float:
        """Return the seconds from a chip without power to a chip that waits for a command."""
        ...

    def exchange(self, command: bytes, response: bytes, working: float = 0.0) -> Exchange:
        """Return what the exchange of two encoded APDUs takes.

        `working` is how long the chip works on the command, in seconds.
        """
        ...
