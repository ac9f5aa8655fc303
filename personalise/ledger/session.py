"""An open ledger: its transactions, the journals of its stations, and its checkpoints."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from personalise.ledger import checkpoints
from personalise.ledger.chain import Checkpoint, Entry
from personalise.ledger.chain_end import Head
from personalise.ledger.engine import Database
from personalise.ledger.journal import Journal
from personalise.ledger.keys.interface import LedgerKeys
from personalise.ledger.receiving import Contents
from personalise.ledger.server_clock import ServerClock
from personalise.ledger.transaction import Transaction
from personalise.ledger.values import Rules
from support.errors import ChipsealError

Clock = Callable[[], datetime]

_log: Final = logging.getLogger(__name__)

INTAKE: Final = "intake"
PREPARATION: Final = "preparation"
OFFICE: Final = "office"


class LedgerSession:
    """Opens transactions, and does what follows each of them.

    `clock` returns the time, UTC; by default it is the clock of this host for SQLite, and that of
    the server for PostgreSQL, so that all stations have one clock.
    """

    def __init__(
        self,
        database: Database,
        ledger: str,
        keys: LedgerKeys,
        rules: Rules,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._id = ledger
        self._keys = keys
        self._rules = rules
        self._clock = clock
        self._server_clock = ServerClock()
        self._heads: dict[str, Head] = {}
        self._contents = Contents(keys, self._reading)
        self._host = socket.gethostname()
        self._has_entered = False
        self._stopping = threading.Event()
        self._signing: threading.Thread | None = None
        self._lock = threading.Lock()
        self._journals: dict[str, Journal] = {}

    @property
    def id(self) -> str:
        """The random identifier of this ledger (16 hexadecimal digits)."""
        return self._id

    @property
    def where(self) -> str:
        """The database, as errors name it."""
        return self._database.where

    def close(self) -> None:
        """Sign a last checkpoint, if there are new entries, and close the database."""
        self._stopping.set()
        if self._signing is not None:
            self._signing.join()
        try:
            if self._has_entered and self._keys.can_sign:
                self.sign_checkpoint(timedelta(0))
        except (ChipsealError, OSError) as error:  # the steps are entered; the next one signs
            _log.warning("no last checkpoint: %s", error)
        finally:
            self._database.close()

    def sign_checkpoint(self, least: timedelta = checkpoints.INTERVAL) -> Checkpoint | None:
        """Sign a checkpoint over all chains; None if nothing is new, or `least` is not over."""
        with self._writing(OFFICE) as transaction:
            checkpoint = checkpoints.sign(transaction, self._keys, least=least)
        if checkpoint is not None:
            checkpoints.keep_outside(self._keys, checkpoint)
        return checkpoint

    # --- transactions

    @contextmanager
    def _entering(self, chain: str) -> Iterator[Transaction]:
        """Yield a transaction; enter its steps in a chain, and commit, at the end."""
        with self._writing(chain) as transaction:
            yield transaction
            entries = transaction.enter_pending()
        if entries:
            with self._lock:
                self._heads[transaction.chain] = Head.of(entries[-1])
            self._entered(chain, entries)

    @contextmanager
    def _writing(self, chain: str) -> Iterator[Transaction]:
        name = f"{chain}@{self._host}" if chain in {INTAKE, PREPARATION, OFFICE} else chain
        with self._database.writing() as connection:
            with self._lock:
                head = self._heads.get(name)
            yield Transaction(connection, self._id, name, self._now(connection), head)

    @contextmanager
    def _reading(self, *, at_one_time: bool = False) -> Iterator[Transaction]:
        with self._database.reading(at_one_time=at_one_time) as connection:
            yield Transaction(connection, self._id, "", self._now(connection))

    def _now(self, connection: Any) -> datetime:
        if self._clock is not None:
            return self._clock()
        if self._database.is_sqlite:
            return datetime.now(UTC)
        return self._server_clock.now(connection)

    def _entered(self, chain: str, entries: Sequence[Entry]) -> None:
        """Write the station's journal; sign checkpoints from now on.

        They are signed in a thread of its own: no step waits for one.
        """
        with self._lock:
            if chain in self._journals:
                self._journals[chain].append(each for each in entries if each.card is not None)
            self._has_entered = True
            can_begin = self._signing is None and self._keys.can_sign
            if can_begin and not self._stopping.is_set():
                self._signing = threading.Thread(
                    target=self._sign_checkpoints, name="checkpoints", daemon=True
                )
                self._signing.start()

    def _sign_checkpoints(self) -> None:
        every = checkpoints.INTERVAL.total_seconds() / 2  # so that none is later than 1.5 intervals
        while not self._stopping.wait(every):
            try:
                self.sign_checkpoint()
            except (ChipsealError, OSError) as error:
                _log.warning("no checkpoint: %s", error)
