"""A feeder of virtual cards in this process: the reader `feeder:DIR`, without a daemon.

The card in the reader is the first `*.chip` of the folder; ejecting it moves it to `DIR/done` or
`DIR/rejected`, and the next one is in the reader.  All there is to know stands in the folder: a
card that a process left behind, closed or killed, is the next one again.
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
    """The folder; raises `TransportError` where it is none."""

    def __init__(self, address: str) -> None:
        if not address:
            raise MisuseError("feeder: names no folder", advice="write feeder:DIR")
        self.reader = f"feeder:{address}"
        self._folder = Path(address)
        if not self._folder.is_dir():
            raise TransportError(
                f"{self.reader}: there is no such folder",
                TransportFault.NO_READER,
                reader=self.reader,
                advice="make blank cards with `vsmartcard blank DIR -n N`",
            )

    def connect(self) -> InProcessConnection:
        """Connect to the card in the reader.

        A file that is no virtual card goes to the rejected ones, and is an error like a mute card.
        """
        path = self._first()
        if path is None:
            raise TransportError(
                f"{self.reader}: the feeder is empty",
                TransportFault.NO_CARD,
                reader=self.reader,
                advice=f"put *{SUFFIX} files into it",
            )
        try:
            return InProcessConnection(path, self.reader, lambda tray: self._move(path, tray))
        except MalformedError as error:
            self._move(path, Tray.REJECTED)
            raise TransportError(
                f"{self.reader}: {path.name} is no virtual card ({error.reason})",
                TransportFault.CARD_MUTE,
                reader=self.reader,
                advice=f"it was moved to {Tray.REJECTED.value}",
            ) from error

    def look(self) -> Look:
        """The reader, with the card in it."""
        path = self._first()
        return {self.reader: None if path is None else CardInReader(path.name)}

    def _first(self) -> Path | None:
        return min(
            chips_in(self._folder), key=lambda path: (len(path.name), path.name), default=None
        )

    def _move(self, path: Path, tray: Tray) -> None:
        """Move a card; one that has its name already in the tray is not overwritten."""
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
                advice="the card is still in the reader: move it by hand",
            ) from error


def chips_in(folder: Path) -> list[Path]:
    """The files of virtual cards in a folder, in no order."""
    return [path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith(".")]


def connect(address: str, *, blank: bool) -> InProcessConnection:  # noqa: ARG001 - it makes none
    """Connect to the card that is in a feeder's reader."""
    return Feeder(address).connect()


def watch(address: str) -> CardEvents:
    """The events of a feeder's reader; `EXHAUSTED` when it is empty."""
    return PolledEvents(Feeder(address).look, feeder=True)
