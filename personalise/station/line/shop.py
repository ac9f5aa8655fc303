"""What the workers of one station share: the ledger, the keys, the orders, the events."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeVar

from personalise.ledger.errors import LedgerUnavailableError
from personalise.ledger.interface import Ledger
from personalise.ledger.states import JobState, Printing, StepRefusedError
from personalise.ledger.values import Claim
from personalise.pki.keys.station import StationKeys
from personalise.station.key_sources.interface import KeySource
from personalise.station.line.control import Control
from personalise.station.line.effects import EventKind
from personalise.station.line.events import Event
from personalise.station.line.last_issued import LastIssued
from personalise.station.outcomes import TryAgainError

T = TypeVar("T")

_AGAIN_SECONDS: Final = 1.0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Shop:
    """One station at work.

    `idle_ends`: the workers end when no job is open that this station may take (`--until-empty`).
    `preparing` is false once nothing prepares images any more, so that received jobs do not count.
    """

    ledger: Ledger
    station: str
    last_issued: LastIssued
    keys: StationKeys = field(repr=False)
    card_keys: KeySource | None = field(repr=False)
    control: Control
    tell: Callable[[Event], None]
    idle_ends: bool = False
    preparing: bool = True
    clock: Callable[[], datetime] = _now
    claims: dict[str, Claim] = field(default_factory=dict)
    """The claims that are being worked on, by reader: the station renews them."""
    busy: set[str] = field(default_factory=set)
    """Readers whose worker handles a card; a job of theirs may come back to the queue."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, reader: str, call: Callable[[], T]) -> T:
        """Call the ledger; wait while it is unavailable, or the disk with its journal is full.

        Raises `TryAgainError` if the station is stopped meanwhile: what was to be entered is then
        not known.
        """
        told = False
        while True:
            try:
                return call()
            except (LedgerUnavailableError, OSError) as error:
                problem = _problem(error)
                if not told:
                    self.tell(Event(EventKind.WAITING, reader, reason=str(problem)))
                told = True
                if self.control.stopping:
                    raise problem from error
                self.control.sleep(_AGAIN_SECONDS)

    def is_out_of_work(self, reader: str) -> bool:
        """Whether no job is open that this station may take, or that may still come back."""
        with self.lock:
            if self.busy - {reader}:
                return False
        is_printed = self._is_any(reader, JobState.PREPARED, printing=Printing.PRINTED)
        return not (is_printed or self.is_preparing(reader) or self.has_work(reader))

    def is_preparing(self, reader: str) -> bool:
        """Whether this station prepares received jobs."""
        return self.preparing and self._is_any(reader, JobState.RECEIVED)

    def has_work(self, reader: str, kind: str | None = None) -> bool:
        """Whether a job waits for a blank card of a kind, or of any."""
        return self._is_any(reader, JobState.PREPARED, kind)

    def _is_any(
        self,
        reader: str,
        state: JobState,
        kind: str | None = None,
        printing: Printing = Printing.NONE,
    ) -> bool:
        return bool(self.enter(reader, lambda: self.ledger.count_up_to(1, state, kind, printing)))

    def renew_claims(self) -> None:
        """Extend the leases of the claims that are being worked on."""
        with self.lock:
            claims = list(self.claims.values())
        for claim in claims:
            try:
                self.ledger.renew(claim)
            except StepRefusedError:
                continue  # the worker finds out when it enters its next step


def _problem(error: LedgerUnavailableError | OSError) -> TryAgainError:
    if isinstance(error, LedgerUnavailableError):
        return TryAgainError(error.message, advice=error.advice)
    where = f"{error.filename}: " if error.filename else ""
    return TryAgainError(f"{where}{error.strerror or error}", advice="make room on the disk")
