"""Checking a ledger: its chains, its checkpoints, its rows, and the promise of exactly one card.

Three passes, each over entries in one order, so that memory does not grow with the ledger (the
sealed contents of a job, at most some 100 kB, are read one job at a time):

1. by chain: every digest, every place, the head; the checkpoints against them;
2. by job: the entries are applied again, one by one, with the rules of `personalise.ledger.rules`;
   the row must be what they lead to, and the sealed contents those that were entered;
3. by card: the row must be what the last entry says, and a card was begun for one job at most.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Row, Select, func, select

from emrtd.crypto.signatures import verify as verify_signature
from emrtd.errors import ProtocolError
from personalise.ledger import rules
from personalise.ledger.chain import (
    BEFORE_THE_FIRST,
    SCHEME,
    Checkpoint,
    Entry,
    digest_of,
)
from personalise.ledger.checkpoints import require_entry, require_outside
from personalise.ledger.engine import Database
from personalise.ledger.errors import LedgerRestoredError
from personalise.ledger.keys.interface import LedgerKeys
from personalise.ledger.sealing import APPLICATION, IMAGE, ciphertext_digest
from personalise.ledger.states import (
    CardRecord,
    CardStatus,
    Job,
    JobState,
    Place,
    StepRefusedError,
)
from personalise.ledger.steps import (
    CardDestroyed,
    CardMoved,
    CardReceived,
    CardSpoilt,
    Prepared,
    Received,
)
from personalise.ledger.tables import BLOB, CARD, CHAIN, CHECKPOINT, ENTRY, JOB, STOP
from personalise.ledger.transaction import HOLDING, Transaction, job_of
from personalise.ledger.values import Finding, Verification
from support.errors import MalformedError

_BATCH: Final = 1000
_MOST_FINDINGS: Final = 1000

_Heads = dict[str, dict[int, bytes]]
"""Of each chain, the digest of an entry by its place."""


@dataclass(slots=True)
class Verifier:
    """Verifies one ledger in one reading transaction.

    `outside` is the checkpoint beside the PKI, `journals` are the last entries of the journals of
    this host's stations; both were read before the transaction began.
    """

    transaction: Transaction
    keys: LedgerKeys
    database: Database
    outside: Checkpoint | None
    journals: Sequence[Entry] = ()
    _findings: list[Finding] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _stopped: set[int] = field(default_factory=set)

    def verify(self) -> Verification:
        """Run all passes."""
        checkpoints = self._read_checkpoints()
        self._verify_chains(checkpoints)
        self._verify_jobs()
        self._verify_cards()
        counts = self._counts
        return Verification(
            counts["entries"],
            counts["checkpoints"],
            counts["jobs"],
            counts["cards"],
            tuple(self._findings),
        )

    def _report(self, where: str, problem: str) -> None:
        if len(self._findings) < _MOST_FINDINGS:
            self._findings.append(Finding(where, problem))

    def _stream(self, query: Select[Any]) -> Iterator[Row[Any]]:
        connection = self.transaction.connection.execution_options(yield_per=_BATCH)
        yield from connection.execute(query)

    # --- checkpoints

    def _read_checkpoints(self) -> _Heads:
        """Verify the checkpoints; return the heads in them."""
        heads: _Heads = {}
        number, previous = 0, BEFORE_THE_FIRST
        for row in self._stream(select(CHECKPOINT).order_by(CHECKPOINT.c.number)):
            self._counts["checkpoints"] += 1
            number += 1
            where = f"checkpoint {row.number}"
            try:
                checkpoint = Checkpoint.decode(row.content)
                verify_signature(self.keys.public_key, SCHEME, row.signature, row.content.encode())
            except MalformedError as error:
                self._report(where, error.message)
                continue
            except ProtocolError:
                self._report(where, "its signature is wrong")
                continue
            digest = digest_of(row.content)
            place = (row.number, checkpoint.number, checkpoint.ledger, checkpoint.previous)
            if place != (number, number, self.transaction.ledger, previous.hex()):
                self._report(where, "the chain of checkpoints is broken before it")
                number = row.number
            if digest != row.digest:
                self._report(where, "its digest is wrong")
            previous = digest
            for chain, (sequence, head) in checkpoint.heads.items():
                heads.setdefault(chain, {})[sequence] = bytes.fromhex(head)
        try:
            require_outside(self.transaction, self.outside, self.database)
        except LedgerRestoredError as error:
            self._report("ledger", error.message)
        for last in self.journals:
            try:
                require_entry(self.transaction, last, self.database)
            except LedgerRestoredError as error:
                self._report(f"chain {last.chain}", error.message)
        return heads

    # --- chains

    def _verify_chains(self, heads: _Heads) -> None:
        ends: dict[str, tuple[int, bytes]] = {}
        query = select(ENTRY).order_by(ENTRY.c.chain, ENTRY.c.sequence)
        for chain, rows in groupby(self._stream(query), key=lambda row: row.chain):
            ends[chain] = self._verify_chain(chain, rows, heads.pop(chain, {}))
        for chain in heads:
            self._report(f"chain {chain}", "is in a checkpoint, and has no entries")
        for row in self.transaction.connection.execute(select(CHAIN)).all():
            end = ends.pop(row.name, (0, BEFORE_THE_FIRST))
            if end != (row.sequence, row.digest):
                self._report(f"chain {row.name}", "does not end as its head says")
        for chain in ends:
            self._report(f"chain {chain}", "has no head")

    def _verify_chain(
        self, chain: str, rows: Iterable[Row[Any]], heads: dict[int, bytes]
    ) -> tuple[int, bytes]:
        """Verify one chain; return its length and its last digest."""
        sequence, previous = 0, BEFORE_THE_FIRST
        for row in rows:
            self._counts["entries"] += 1
            sequence += 1
            where = f"chain {chain}, entry {row.sequence}"
            digest = digest_of(row.content)
            entry = self._decoded(row, where)
            if entry is not None:
                stated = (entry.ledger, entry.chain, entry.sequence, entry.job, entry.card)
                stored = (self.transaction.ledger, chain, row.sequence, row.job, row.card)
                if stated != stored or digest != row.digest:
                    self._report(where, "was changed")
                if row.sequence != sequence or entry.previous != previous.hex():
                    self._report(where, "the chain is broken before it")
            sequence, previous = row.sequence, digest
            if heads.pop(sequence, digest) != digest:
                self._report(where, "is not the one that a checkpoint signs")
        if heads:
            self._report(f"chain {chain}", f"lacks entry {max(heads)}, which a checkpoint signs")
        return sequence, previous

    def _decoded(self, row: Row[Any], where: str) -> Entry | None:
        try:
            return Entry.decode(row.content)
        except MalformedError as error:
            self._report(where, str(error.reason))
            return None

    # --- jobs

    def _verify_jobs(self) -> None:
        query = (
            select(ENTRY.c.content, ENTRY.c.job)
            .where(ENTRY.c.job.is_not(None))
            .order_by(ENTRY.c.job, ENTRY.c.number)
        )
        entries = groupby(self._stream(query), key=lambda row: row.job)
        self._stopped = set(self.transaction.connection.execute(select(STOP.c.job)).scalars())
        rows = self._stream(select(JOB).order_by(JOB.c.id))
        for job, row, found in _joined(rows, entries):
            if row is None:
                self._report(job, "is not in the ledger, and has entries")
                continue
            self._counts["jobs"] += 1
            replayed = _Replay(job)
            for each in found:
                entry = self._decoded(each, job)
                if entry is None or (problem := replayed.apply(entry)) is None:
                    continue
                self._report(job, problem)
                break
            else:
                self._compare(row, replayed)
        shared = (
            select(JOB.c.live_document, func.min(JOB.c.id).label("job"))
            .where(JOB.c.live_document.is_not(None))
            .group_by(JOB.c.live_document)
            .having(func.count() > 1)
        )
        for found_twice in self.transaction.connection.execute(shared).all():
            self._report(found_twice.job, "has the same document as another application")

    def _compare(self, row: Row[Any], replayed: "_Replay") -> None:
        if replayed.job is None:
            self._report(row.id, "has no entries")
            return
        expected, job = replayed.job, job_of(row)
        for what, left, right in (
            ("state", job.state, expected.state),
            ("card", job.card, expected.card),
            ("number of claims", job.claims, expected.claims),
            ("number of attempts", job.attempts, expected.attempts),
            ("document", row.document, replayed.document),
            ("printing", job.printing, expected.printing),
            ("place on the stop list", job.stopped, expected.stopped),
        ):
            if left != right:
                self._report(row.id, f"its {what} is not the one that its entries lead to")
        if bool(job.stopped) != (row.number in self._stopped):
            self._report(row.id, "its stop, and what the stop list is made from, do not agree")
        if job.state in HOLDING and row.live_document != row.document:
            self._report(row.id, "does not hold its document, so that another could be made")
        if job.state is not JobState.PURGED:
            self._compare_contents(row, replayed)
        live = replayed.live_cards()
        if len(live) > 1:
            self._report(row.id, f"has more than one good card: {', '.join(live)}")
        if job.state is JobState.ISSUED and live != [job.card]:
            self._report(row.id, "is issued, and its good card is not the one it names")

    def _compare_contents(self, row: Row[Any], replayed: "_Replay") -> None:
        query = select(BLOB.c.kind, BLOB.c.content).where(BLOB.c.job == row.number)
        stored = {
            each.kind: ciphertext_digest(each.content)
            for each in self.transaction.connection.execute(query).all()
        }
        for kind, expected in replayed.contents.items():
            if kind not in stored:
                self._report(row.id, f"has lost its sealed {kind}")
            elif stored[kind] != expected:
                self._report(row.id, f"has a sealed {kind} that is not the one entered")

    # --- cards

    def _verify_cards(self) -> None:
        query = (
            select(ENTRY.c.content, ENTRY.c.card)
            .where(ENTRY.c.card.is_not(None))
            .order_by(ENTRY.c.card, ENTRY.c.number)
        )
        entries = groupby(self._stream(query), key=lambda row: row.card)
        rows = self._stream(select(CARD).order_by(CARD.c.name))
        for name, row, found in _joined(rows, entries):
            decoded = [entry for each in found if (entry := self._decoded(each, f"card {name}"))]
            if row is None:
                self._report(f"card {name}", "is not in the ledger, and has entries")
                continue
            self._counts["cards"] += 1
            last = next((e.card_becomes for e in reversed(decoded) if e.card_becomes), None)
            if last is None or last.value != row.status:
                self._report(f"card {name}", "is not in the state that its entries lead to")
            moved = (e.step.to for e in reversed(decoded) if isinstance(e.step, CardMoved))
            if row.place != next(moved, Place.LINE):
                self._report(f"card {name}", "is not at the place that its entries lead to")
            if len({entry.job for entry in decoded if entry.job is not None}) > 1:
                self._report(f"card {name}", "was used for more than one application")


class _Replay:
    """Applies the entries of one job again."""

    def __init__(self, job: str) -> None:
        self._id = job
        self._cards: dict[str, CardRecord] = {}
        self.job: Job | None = None
        self.document = ""
        self.contents: dict[str, str] = {}
        """The digests of the sealed contents, by their kind."""

    def apply(self, entry: Entry) -> str | None:
        """Apply one entry; return what is wrong with it, or None."""
        step = entry.step
        if isinstance(step, Received):
            if self.job is not None:
                return "was received twice"
            self.job, self.document = rules.receive(self._id, step.hold), step.document
            self.contents[APPLICATION] = step.contents
            return None if entry.becomes is self.job.state else _unfit(entry)
        if self.job is None or isinstance(step, CardReceived | CardSpoilt | CardDestroyed):
            return f"the entry of {entry.at:%Y-%m-%d %H:%M:%S} UTC cannot be its next step"
        card = None if entry.card is None else self._cards.get(entry.card, CardRecord(entry.card))
        try:
            self.job, card = rules.apply(self.job, card, step, entry.at)
        except StepRefusedError:
            return _unfit(entry)
        if isinstance(step, Prepared):
            self.contents[IMAGE] = step.image
        if card is not None:
            self._cards[card.name] = card
        becomes = (self.job.state, None if card is None else card.status)
        return None if (entry.becomes, entry.card_becomes) == becomes else _unfit(entry)

    def live_cards(self) -> list[str]:
        """Return the names of the cards that are good, as far as the entries tell."""
        return [card.name for card in self._cards.values() if card.status is CardStatus.USED]


def _unfit(entry: Entry) -> str:
    return (
        f"the rules do not allow the entry {entry.step.name} of"
        f" {entry.at:%Y-%m-%d %H:%M:%S} UTC, {entry.chain} {entry.sequence}"
    )


def _joined(
    rows: Iterator[Row[Any]], entries: Iterator[tuple[str, Iterator[Row[Any]]]]
) -> Iterator[tuple[str, Row[Any] | None, list[Row[Any]]]]:
    """Join rows with their entries; both come in the order of the rows' first key column.

    Yields the key, the row (None for entries without one) and the entries.
    """
    row, group = next(rows, None), next(entries, None)
    while row is not None or group is not None:
        key = None if row is None else str(row.id if hasattr(row, "id") else row.name)
        if group is None or (key is not None and key < group[0]):
            yield str(key), row, []
            row = next(rows, None)
        elif key is None or group[0] < key:
            yield group[0], None, list(group[1])
            group = next(entries, None)
        else:
            yield key, row, list(group[1])
            row, group = next(rows, None), next(entries, None)
