"""A feeder of virtual cards in this process: the reader `feeder:DIR`, without a daemon.

The card in the reader is the first `*.chip` file of the folder.  Ejecting it moves the file to
`DIR/done` or `DIR/rejected`; then the next file is the card in the reader.  The folder is the only
state: a card that was not ejected, because its process closed it or was killed, is the next one.
"""

from pathlib import Path
from typing import Final

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.connection import Tray
from emrtd.transport.events import CardEvents, CardInReader, Look, PolledEvents
from support.errors import MalformedError, MisuseError
from vsmartcard.reader.in_process import InProcessConnection

SUFFIX: Final = ".chip"


class Feeder:
    """The feeder of a folder; raises `TransportError` if the folder does not exist."""

    def __init__(self, address: str) -> None:
        if not address:
            raise MisuseError("feeder: names no folder", advice="write feeder:DIR")
        self.reader = f"feeder:{address}"
        self._folder = Path(address)
        if not self._folder.is_dir():
            raise TransportError(
                f"{self.reader}: no such folder",
                TransportFault.NO_READER,
                reader=self.reader,
                advice="make blank cards with `vsmartcard blank DIR -n N`",
            )

    def connect(self) -> InProcessConnection:
        """Connect to the card in the reader.

        A file that is not a virtual card is moved to `rejected` and raises `CARD_MUTE`.
        """
        path = self.first()
        if path is None:
            raise TransportError(
                f"{self.reader}: the feeder is empty",
                TransportFault.NO_CARD,
                reader=self.reader,
                advice=f"put *{SUFFIX} files into it",
            )
        try:
            return InProcessConnection(path, self.reader, lambda tray: self.put_away(path, tray))
        except MalformedError as error:
            self.put_away(path, Tray.REJECTED)
            raise TransportError(
                f"{self.reader}: {path.name} is not a virtual card ({error.reason})",
                TransportFault.CARD_MUTE,
                reader=self.reader,
                advice=f"it is now in {Tray.REJECTED.value}; try again with the next card",
            ) from error

    def look(self) -> Look:
        """Return the state of the reader: its card, or None."""
        path = self.first()
        return {self.reader: None if path is None else CardInReader(path.name)}

    def first(self) -> Path | None:
        """Return the file of the card in the reader; None if the feeder is empty."""
        return min(
            chips_in(self._folder), key=lambda path: (len(path.name), path.name), default=None
        )

    def put_away(self, path: Path, tray: Tray) -> None:
        """Move a card to a tray; change its name if the tray already has a file of that name."""
        try:
            folder = self._folder / tray.value
            folder.mkdir(exist_ok=True)
            target, number = folder / path.name, 2
            while target.exists():
                target = folder / f"{path.stem}-{number}{SUFFIX}"
                number += 1
            path.rename(target)
        except OSError as error:
            raise TransportError(
                f"{self.reader}: {path.name} cannot be moved to {tray.value} ({error.strerror})",
                reader=self.reader,
                advice="move it by hand; until then it stays in the reader",
            ) from error


def chips_in(folder: Path) -> list[Path]:
    """Return the files of virtual cards in a folder, in no order."""
    return [path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith(".")]


def connect(address: str, *, blank: bool) -> InProcessConnection:  # noqa: ARG001 - a feeder makes no cards
    """Connect to the card in a feeder's reader."""
    return Feeder(address).connect()


def watch(address: str) -> CardEvents:
    """Return the events of a feeder's reader, with `EXHAUSTED` when the folder is empty."""
    return PolledEvents(Feeder(address).look, feeder=True)


def require(address: str) -> None:
    """Raise `TransportError` if the folder of a feeder does not exist."""
    Feeder(address)
