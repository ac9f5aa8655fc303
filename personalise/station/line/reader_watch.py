"""What a worker knows of its reader: events of cards, and what the display shows of it."""

from emrtd.errors import TransportError
from emrtd.transport.events import CardEventKind, CardEvents
from emrtd.transport.readers import watch
from personalise.station.outcomes import StopReaderError


class ReaderState:
    """What the display shows of a reader: a few words, the job, and octets done of all."""

    def __init__(self) -> None:
        self.doing = "starts"
        self.job = ""
        self.done = 0
        self.total = 0
        self.last = ""

    def progress(self, done: int, total: int) -> None:
        """Record the octets written and read back."""
        self.done, self.total = done, total


class ReaderWatch:
    """Follows the events of one reader.

    `full_name` is the reader's whole name, known once it is plugged in; until then the name or part
    of a name that was given.  `insertions` counts the cards inserted, `exhausted` tells that a
    feeder has no card.
    """

    def __init__(self, reader: str) -> None:
        self.full_name = reader
        self.plugged = False
        self.present = False
        self.exhausted = False
        self.insertions = 0
        self._events: CardEvents = watch(reader)

    def look(self, seconds: float) -> None:
        """Wait for events for this long at most; raises `StopReaderError`."""
        try:
            found = self._events.wait(seconds)
        except TransportError as error:
            raise StopReaderError(error.message, advice=error.advice) from error
        for event in found:
            match event.kind:
                case CardEventKind.INSERTED:
                    self.present, self.exhausted = True, False
                    self.insertions += 1
                case CardEventKind.EXHAUSTED:
                    self.exhausted = True
                case CardEventKind.READER_ADDED:
                    self.plugged, self.full_name = True, event.reader
                case CardEventKind.REMOVED:
                    self.present = False
                case CardEventKind.READER_GONE | CardEventKind.SERVICE_GONE:
                    self.plugged = self.present = False
                case CardEventKind.SERVICE_BACK:
                    pass  # its readers follow as separate events

    def close(self) -> None:
        """Watch no longer."""
        self._events.close()
