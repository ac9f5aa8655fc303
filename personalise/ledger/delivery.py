"""What printers, quality check, dispatch and the stop list ask of the ledger: part of `Ledger`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from emrtd.lds.image import LdsImage
from personalise.ledger.states import CardRecord, Place
from personalise.preparing.application import Application
from support.errors import MalformedError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Personal:
    """What is stored about one person: the job, its application, and its image."""

    job: str
    application: Application = field(repr=False)
    image: LdsImage = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListedStop:
    """A document that is on the stop list.

    `why` is lost, stolen, cancelled or returned, `since` an instant (aware); `document` is what was
    given to `Delivery.stop`.
    """

    job: str
    why: str
    since: datetime
    document: bytes = field(repr=False)


class Delivery(Protocol):
    """The part of a ledger that is about cards before and after the station."""

    # --- the printer

    def for_printer(
        self,
        make: Callable[[Personal], T],
        jobs: Sequence[str] = (),
        *,
        by: str,
        most: int,
        again: bool = False,
        held: Callable[[str, MalformedError], None] = lambda _job, _error: None,
    ) -> Iterator[T]:
        """Yield what `make` returns for prepared jobs, each entered as sent to the printer before.

        Without `jobs`, at most `most` that wait, in their turn: those that must be printed first,
        then those that any blank card could take; with `again` those that are at the printer.  A
        named job that is at the printer needs `again`.

        Raises `StepRefusedError` for a named job that cannot be printed, and what `make` raises: it
        is called before the job is entered.  A job that is not named and whose contents were
        altered (`MalformedError`) is held instead, and `held` is called with it.
        """
        ...

    def personal(self, job: str) -> Personal:
        """Return what is stored about the person of a job; `MisuseError` if it was purged."""
        ...

    def printed(self, job: str, card: str, *, by: str) -> None:
        """Enter that a card came back from the printer with the print of this job.

        From now on the job is written to this card only, and the card takes this job only.
        """
        ...

    def print_rejected(self, job: str, card: str, reason: str, *, by: str) -> None:
        """Enter that what was printed on a card is not this job's: the card is spoilt."""
        ...

    # --- after the station

    def move_card(self, card: str, to: Place, *, by: str, reason: str = "") -> CardRecord:
        """Enter that a good card was checked, packed, handed over or returned; return it."""
        ...

    # --- the stop list

    def stop(
        self, job: str, why: str, since: datetime, document: bytes, *, by: str, reason: str = ""
    ) -> None:
        """Put the document of a finished job on the stop list.

        `document` is its State and number, encrypted: the contents of the job may be purged.
        """
        ...

    def unstop(self, job: str, reason: str, *, by: str) -> None:
        """Take a document off the stop list: it was found."""
        ...

    def stops(self) -> list[ListedStop]:
        """Return the documents that are on the stop list, by job."""
        ...
