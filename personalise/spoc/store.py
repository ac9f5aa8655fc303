"""The messages of a SPOC, received and sent, in SQLite; each change is durable.

A message is known by the State and its messageID.  Its content and its answer are kept whole: a
message that is repeated gets the same answer again.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from personalise.spoc.certificates import FOLDER
from personalise.spoc.messages import Operation, Result
from personalise.spoc.states import Received, Sent, require_received, require_sent
from support.database import Database, Layout
from support.values import Hidden, Value

FILE_NAME: Final = f"{FOLDER}/messages.sqlite"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS received (
    state TEXT NOT NULL,          -- two letters
    message_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    content BLOB NOT NULL,        -- of a request: the CV request; of a text: the text
    at TEXT NOT NULL,             -- UTC
    status TEXT NOT NULL,
    result TEXT,                  -- the code that was, or is to be, answered
    answer BLOB NOT NULL,         -- a JSON array of certificates in base64
    changed TEXT NOT NULL,        -- UTC
    note TEXT NOT NULL,
    PRIMARY KEY (state, message_id)
) STRICT;
CREATE TABLE IF NOT EXISTS sent (
    state TEXT NOT NULL,
    message_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    content BLOB NOT NULL,
    at TEXT NOT NULL,
    status TEXT NOT NULL,
    result TEXT,
    answer BLOB NOT NULL,
    changed TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (state, message_id)
) STRICT
"""
_FOR_PEOPLE: Final = Operation.GENERAL_MESSAGE
_LAYOUT: Final = Layout("store of SPOC messages", _SCHEMA, 0x4348534D, 1, records=True)
# Every query is built of these names and the two tables' alone.
_COLUMNS: Final = "state, message_id, operation, content, at, status, result, answer, changed, note"


class ReceivedMessage(Value, frozen=True):
    """A message of another State."""

    state: str
    message_id: str
    operation: Operation
    content: Hidden[bytes]
    at: datetime
    status: Received
    result: Result | None = None
    certificates: Hidden[tuple[bytes, ...]] = ()
    note: str = ""

    @property
    def digest(self) -> str:
        """The SHA-256 of the content (hex)."""
        return hashlib.sha256(self.content).hexdigest()


class SentMessage(Value, frozen=True):
    """A message of ours."""

    state: str
    message_id: str
    operation: Operation
    content: Hidden[bytes]
    at: datetime
    status: Sent
    result: Result | None = None
    certificates: Hidden[tuple[bytes, ...]] = ()
    note: str = ""


class MessageStore:
    """The messages of one SPOC; raises what `Database` raises if its file is unusable."""

    def __init__(self, pki: Path) -> None:
        path = pki / FILE_NAME
        path.parent.mkdir(exist_ok=True)
        self._database = Database(path, _LAYOUT, create=True)

    def received(self, *statuses: Received) -> list[ReceivedMessage]:
        """Return the received messages in these states, or all, the oldest first."""
        return [_received(row) for row in self._rows("received", statuses)]

    def sent(self, *statuses: Sent) -> list[SentMessage]:
        """Return our messages in these states, or all, the oldest first."""
        return [_sent(row) for row in self._rows("sent", statuses)]

    def find_received(self, state: str, message_id: str) -> ReceivedMessage | None:
        """Return one received message, or None."""
        row = self._row("received", state, message_id)
        return None if row is None else _received(row)

    def find_sent(self, state: str, message_id: str) -> SentMessage | None:
        """Return one message of ours, or None."""
        row = self._row("sent", state, message_id)
        return None if row is None else _sent(row)

    def enter_received(self, message: ReceivedMessage) -> None:
        """Enter a message that has arrived; its state must be one that follows from ARRIVED."""
        require_received(Received.ARRIVED, message.status)
        self._enter("received", message)

    def enter_sent(self, message: SentMessage) -> None:
        """Enter a message that is about to be sent."""
        self._enter("sent", message)

    def change_received(
        self,
        message: ReceivedMessage,
        status: Received,
        at: datetime,
        *,
        result: Result | None = None,
        certificates: Sequence[bytes] | None = None,
        note: str = "",
    ) -> None:
        """Change the state of a received message; raises `MisuseError` if it may not."""
        require_received(message.status, status)
        kept = message.certificates if certificates is None else certificates
        self._change("received", message, status, result or message.result, kept, at, note)

    def change_sent(
        self,
        message: SentMessage,
        status: Sent,
        at: datetime,
        *,
        result: Result | None = None,
        certificates: Sequence[bytes] | None = None,
        note: str = "",
    ) -> None:
        """Change the state of a message of ours; raises `MisuseError` if it may not."""
        require_sent(message.status, status)
        kept = message.certificates if certificates is None else certificates
        self._change("sent", message, status, result or message.result, kept, at, note)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _rows(self, table: str, statuses: Sequence[Received | Sent]) -> list[tuple[Any, ...]]:
        marks = ", ".join("?" * len(statuses))
        condition = f" WHERE status IN ({marks})" if statuses else ""
        query = f"SELECT {_COLUMNS} FROM {table}{condition} ORDER BY at, rowid"  # noqa: S608
        return self._database.rows(query, *(each.name for each in statuses))

    def _row(self, table: str, state: str, message_id: str) -> tuple[Any, ...] | None:
        query = f"SELECT {_COLUMNS} FROM {table} WHERE state = ? AND message_id = ?"  # noqa: S608
        return next(iter(self._database.rows(query, state, message_id)), None)

    def _enter(self, table: str, message: ReceivedMessage | SentMessage) -> None:
        at = message.at.isoformat()
        self._database.run(
            f"INSERT INTO {table} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            message.state,
            message.message_id,
            message.operation,
            message.content,
            at,
            message.status.name,
            message.result,
            msgspec.json.encode(message.certificates),
            at,
            message.note,
        )

    def _change(  # noqa: PLR0917 - the columns
        self,
        table: str,
        message: ReceivedMessage | SentMessage,
        status: Received | Sent,
        result: Result | None,
        certificates: Sequence[bytes],
        at: datetime,
        note: str,
    ) -> None:
        self._database.run(
            f"UPDATE {table} SET status = ?, result = ?, answer = ?, changed = ?, note = ?"  # noqa: S608
            " WHERE state = ? AND message_id = ?",
            status.name,
            result,
            msgspec.json.encode(tuple(certificates)),
            at.isoformat(),
            note or message.note,
            message.state,
            message.message_id,
        )


def listed(store: MessageStore) -> list[dict[str, str]]:
    """Return all messages, the oldest first, as texts; `text` is that of a message for people."""
    rows: list[tuple[str, ReceivedMessage | SentMessage]] = [
        *(("received", received) for received in store.received()),
        *(("sent", sent) for sent in store.sent()),
    ]
    return [
        {
            "direction": direction,
            "state": each.state,
            "message": each.message_id,
            "operation": each.operation.value,
            "at": each.at.isoformat(),
            "status": each.status.value,
            "result": each.result or "",
            "note": each.note,
            "text": each.content.decode() if each.operation is _FOR_PEOPLE else "",
        }
        for direction, each in sorted(rows, key=lambda row: row[1].at)
    ]


def _received(row: tuple[Any, ...]) -> ReceivedMessage:
    return ReceivedMessage(*_fields(row, Received))


def _sent(row: tuple[Any, ...]) -> SentMessage:
    return SentMessage(*_fields(row, Sent))


def _fields(row: tuple[Any, ...], states: Any) -> tuple[Any, ...]:
    state, message_id, operation, content, at, status, result, answer, _, note = row
    return (
        state,
        message_id,
        Operation(operation),
        content,
        datetime.fromisoformat(at),
        states[status],
        None if result is None else Result(result),
        msgspec.json.decode(answer, type=tuple[bytes, ...]),
        note,
    )
