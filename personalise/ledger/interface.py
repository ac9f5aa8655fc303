"""What intake, data preparation, stations and supervisors ask of the ledger.

`personalise.ledger.opening.open_ledger` returns a `Ledger`.  Its methods may be called from several
threads.  Each method is one transaction: it is entered, durably, when the method returns, and
nothing is changed if it raises `StepRefusedError`.  After `LedgerUnavailableError` it may or may
not have been entered: repeat the call, since a step that was already taken by the same claim
changes nothing.

A station holds a slot (`personalise.ledger.journal.station_slot(ledger.id)`) and joins the ledger
with it once.  How it then makes one card:

    claim = ledger.take(worker, card_name, card_profile)
    ledger.begin(claim)        before the first command that writes to the card
    ledger.locking(claim)      before the first command after which an inspection might accept it
    ledger.issued(claim)       when the card was seen locked and was opened as an inspector would

A resumed claim may be in doubt.  The station looks at the card first: locked and right, it calls
`issued`; not locked, it goes on, with `locking` before the last write.  It calls `begin` only for a
claim that is not in doubt: the card may hold the whole document although it is not locked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from emrtd.lds.image import LdsImage
from personalise.ledger.delivery import Delivery
from personalise.ledger.journal import StationSlot
from personalise.ledger.states import CardRecord, CardStatus, JobState, Printing, Worker
from personalise.ledger.values import (
    AlteredJob,
    Arrival,
    CardRefused,
    Claim,
    JobEntry,
    Period,
    Preparation,
    PurgeReport,
    Reception,
    Summary,
    Verification,
)


class Ledger(Delivery, Protocol):
    """The ledger of a personalisation line."""

    @property
    def id(self) -> str:
        """The random identifier of this ledger (16 hexadecimal digits)."""
        ...

    # --- intake and preparation

    def receive(
        self,
        arrivals: Sequence[Arrival],
        *,
        package: bytes | None = None,
        hold_duplicates: bool = False,
    ) -> list[Reception]:
        """Enter applications, all or none; return what became of each, in order.

        `package` is the SHA-256 of the package that they came in; raises `ReplayedPackageError` if
        it was received before.  A document that has an open job or a live card is refused, or with
        `hold_duplicates` held; `Reception.duplicate_of` names the job.
        """
        ...

    def find_document(self, issuing_state: str, number: str) -> str | None:
        """Return the id of the open or issued job of a document; None if it has no such job."""
        ...

    def take_for_preparation(
        self,
        worker: Worker,
        limit: int,
        lease: timedelta = timedelta(minutes=5),
        *,
        altered: Callable[[AlteredJob], None] | None = None,
    ) -> list[Preparation]:
        """Return at most `limit` received jobs for this worker to prepare, the most urgent first.

        Nobody else receives them during the lease.  After it, whoever calls `prepared` first
        prevails.  A worker does one batch at a time: it receives what it took before and did not
        finish again, at once, also after a restart under the same name.

        `altered` is called with each job whose application was altered; without it,
        `MalformedError` is raised.
        """
        ...

    def give_up_preparation(self, worker: Worker) -> None:
        """Let others prepare at once what this worker has taken and not finished."""
        ...

    def prepared(self, job: str, image: LdsImage) -> None:
        """Store the image of a job, sealed; the job then waits for a card.

        Raises `StepRefusedError` if it is no longer to be prepared.
        """
        ...

    def reject(self, job: str, reason: str, *, by: str = "") -> None:
        """End a job for which no card can be made; `reason` holds no person's data.

        A card that was begun for it becomes spoilt.  Refused while a worker has the job, and while
        it is in doubt.
        """
        ...

    # --- stations

    def join(self, slot: StationSlot) -> None:
        """Begin work as a station: give up the claims that an earlier run of it left.

        `slot` comes from `personalise.ledger.journal.station_slot`; `slot.name` is the station of
        the workers.  Unbegun jobs of the earlier run wait for a card again; its begun cards can be
        taken up by any station.  From now on the entries about cards go into the station's journal
        as well.  Raises `LedgerRestoredError` if the ledger lacks the last entry of the journal, or
        the last checkpoint.
        """
        ...

    def take(
        self, worker: Worker, card: str | None, card_profile: str
    ) -> Claim | CardRefused | None:
        """Claim the job for the card in a reader; None if no job waits.

        `card` is the name of the card (`CardIdentity.name`), `card_profile` its kind.  A card that
        is bound to a job claims that job (`resumed`).  Any other card that is not blank, has no
        name, or is not in stock where the rules require it, is refused.  A blank card claims the
        next prepared job of its kind: reprints first, then by priority, then by age.
        """
        ...

    def image(self, claim: Claim) -> LdsImage:
        """Return the image of a claimed job, with the chip keys sealed for the station."""
        ...

    def renew(self, claim: Claim) -> Claim:
        """Extend the lease of a claim; return the claim.  Raises `StepRefusedError` if it is over.

        Call it at least three times a lease while the card is handled.
        """
        ...

    def begin(self, claim: Claim) -> None:
        """Bind the job to the card: call it before the first command that writes.

        For a resumed claim: the card was seen, and is not locked.
        """
        ...

    def locking(self, claim: Claim) -> None:
        """Enter that a good card may exist from now on.

        Call it before the first command after which an inspection might accept the card: the last
        decisive write, or the lock.  Do not send that command if this raises.
        """
        ...

    def issued(self, claim: Claim) -> None:
        """Enter that the card is good: it was seen locked, and opened as an inspector would.

        If this is refused, the card must not leave: put it with the rejected cards.
        """
        ...

    def card_rejected(
        self, claim: Claim, fault: str, reason: str, *, may_be_good: bool = False
    ) -> None:
        """Enter that the card was seen and is unusable; the job waits for another card.

        With `may_be_good` it could not be shown that no inspection accepts the card, and the job is
        in doubt until a supervisor has written the card off.  `fault` is the name of a `CardFault`.
        """
        ...

    def application_rejected(self, claim: Claim, reason: str) -> None:
        """Enter that no card can be made; a card that was begun becomes spoilt.

        Refused while the job is in doubt: enter `card_rejected` first.
        """
        ...

    def interrupted(self, claim: Claim, reason: str = "") -> None:
        """Give up a claim: the card was pulled out, or the station stops.

        A job that was not begun waits for a card again; one that was stays bound to its card.
        """
        ...

    # --- supervisors

    def job(self, job: str) -> JobEntry:
        """Return one job; raises `MisuseError` if there is none with this id."""
        ...

    def jobs(
        self, states: Iterable[JobState] = (), *, document: str | None = None
    ) -> Iterator[JobEntry]:
        """Yield the jobs in these states (all, if none is named), the oldest first."""
        ...

    def recently_issued(self, most: int) -> list[JobEntry]:
        """Return the jobs that were issued last, the newest first; as fast in any ledger."""
        ...

    def history(self, job: str) -> list[tuple[datetime, str, Mapping[str, object]]]:
        """Return the entries about one job: time, station or role, and the step as a record."""
        ...

    def hold(self, job: str, reason: str, *, by: str = "") -> None:
        """Hold a job that no card was begun for; without `by`, data preparation holds it."""
        ...

    def release(self, job: str, *, by: str, reason: str = "") -> None:
        """Let a held job go on; refused if its document has another open job or live card."""
        ...

    def reprint(self, job: str, reason: str, *, by: str) -> None:
        """End the good card of an issued job, and make another one from the same image.

        Raises `MalformedError`, and ends nothing, if the image no longer opens.
        """
        ...

    def write_off(self, card: str, reason: str, *, by: str) -> bool:
        """Write off a card that was begun and is not seen again; its job waits for another card.

        Returns whether a good card may exist.
        """
        ...

    def export(self, job: str, *, by: str) -> LdsImage:
        """Return the image of a job, for a folder outside the ledger; that it was is entered."""
        ...

    def purge(
        self, *, jobs: Iterable[str] = (), period: str | None = None, by: str, reason: str = ""
    ) -> PurgeReport:
        """Destroy what is stored about the persons of finished jobs, or of a retention period.

        `period` is a month of receipt, "2026-11": its key is destroyed too, unless a job of it is
        not finished.
        """
        ...

    def rejoin(self, *, reason: str, by: str) -> list[CardRecord]:
        """Enter what the journals of this user's stations know and a restored ledger lacks.

        Returns the cards that were entered.  A card whose job has another one meanwhile is written
        off, as one that may be good.  Raises `MisuseError` while a station of this user runs.
        """
        ...

    # --- cards

    def cards(self, statuses: Iterable[CardStatus] = ()) -> Iterator[CardRecord]:
        """Yield the cards with these statuses (all, if none is named), in order of their names."""
        ...

    def card(self, name: str) -> CardRecord:
        """Return what the ledger knows of a card; its status is `UNKNOWN` if that is nothing."""
        ...

    def cards_of(self, job: str) -> list[CardRecord]:
        """Return the cards that were used for a job, in the order of their first entries."""
        ...

    def receive_cards(self, names: Sequence[str], *, kind: str = "", by: str) -> int:
        """Enter blank cards into stock; return how many were new."""
        ...

    def spoil_card(self, name: str, reason: str, *, by: str) -> None:
        """Take a blank card out of stock: it is damaged, or lost."""
        ...

    def destroy_card(self, name: str, *, by: str, reason: str = "") -> None:
        """Enter that a spoilt, ended, written-off or blank card was destroyed."""
        ...

    # --- the whole

    def counts(self, card_profile: str | None = None) -> Mapping[JobState, int]:
        """Return how many jobs are in each state, of one kind of card or of all."""
        ...

    def count_up_to(
        self,
        most: int,
        state: JobState,
        card_profile: str | None = None,
        printing: Printing = Printing.NONE,
    ) -> int:
        """Return how many jobs are in a state, at most `most`; as fast in a ledger of any size.

        Prepared jobs count if their printing is at this point.
        """
        ...

    def summary(self) -> Summary:
        """Return the counts of jobs and cards, and the cards that may still be accepted."""
        ...

    def periods(self) -> list[Period]:
        """Return the retention periods, the oldest first."""
        ...

    def last_checkpoint(self) -> tuple[int, datetime] | None:
        """Return the number and the time of the last checkpoint, None if there is none."""
        ...

    def verify(self) -> Verification:
        """Check the hash chains, their checkpoints, and the promise of exactly one card.

        The checkpoint beside the PKI, and the journals of this user's stations on this host, show
        whether the ledger lacks what was entered.
        """
        ...

    def close(self) -> None:
        """Sign a last checkpoint, if there are new entries, and close the database."""
        ...
