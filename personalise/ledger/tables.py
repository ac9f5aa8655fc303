"""The tables of the ledger, the same in SQLite and PostgreSQL.

Times are microseconds since 1970, UTC.  Names, reasons and steps hold no person's data: documents
appear as keyed digests, and what was received or prepared is sealed in `blob`.

A claim reads one entry of a partial index, however many jobs there are.  SQLite and PostgreSQL use
a partial index only for a query that repeats its condition literally: the queries use the
constants below.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TextClause,
    UniqueConstraint,
    text,
)

METADATA: Final = MetaData()

_TEXT: Final = String().with_variant(String(collation="C"), "postgresql")  # as in SQLite
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER itself

IS_PREPARED: Final = text("state = 'prepared' AND printing = ''")  # for any blank card
IS_RECEIVED: Final = text("state = 'received'")
IS_ISSUED: Final = text("state = 'issued'")
IS_UNBEGUN_CLAIM: Final = text("state = 'claimed' AND card IS NULL AND printing = ''")
HAS_LEASE: Final = text("lease_station IS NOT NULL")
MAY_BE_GOOD: Final = text("may_be_good")

LEDGER: Final = Table(
    "ledger",
    METADATA,
    Column("id", _TEXT, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
)

JOB: Final = Table(
    "job",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("id", _TEXT, nullable=False, unique=True),
    Column("state", _TEXT, nullable=False),
    Column("card", _TEXT),
    Column("lease_station", _TEXT),
    Column("lease_reader", _TEXT),
    Column("lease_serial", Integer),
    Column("lease_since", BigInteger),
    Column("lease_until", BigInteger),
    Column("claims", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("has_image", Boolean, nullable=False),
    Column("reprint", Boolean, nullable=False),
    Column("reason", _TEXT, nullable=False),
    Column("printing", _TEXT, nullable=False, server_default=""),
    Column("stopped", _TEXT, nullable=False, server_default=""),
    Column("document", _TEXT, nullable=False, index=True),  # keyed digest of State and number
    Column("live_document", _TEXT, unique=True),  # the same while the job holds the document
    Column("profile", _TEXT, nullable=False),
    Column("card_profile", _TEXT, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("period", _TEXT, nullable=False, index=True),
    Column("wrapped_key", LargeBinary),  # the job's key; None after a purge
    Column("preparer", _TEXT),
    Column("preparer_until", BigInteger, nullable=False, server_default="0"),
    Column("station", _TEXT),  # who has or had it last
    Column("reader", _TEXT),
)

_QUEUE: Final = (
    JOB.c.card_profile,
    JOB.c.reprint.desc(),
    JOB.c.priority.desc(),
    JOB.c.number,
)
IN_TURN: Final = _QUEUE[1:]
"""The order in which jobs are made: reprints first, then by priority, then by age."""


def _partial(name: str, condition: TextClause, *columns: object) -> Index:
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)  # type: ignore[arg-type]


_partial("job_queue", IS_PREPARED, *_QUEUE)
_partial("job_to_prepare", IS_RECEIVED, JOB.c.priority.desc(), JOB.c.number)
_partial("job_unbegun", IS_UNBEGUN_CLAIM, JOB.c.card_profile, JOB.c.lease_until)
_partial("job_issued", IS_ISSUED, JOB.c.changed)
_partial("job_leased", HAS_LEASE, JOB.c.lease_station)
Index("job_by_state", JOB.c.state, JOB.c.printing, JOB.c.card_profile)

BLOB: Final = Table(
    "blob",
    METADATA,
    Column("job", ForeignKey("job.number"), primary_key=True),
    Column("kind", _TEXT, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

CARD: Final = Table(
    "card",
    METADATA,
    Column("name", _TEXT, primary_key=True),
    Column("status", _TEXT, nullable=False, index=True),
    Column("job", _TEXT),
    Column("may_be_good", Boolean, nullable=False),
    Column("reason", _TEXT, nullable=False),
    Column("place", _TEXT, nullable=False, server_default=""),
    Column("kind", _TEXT, nullable=False),
    Column("changed", BigInteger, nullable=False),
)
_partial("card_may_be_good", MAY_BE_GOOD, CARD.c.name)

ENTRY: Final = Table(
    "entry",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("chain", _TEXT, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("content", _TEXT, nullable=False),  # JSON: `chain.Entry`
    Column("job", _TEXT),
    Column("card", _TEXT),
    Column("digest", LargeBinary, nullable=False),
    UniqueConstraint("chain", "sequence"),
)
Index("entry_by_job", ENTRY.c.job, ENTRY.c.number)
Index("entry_by_card", ENTRY.c.card, ENTRY.c.number)

CHAIN: Final = Table(
    "chain",
    METADATA,
    Column("name", _TEXT, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)

CHECKPOINT: Final = Table(
    "checkpoint",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("content", _TEXT, nullable=False),  # JSON: `chain.Checkpoint`
    Column("digest", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

PACKAGE: Final = Table(
    "package",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

PERIOD: Final = Table(
    "period",
    METADATA,
    Column("name", _TEXT, primary_key=True),
    Column("key_check", LargeBinary),  # tells its key from another one; None: begun in version 1
    Column("destroyed", BigInteger),
)

STOP: Final = Table(
    "stop",
    METADATA,
    Column("job", ForeignKey("job.number"), primary_key=True),
    Column("why", _TEXT, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),  # State and number, encrypted for the PKI
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_microseconds(at: datetime) -> int:
    """Return an instant as the tables hold it."""
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(number: int) -> datetime:
    """Return the instant of a number in the tables."""
    return _EPOCH + number * _MICROSECOND
