"""The ledger in SQLite or PostgreSQL."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from emrtd.lds.image import LdsImage
from personalise.ledger import (
    checkpoints,
    claims,
    purging,
    receiving,
    rejoining,
    supervising,
)
from personalise.ledger.interface import Ledger
from personalise.ledger.journal import StationSlot, all_journals, last_entries
from personalise.ledger.sealing import APPLICATION, IMAGE, AlteredError
from personalise.ledger.session import INTAKE, OFFICE, PREPARATION
from personalise.ledger.sql_delivery import SqlDelivery
from personalise.ledger.sql_lists import SqlLists
from personalise.ledger.states import (
    CardRecord,
    Worker,
)
from personalise.ledger.steps import (
    Begun,
    CardDestroyed,
    CardReceived,
    CardRejected,
    CardSpoilt,
    Exported,
    Held,
    Interrupted,
    Issued,
    JobRejected,
    JobStep,
    Locking,
    Purged,
    Released,
    Reprint,
    WrittenOff,
)
from personalise.ledger.supervising import one_line
from personalise.ledger.tables import (
    from_microseconds,
)
from personalise.ledger.transaction import job_of
from personalise.ledger.values import (
    AlteredJob,
    Arrival,
    CardRefused,
    Claim,
    Preparation,
    PurgeReport,
    Reception,
    Verification,
)
from personalise.ledger.verification import Verifier


class SqlLedger(SqlDelivery, SqlLists):
    """A ledger in a database; satisfies `Ledger`."""

    # --- intake and preparation

    def receive(
        self,
        arrivals: Sequence[Arrival],
        *,
        package: bytes | None = None,
        hold_duplicates: bool = False,
    ) -> list[Reception]:
        """See `Ledger.receive`."""
        with self._entering(INTAKE) as transaction:
            transaction.require_clock()
            if package is not None:
                receiving.require_new_package(transaction, package)
            return receiving.receive(
                transaction,
                self._keys,
                arrivals,
                package="" if package is None else package.hex(),
                hold_duplicates=hold_duplicates,
            )

    def find_document(self, issuing_state: str, number: str) -> str | None:
        """See `Ledger.find_document`."""
        document = receiving.document_digest(self._keys, issuing_state, number)
        with self._reading() as transaction:
            return transaction.holder_of(document)

    def take_for_preparation(
        self,
        worker: Worker,
        limit: int,
        lease: timedelta = timedelta(minutes=5),
        *,
        altered: Callable[[AlteredJob], None] | None = None,
    ) -> list[Preparation]:
        """See `Ledger.take_for_preparation`."""
        with self._entering(PREPARATION) as transaction:
            transaction.require_clock()
            rows = receiving.take_for_preparation(transaction, worker, limit, lease)
        found: list[Preparation] = []
        for row in rows:
            try:
                with self._reading() as transaction:
                    sealed = receiving.blob_of(transaction, row, APPLICATION)
                found.append(self._contents.preparation(row, sealed))
            except AlteredError as error:
                if altered is None:
                    raise
                altered(AlteredJob(row.id, row.document, error))
        return found

    def give_up_preparation(self, worker: Worker) -> None:
        """See `Ledger.give_up_preparation`."""
        with self._entering(PREPARATION) as transaction:
            receiving.give_up_preparation(transaction, worker)

    def prepared(self, job: str, image: LdsImage) -> None:
        """See `Ledger.prepared`."""
        with self._entering(PREPARATION) as transaction:
            row = transaction.job_row(job)
            sealed = self._contents.seal_image(row, image)
            first = self._rules.print_first
            receiving.prepared(transaction, self._keys, row, image, sealed, print_first=first)

    def reject(self, job: str, reason: str, *, by: str = "") -> None:
        """See `Ledger.reject`."""
        step = JobRejected(one_line(reason, "reason"), by=by)
        with self._entering(OFFICE if by else PREPARATION) as transaction:
            supervising.step(transaction, job, step)

    # --- stations

    def join(self, slot: StationSlot) -> None:
        """See `Ledger.join`."""
        with self._entering(slot.name) as transaction:
            outside = checkpoints.read_outside(self._keys)
            checkpoints.require_outside(transaction, outside, self._database)
            checkpoints.require_entry(transaction, slot.journal.last(), self._database)
            transaction.require_clock()
            claims.give_up(transaction, slot.name)
        self._journals[slot.name] = slot.journal

    def take(
        self, worker: Worker, card: str | None, card_profile: str
    ) -> Claim | CardRefused | None:
        """See `Ledger.take`."""
        with self._entering(worker.station) as transaction:
            return claims.take(transaction, self._rules, worker, card, card_profile)

    def image(self, claim: Claim) -> LdsImage:
        """See `Ledger.image`."""
        with self._reading() as transaction:
            row = transaction.job_row(claim.job, lock=False)
            sealed = receiving.blob_of(transaction, row, IMAGE)
        return self._contents.image(row, sealed)

    def renew(self, claim: Claim) -> Claim:
        """See `Ledger.renew`."""
        with self._entering(claim.worker.station) as transaction:
            until = claims.renew(transaction, self._rules, claim)
        return replace(claim, until=from_microseconds(until))

    def begin(self, claim: Claim) -> None:
        """See `Ledger.begin`."""
        self._step(claim, Begun(claim.serial))

    def locking(self, claim: Claim) -> None:
        """See `Ledger.locking`."""
        self._step(claim, Locking(claim.serial))

    def issued(self, claim: Claim) -> None:
        """See `Ledger.issued`."""
        self._step(claim, Issued(claim.serial))

    def card_rejected(
        self, claim: Claim, fault: str, reason: str, *, may_be_good: bool = False
    ) -> None:
        """See `Ledger.card_rejected`."""
        step = CardRejected(claim.serial, fault, one_line(reason, "reason"), may_be_good)
        self._step(claim, step)

    def application_rejected(self, claim: Claim, reason: str) -> None:
        """See `Ledger.application_rejected`."""
        self._step(claim, JobRejected(one_line(reason, "reason"), claim.serial))

    def interrupted(self, claim: Claim, reason: str = "") -> None:
        """See `Ledger.interrupted`."""
        self._step(claim, Interrupted(claim.serial, reason))

    def _step(self, claim: Claim, step: JobStep) -> None:
        with self._entering(claim.worker.station) as transaction:
            claims.step(transaction, claim, step)

    # --- supervisors

    def hold(self, job: str, reason: str, *, by: str = "") -> None:
        """See `Ledger.hold`."""
        with self._entering(OFFICE if by else PREPARATION) as transaction:
            supervising.step(transaction, job, Held(one_line(reason, "reason"), by))

    def release(self, job: str, *, by: str, reason: str = "") -> None:
        """See `Ledger.release`."""
        with self._entering(OFFICE) as transaction:
            supervising.step(transaction, job, Released(reason, by))

    def reprint(self, job: str, reason: str, *, by: str) -> None:
        """See `Ledger.reprint`."""
        with self._entering(OFFICE) as transaction:
            supervising.reprint(transaction, job, Reprint(by, one_line(reason, "reason")))
            # An image that does not open undoes the step: the good card must not be ended for it.
            row = transaction.job_row(job)
            self._contents.image(row, receiving.blob_of(transaction, row, IMAGE))

    def write_off(self, card: str, reason: str, *, by: str) -> bool:
        """See `Ledger.write_off`."""
        with self._entering(OFFICE) as transaction:
            step = WrittenOff(by, one_line(reason, "reason"))
            return supervising.write_off(transaction, card, step)

    def export(self, job: str, *, by: str) -> LdsImage:
        """See `Ledger.export`."""
        with self._entering(OFFICE) as transaction:
            row = transaction.job_row(job)
            sealed = receiving.blob_of(transaction, row, IMAGE)
            transaction.enter(Exported(by), job_of(row))
        return self._contents.image(row, sealed)

    def purge(
        self, *, jobs: Iterable[str] = (), period: str | None = None, by: str, reason: str = ""
    ) -> PurgeReport:
        """See `Ledger.purge`."""
        step, done, periods = Purged(by, reason), [], set()
        for job in jobs:
            with self._entering(OFFICE) as transaction:
                row = transaction.job_row(job)
                purging.purge(transaction, row, step)
            done.append(job)
            periods.add(row.period)
        kept, destroyed = [], []
        if period is not None:
            done += self._purge_period(period, step)
            periods.add(period)
            with self._entering(OFFICE) as transaction:
                has_ended = purging.end_period(transaction, period)
                kept = purging.unfinished(transaction, period)
            if has_ended:
                self._keys.destroy_period(period)
                destroyed.append(period)
        self._contents.forget()
        left = purging.clean(self._database)
        beyond_reach = purging.beyond_reach(self._keys, periods, destroyed, left)
        return PurgeReport(tuple(done), tuple(destroyed), tuple(kept), beyond_reach)

    def _purge_period(self, period: str, step: Purged) -> list[str]:
        done: list[str] = []
        while True:
            with self._entering(OFFICE) as transaction:
                purging.require_period(transaction, period)
                rows = purging.next_of_period(transaction, period)
                for row in rows:
                    purging.purge(transaction, row, step)
            done += [row.id for row in rows]
            if len(rows) < purging.BATCH:
                return done

    def rejoin(self, *, reason: str, by: str) -> list[CardRecord]:
        """See `Ledger.rejoin`."""
        reason = one_line(reason, "reason")
        with all_journals(self._id) as journals:
            with self._entering(OFFICE) as transaction:
                found = rejoining.rejoin(transaction, journals, reason, by)
                name = f"joined-{transaction.now:%Y%m%dT%H%M%S%f}"
            for journal in journals:
                journal.set_aside(name)
            checkpoints.set_aside(self._keys, name)
        return found

    # --- cards

    def receive_cards(self, names: Sequence[str], *, kind: str = "", by: str) -> int:
        """See `Ledger.receive_cards`."""
        with self._entering(OFFICE) as transaction:
            return supervising.receive_cards(transaction, names, CardReceived(kind, by))

    def spoil_card(self, name: str, reason: str, *, by: str) -> None:
        """See `Ledger.spoil_card`."""
        step = CardSpoilt(by, one_line(reason, "reason"))
        with self._entering(OFFICE) as transaction:
            transaction.step_card(transaction.card(name), step)

    def destroy_card(self, name: str, *, by: str, reason: str = "") -> None:
        """See `Ledger.destroy_card`."""
        with self._entering(OFFICE) as transaction:
            transaction.step_card(transaction.card(name), CardDestroyed(by, reason))

    # --- the whole

    def verify(self) -> Verification:
        """See `Ledger.verify`."""
        outside = checkpoints.read_outside(self._keys)
        last = last_entries(self._id)  # before the transaction: stations may be at work
        with self._reading(at_one_time=True) as transaction:
            return Verifier(transaction, self._keys, self._database, outside, last).verify()


if TYPE_CHECKING:
    _SATISFIES: type[Ledger] = SqlLedger
