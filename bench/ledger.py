"""Claim and issue in a ledger of 1,000,000 applications, beside one of 1,000; waiting for a server.

A claim and issue is four steps, each on disk before it returns.
"""

import multiprocessing
import os
import secrets
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from bench.timing import WALL, Ratio, ratio
from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.signatures import PublicKey
from personalise.ledger.chain import SCHEME
from personalise.ledger.engine import Database
from personalise.ledger.keys.interface import PeriodKey
from personalise.ledger.keys.period_software import SoftwarePeriodKey
from personalise.ledger.migrations import prepare
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import Worker
from personalise.ledger.values import Arrival, Claim, Rules
from support.secret import Secret

SMALL = 1_000
LARGE = int(os.environ.get("CHIPSEAL_BENCH_APPLICATIONS", "1000000"))
ALLOWED = 2.0

STATIONS = 16
CARDS = 4
HANDLING = 3.0
"""Seconds that a chip takes in the comparison with a server; a permit takes more."""
ALLOWED_WAIT = 0.05

KIND = "iso7816-9"
BENCH = Worker("bench", "reader")
_POSTGRESQL = "CHIPSEAL_BENCH_POSTGRESQL"

_FILL = """
INSERT INTO job (id, state, card, claims, attempts, has_image, reprint, reason, document,
                 live_document, profile, card_profile, priority, received, changed, period)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :jobs),
     drawn (i, id, document) AS (
         SELECT i, lower(hex(randomblob(8))), lower(hex(randomblob(32))) FROM n)
SELECT 'A-' || id, CASE WHEN i % 2 THEN 'issued' ELSE 'prepared' END,
       CASE WHEN i % 2 THEN id END, 1, 1, 1, 0, '', document, document, 'permit', :kind, 0, i, i,
       '2026-11' FROM drawn
"""
_FILL_CARDS = """
INSERT INTO card (name, status, job, may_be_good, reason, kind, changed)
SELECT card, 'used', id, 0, '', :kind, changed FROM job WHERE card IS NOT NULL
"""
_FILL_ENTRIES = """
INSERT INTO entry (chain, sequence, content, job, card, digest)
SELECT 'filled', number, hex(randomblob(200)), id, card, randomblob(32) FROM job
"""


class Keys:
    """Keys in memory."""

    can_sign = True

    def __init__(self, folder: Path) -> None:
        self.last_checkpoint = folder / "checkpoint.json"
        self._key = generate_private_key("secp256r1")
        self._period_keys = defaultdict[str, PeriodKey](
            lambda: SoftwarePeriodKey(Secret(secrets.token_bytes(32)))
        )

    def keyed_digest(self, octets: bytes) -> str:
        return octets.hex()

    def period_key(self, period: str, *, create: bool = False) -> PeriodKey:  # noqa: ARG002
        return self._period_keys[period]

    def destroy_period(self, period: str) -> None: ...

    def where(self, period: str) -> str:
        return period

    def backups(self, period: str) -> str:
        return period

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(SCHEME, message)

    @property
    def public_key(self) -> PublicKey:
        return self._key.public_key


def measure() -> list[Ratio]:
    with TemporaryDirectory() as name:
        found = [measure_size(Path(name))]
        if _POSTGRESQL in os.environ:
            found.append(measure_waiting(os.environ[_POSTGRESQL], Path(name)))
    return found


def measure_size(folder: Path) -> Ratio:
    """Return how much longer a claim and issue takes in the large ledger than in the small one."""
    small, large = (filled(folder / str(jobs), jobs) for jobs in (SMALL, LARGE))
    found = ratio(issuing(large), issuing(small), WALL)
    for each in (small, large):
        each.close()
    return Ratio(f"claim and issue, {LARGE:,} / {SMALL:,} applications", found, ALLOWED)


def filled(folder: Path, jobs: int) -> SqlLedger:
    """Return a ledger in SQLite with so many jobs; every second one waits for a card."""
    folder.mkdir()
    place = folder / "ledger"
    opened(f"sqlite:///{place}", folder).close()
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        for setting in ("journal_mode = OFF", "synchronous = OFF"):
            connection.execute(f"PRAGMA {setting}")
        for statement in (_FILL, _FILL_CARDS, _FILL_ENTRIES):
            connection.execute(statement, {"jobs": jobs, "kind": KIND})
    return opened(f"sqlite:///{place}", folder)


def opened(url: str, folder: Path) -> SqlLedger:
    database = Database.open(url)
    identifier = prepare(database, datetime.now(UTC), create=True)
    return SqlLedger(database, identifier, Keys(folder), Rules())


def issuing(ledger: SqlLedger, prefix: str = "CARD", worker: Worker = BENCH) -> Callable[[], None]:
    """Return a function that makes one card; the time of the chip is not counted."""
    cards = count()

    def issue() -> None:
        claim = ledger.take(worker, f"{prefix}{next(cards)}", KIND)
        assert isinstance(claim, Claim)
        ledger.begin(claim)
        ledger.locking(claim)
        ledger.issued(claim)

    return issue


def measure_waiting(url: str, folder: Path) -> Ratio:
    """Return the part of a card's time that 16 stations wait for an empty PostgreSQL."""
    ledger = opened(url, folder)
    applications = [
        Arrival("UTO", f"N{n}", {"application.json": b""}, "permit", KIND) for n in range(200)
    ]
    ledger.receive(applications)
    with ledger._database.writing() as connection:
        connection.execute(text("UPDATE job SET state = 'prepared', has_image = true"))
    ledger.close()
    fork = multiprocessing.get_context("fork")
    results: multiprocessing.SimpleQueue[float] = fork.SimpleQueue()
    stations = [
        fork.Process(target=work_as_station, args=(url, folder, number, results))
        for number in range(STATIONS)
    ]
    for each in stations:
        each.start()
    shares = [results.get() for _ in stations]
    for each in stations:
        each.join()
    label = f"waiting for PostgreSQL / a card of {HANDLING:.0f} s, {STATIONS} stations"
    return Ratio(label, sum(shares) / STATIONS, ALLOWED_WAIT)


def work_as_station(
    url: str, folder: Path, number: int, results: "multiprocessing.SimpleQueue[float]"
) -> None:
    """Make cards; return the part of the time that the ledger took.

    The first card is not counted: it connects and compiles the statements.  The stations begin one
    after the other within the time of a card, since nothing keeps them in step.
    """
    ledger, worker = opened(url, folder), Worker(f"bench-{number}", "reader")
    issuing(ledger, f"FIRST{number}-", worker)()
    time.sleep(HANDLING * (1 + number / STATIONS))
    waited, began = 0.0, time.perf_counter()

    def timed(step: Callable[..., object], *arguments: object) -> object:
        nonlocal waited
        asked = time.perf_counter()
        answer = step(*arguments)
        waited += time.perf_counter() - asked
        return answer

    for card in range(CARDS):
        claim = timed(ledger.take, worker, f"CARD{number}-{card}", KIND)
        assert isinstance(claim, Claim)
        timed(ledger.begin, claim)
        time.sleep(HANDLING)
        timed(ledger.locking, claim)
        timed(ledger.issued, claim)
    results.put(waited / (time.perf_counter() - began))
    ledger.close()
