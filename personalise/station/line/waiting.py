"""Waiting at one reader: for a card, or for an application for the card that is in it."""

from dataclasses import dataclass
from typing import Final, Protocol

from personalise.station.line.effects import Arrival, Ended, SeenCard
from personalise.station.line.reader_watch import ReaderState, ReaderWatch
from personalise.station.line.shop import Shop

_LOOKING_SECONDS: Final = 0.25
_WORK_SECONDS: Final = 0.5
_OUT_OF_WORK: Final = "no application is open that this station may take"


class Tell(Protocol):
    """Tells why nothing is done; `card` is the name of the card that waits."""

    def __call__(self, reason: str, card: str | None = None) -> None:
        """Tell it."""
        ...


@dataclass(slots=True)
class Waiting:
    """Waits at a reader, as long as the station is not ended.

    The reader is not `busy` meanwhile: no application can come back from it.
    """

    reader: str
    shop: Shop
    state: ReaderState
    watch: ReaderWatch
    tell: Tell
    _handled: int = 0

    def for_card(self, *, another: bool) -> Arrival | Ended:
        """Wait until a card can be handled; with `another`, until the present one was replaced."""
        with self.shop.lock:
            self.shop.busy.discard(self.reader)
        told, seconds = "", 0.0
        while True:
            if ending := self.shop.control.ending:
                return Ended(ending)
            self.watch.look(seconds)
            seconds = _LOOKING_SECONDS
            if self.shop.control.paused:
                told = self._tell_once("paused", told)
                continue
            new = self.watch.insertions != self._handled
            if self.watch.present and (new or not another):
                self._handled = self.watch.insertions
                with self.shop.lock:
                    self.shop.busy.add(self.reader)
                return Arrival(new)
            if self.shop.idle_ends:
                if self.watch.exhausted and not self.watch.present:
                    return Ended("the feeder has no card")
                if self.shop.is_out_of_work(self.reader):
                    return Ended(_OUT_OF_WORK)
            told = self._tell_once(self._reason(), told)

    def for_work(self, card: SeenCard) -> Ended | None:
        """Wait until a job may be there for the card in the reader, or the card has left."""
        reason = f"no application waits for a card of the kind {card.kind}"
        if self.shop.is_preparing(self.reader):
            reason = "images are being prepared"
        self.state.doing = reason
        self.tell(reason, card.name)
        with self.shop.lock:
            self.shop.busy.discard(self.reader)
        while not self.shop.has_work(self.reader, card.kind):
            if ending := self.shop.control.ending:
                return Ended(ending)
            if self.shop.idle_ends and self.shop.is_out_of_work(self.reader):
                return Ended(_OUT_OF_WORK)
            insertions = self.watch.insertions
            self.watch.look(_WORK_SECONDS)
            if not self.watch.present or self.watch.insertions != insertions:
                break
        return None

    def _reason(self) -> str:
        if not self.watch.plugged:
            return "the reader is not plugged in"
        return "take the card out" if self.watch.present else "insert a card"

    def _tell_once(self, reason: str, told: str) -> str:
        """Show why nothing is done, unless that was told last; return the reason."""
        self.state.doing, self.state.job = reason, ""
        if reason != told:
            self.tell(reason)
        return reason
