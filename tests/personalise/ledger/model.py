"""An exhaustive model of one job, three cards, two stations and a supervisor.

A world holds what the ledger says (job, cards) and what is so (good cards, programs).  Every step
of a station's program is a transition of its own, so a station can crash or pause anywhere.  The
model calls the same `apply` as the stores.

Worlds are tuples of small numbers, since there are many: jobs, cards and steps are numbered, and
the outcome of `apply` is kept for each combination.
"""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from personalise.ledger import rules
from personalise.ledger.states import (
    CardRecord,
    CardStatus,
    Job,
    JobState,
    Lease,
    StepRefusedError,
    Worker,
)
from personalise.ledger.steps import (
    Begun,
    CardRejected,
    Claimed,
    Interrupted,
    Issued,
    JobRejected,
    JobStep,
    Locking,
    Reprint,
    WrittenOff,
)
from personalise.ledger.stock_rules import require_blank

T = TypeVar("T")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
WORKERS = (Worker("a", "1"), Worker("b", "1"))
NONE = -1

Apply = Callable[[Job, CardRecord | None, JobStep, datetime], tuple[Job, CardRecord | None]]


class Doing(IntEnum):
    """Where the program of a station is; the next transition does what the comment says."""

    WAIT = 0  # wait for a card
    TAKE = 1  # take the job for the card
    LOOK = 2  # look at the card, and begin
    ENTER_LOCKING = 3  # write, and enter that the lock begins
    LOCK = 4  # lock
    CHECK = 5  # look that it is locked, and enter that it is issued


class Station(NamedTuple):
    """The program of one station: its card, whether that is still in the reader, and its claim."""

    doing: int
    card: int
    connected: bool
    serial: int


IDLE = Station(Doing.WAIT, NONE, connected=False, serial=0)


class World(NamedTuple):
    """What the ledger says, and what is so.

    `job` and `cards` are numbers of the model's `jobs` and `records`; `bound` is the card to which
    the job is bound.  A good card is locked, and every inspection accepts it.
    """

    job: int
    bound: int
    cards: tuple[int, ...]
    good: tuple[bool, ...]
    stations: tuple[Station, ...]


class _Numbers(Generic[T]):
    """Numbers values in the order in which they are seen."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[Any, int] = {}

    def of(self, value: T) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class Model:
    """The transitions of a world; `apply` is the rules under test."""

    def __init__(self, apply: Apply = rules.apply) -> None:
        self._rules = apply
        self._jobs: _Numbers[Job] = _Numbers()
        self._records: _Numbers[CardRecord] = _Numbers()
        self._apply = cache(self._applied)
        self._renumbered = cache(self._renumber)
        self._over = cache(self._lease_over)
        self._exchanged = cache(self._exchange)
        self._is_blank = cache(self._blank)

    def first(self, cards: int, stations: int) -> World:
        """Return the beginning: a prepared job, and blank cards outside the readers."""
        job = self._jobs.of(Job("A-1", JobState.PREPARED, has_image=True))
        card = self._records.of(CardRecord("", CardStatus.IN_STOCK))
        return World(job, NONE, (card,) * cards, (False,) * cards, (IDLE,) * stations)

    def job(self, world: World) -> Job:
        return self._jobs.values[world.job]

    def card(self, world: World, number: int) -> CardRecord:
        return self._records.values[world.cards[number]]

    def enter(self, world: World, card: int, step: JobStep) -> World | None:
        """Return the world after an entry; None if the rules refuse it."""
        record = NONE if card == NONE else world.cards[card]
        outcome = self._apply(world.job, record, card == world.bound, step)
        if outcome is None:
            return None
        job, record, is_bound = outcome
        bound = world.bound if is_bound is None else card if is_bound else NONE
        cards = world.cards if card == NONE else _put(world.cards, card, record)
        return World(job, bound, cards, world.good, world.stations)

    def _applied(
        self, job: int, card: int, is_bound: bool, step: JobStep
    ) -> tuple[int, int, bool | None] | None:
        """Apply a step to numbered rows.

        The card of the job is called "bound" and any other "other".  The last part of the result is
        whether the job is bound to this card now, None if it is still bound to another one.
        """
        name = "bound" if is_bound else "other"
        record = None if card == NONE else _named(self._records.values[card], name)
        before = self._jobs.values[job]
        try:
            after, record = self._rules(before, record, step, NOW)
        except StepRefusedError:
            return None
        bound = None if after.card == "bound" and not is_bound else after.card == name
        if after.card is not None:
            after = _job(after, card="bound")
        number = NONE if record is None else self._records.of(_named(record, ""))
        return self._jobs.of(_job(after)), number, bound

    def after(self, world: World) -> Iterator[World]:
        """Yield every world that can follow."""
        over = self._over(world.job)
        if over != world.job:
            yield world._replace(job=over)
        for step in (WrittenOff("s", "lost"), Reprint("s", "lost"), JobRejected("wrong")):
            decided = self.enter(world, world.bound, step)
            if decided is not None:
                yield decided
        for number, station in enumerate(world.stations):
            if station.doing == Doing.WAIT:
                yield from self._insert(world, number)
                yield from self._restart(world, number)
            else:
                yield _set(world, number, IDLE)  # killed; the card can be taken out
                if station.connected:  # pulled out: every further command fails
                    yield _set(world, number, station._replace(connected=False))
                yield from self._station(world, number, station)

    def _lease_over(self, job: int) -> int:
        record = self._jobs.values[job]
        if record.lease is None or not record.lease.is_live(NOW):
            return job
        lease = record.lease
        return self._jobs.of(
            _job(record, lease=Lease(lease.worker, lease.serial, lease.since, NOW))
        )

    def _insert(self, world: World, number: int) -> Iterator[World]:
        """Insert any card that is in no reader."""
        inside = {each.card for each in world.stations if each.connected}
        for card in range(len(world.cards)):
            if card not in inside:
                yield _set(world, number, Station(Doing.TAKE, card, connected=True, serial=0))

    def _restart(self, world: World, number: int) -> Iterator[World]:
        """A station that starts again gives up the claim that it left."""
        lease = self.job(world).lease
        if lease is not None and lease.worker == WORKERS[number]:
            joined = self.enter(world, world.bound, Interrupted(lease.serial))
            if joined is not None:
                yield joined

    def _station(self, world: World, number: int, station: Station) -> Iterator[World]:
        if station.doing == Doing.TAKE:
            yield self._take(world, number, station)
        elif not station.connected:
            yield self._then(world, number, Interrupted(station.serial), None)
        else:
            yield from self._command(world, number, station)

    def _take(self, world: World, number: int, station: Station) -> World:
        """Claim as a store does: the card's own job, or for a blank card the next one."""
        refused = _set(world, number, IDLE)
        if world.bound not in {NONE, station.card}:
            return refused
        if world.bound == NONE and not self._is_blank(world.cards[station.card]):
            return refused
        claimed = self.enter(world, station.card, Claimed(WORKERS[number], LATER))
        if claimed is None:
            return refused
        claims = self.job(claimed).claims
        return _set(claimed, number, station._replace(doing=Doing.LOOK, serial=claims))

    def _blank(self, card: int) -> bool:
        try:
            require_blank(self._records.values[card])
        except StepRefusedError:
            return False
        return True

    def _command(self, world: World, number: int, station: Station) -> Iterator[World]:
        """Yield what can follow while the card is in the reader.

        A card can fail at any time.  Only of one that is not good can it be shown that no
        inspection accepts it; of any it may be that nothing can be shown.
        """
        doing, card, _, serial = station
        good = world.good[card]
        for may_be_good in {True, good}:
            rejected = CardRejected(serial, "mute", "", may_be_good)
            yield self._then(world, number, rejected, None)
        if doing == Doing.LOOK and not good:
            yield self._then(world, number, Begun(serial), Doing.ENTER_LOCKING)
        elif doing == Doing.LOOK and self.job(world).state is JobState.IN_DOUBT:
            yield _set(world, number, station._replace(doing=Doing.CHECK))
        elif doing == Doing.ENTER_LOCKING:
            yield self._then(world, number, Locking(serial), Doing.LOCK)
        elif doing == Doing.LOCK:
            locked = world._replace(good=_put(world.good, card, item=True))
            yield _set(locked, number, station._replace(doing=Doing.CHECK))
        elif doing == Doing.CHECK and good:
            yield self._then(world, number, Issued(serial), None)

    def _then(self, world: World, number: int, step: JobStep, following: Doing | None) -> World:
        """Enter a step and go on; let the card go at the end, or if the step is refused."""
        station = world.stations[number]
        entered = self.enter(world, station.card, step)
        if entered is None:
            return _set(world, number, IDLE)
        going_on = IDLE if following is None else station._replace(doing=following)
        return _set(entered, number, going_on)

    def canonical(self, world: World) -> World:
        """Return the world without the names of claims, cards and stations.

        They make no difference: worlds that differ in nothing else have the same futures.
        """
        job, serials = self._renumbered(world.job, tuple(each.serial for each in world.stations))
        stations = [
            Station(each.doing, each.card, each.connected, serial)
            for each, serial in zip(world.stations, serials, strict=True)
        ]
        if len(stations) == 2 and stations[0] > stations[1]:
            stations.reverse()
            job = self._exchanged(job)
        keys = [
            (card, good, number == world.bound, *(each.card == number for each in stations))
            for number, (card, good) in enumerate(zip(world.cards, world.good, strict=True))
        ]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        place = dict(zip(order, range(len(order)), strict=True))
        place[NONE] = NONE
        return World(
            job,
            place[world.bound],
            tuple(world.cards[old] for old in order),
            tuple(world.good[old] for old in order),
            tuple(
                Station(each.doing, place[each.card], each.connected, each.serial)
                for each in stations
            ),
        )

    def _exchange(self, job: int) -> int:
        """Exchange the two stations in a lease."""
        record = self._jobs.values[job]
        if record.lease is None:
            return job
        lease = record.lease
        other = WORKERS[1 - WORKERS.index(lease.worker)]
        return self._jobs.of(
            _job(record, lease=Lease(other, lease.serial, lease.since, lease.until))
        )

    def _renumber(self, job: int, serials: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Number the claims anew, in the same order, without gaps."""
        record = self._jobs.values[job]
        lease = record.lease
        known = {0, record.claims, *serials} | (set() if lease is None else {lease.serial})
        rank = {serial: number for number, serial in enumerate(sorted(known))}
        if lease is not None:
            lease = Lease(lease.worker, rank[lease.serial], lease.since, lease.until)
        renumbered = _job(record, lease=lease, claims=rank[record.claims])
        return self._jobs.of(renumbered), tuple(rank[serial] for serial in serials)

    def explore(self, cards: int = 3, stations: int = 2) -> dict[World, list[World]]:
        """Return every world that can be reached, each with the worlds that follow it."""
        first = self.canonical(self.first(cards, stations))
        reached: dict[World, list[World]] = {}
        waiting, seen = deque([first]), {first}
        while waiting:
            world = waiting.popleft()
            following = list({self.canonical(each) for each in set(self.after(world))})
            reached[world] = following
            for each in following:
                if each not in seen:
                    seen.add(each)
                    waiting.append(each)
        return reached

    def broken_promise(self, world: World) -> str | None:
        """Return what is wrong with a world; None if the promise holds in it."""
        state = self.job(world).state
        live = 0
        for number, good in enumerate(world.good):
            card = self.card(world, number)
            if not good:
                if card.status is CardStatus.USED:
                    return "a card that is not good is called good"
                continue
            if card.status is CardStatus.WRITTEN_OFF and not card.may_be_good:
                return "a good card was written off as one that cannot be good"
            if card.status in {CardStatus.ENDED, CardStatus.WRITTEN_OFF}:
                continue
            live += 1
            issued = card.status is CardStatus.USED and state is JobState.ISSUED
            doubtful = card.status is CardStatus.BEGUN and state is JobState.IN_DOUBT
            if not (issued or doubtful) or number != world.bound:
                return f"a good card is {card.status} while the job is {state}"
        if live > 1:
            return "two good cards"
        if state is JobState.ISSUED and live != 1:
            return "the job is issued without a good card"
        return None


_DEFAULTS: dict[str, Any] = {"attempts": 0, "reason": ""}


def _job(job: Job, **changes: Any) -> Job:
    """Return a job with changes, without what no rule looks at."""
    fields = {name: getattr(job, name) for name in job.__struct_fields__}
    return Job(**(fields | _DEFAULTS | changes))


def _named(card: CardRecord, name: str) -> CardRecord:
    return CardRecord(name, card.status, card.job, card.may_be_good)


def _set(world: World, number: int, station: Station) -> World:
    return world._replace(stations=_put(world.stations, number, station))


def _put(items: tuple[T, ...], at: int, item: T) -> tuple[T, ...]:
    return (*items[:at], item, *items[at + 1 :])
