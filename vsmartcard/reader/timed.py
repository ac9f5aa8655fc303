"""A virtual chip in this process that takes time: the reader `timed:PROFILE[,LINK]:FILE`.

The time is virtual: nothing sleeps, and the connection says what link and chip have taken.
"""

from pathlib import Path

from emrtd.transport.events import CardEvents, CardInReader, PolledEvents
from support.errors import MisuseError
from vsmartcard.card.timed.layer import Timing
from vsmartcard.reader import in_process
from vsmartcard.reader.in_process import InProcessConnection
from vsmartcard.timing.profile import read_timing


def connect(address: str, *, blank: bool) -> InProcessConnection:
    """Connect to the chip of a state file, as `virtual:FILE` does, with the times of a profile.

    Raises `MisuseError` or `MalformedError` if there is no such profile or link.
    """
    timing, file = _parts(address)
    if not blank:
        in_process.require(file)
    return InProcessConnection(Path(file), f"timed:{address}", timing=Timing(*read_timing(timing)))


def watch(address: str) -> CardEvents:
    """Return the events of a reader in which the card is present while its file exists."""
    path, reader = Path(_parts(address)[1]), f"timed:{address}"
    return PolledEvents(lambda: {reader: CardInReader(address) if path.exists() else None})


def require(address: str) -> None:
    """Raise an error if there is no such profile, link or state file."""
    timing, file = _parts(address)
    read_timing(timing)
    in_process.require(file)


def _parts(address: str) -> tuple[str, str]:
    timing, _, file = address.partition(":")
    if not timing or not file:
        raise MisuseError(
            "timed: names no profile or no file", advice="write timed:PROFILE[,LINK]:FILE"
        )
    return timing, file
