"""What is written to a trust store: the changes of one transaction."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from support.database import Database, Value
from verify.trust import schema
from verify.trust.entries import TrustEntry

if TYPE_CHECKING:
    from verify.trust.settlement import LeftOutRow, MasterListRow, SourceRow, Standing


class StoreChanges:
    """The changes of one transaction of a trust store; `TrustStore.transaction` yields it.

    The methods raise `OSError` if the disk fails.
    """

    def __init__(self, database: Database, forget: Callable[[], None]) -> None:
        """`forget` drops the answers that the store has cached: a change can make them wrong."""
        self._database = database
        self._forget = forget

    def add_source(self, source: "SourceRow", imported: datetime) -> int:
        """Add a source file; return its id.

        If a file with the same content was added before, its name, time and note stay.
        """
        self._database.run(
            "INSERT INTO source (name, digest, imported, note) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (digest) DO UPDATE SET note = excluded.note WHERE note = ''",
            source.name,
            source.digest,
            _text(imported),
            source.note,
        )
        return self._database.number("SELECT id FROM source WHERE digest = ?", source.digest)

    def settle_source(self, source: int, roots: bytes, left_out: "Iterable[LeftOutRow]") -> None:
        """Record with which CSCAs and CRLs a file was imported, and what of it was left out."""
        self._database.run("UPDATE source SET settled = ? WHERE id = ?", roots, source)
        self._database.run("DELETE FROM left_out WHERE source = ?", source)
        for each in left_out:
            fingerprint = each.fingerprint or hashlib.sha256(each.text.encode()).digest()
            kind = "" if each.kind is None else each.kind.value
            values = fingerprint, source, kind, each.country, each.reason, each.text
            self._database.run(schema.LEFT_OUT, *values)

    def add_entries(self, rows: "Iterable[tuple[Mapping[str, Value], Standing]]") -> range:
        """Add new entries, each with its columns and status; return their ids."""
        first = 1 + self._database.number("SELECT coalesce(max(id), 0) FROM entry")
        added = count(first)
        self._database.run_many(
            schema.INSERT,
            (
                (
                    next(added),
                    *map(columns.__getitem__, schema.OWN_COLUMNS),
                    *map(standing.__getattribute__, standing.__struct_fields__),
                )
                for columns, standing in rows
            ),
        )
        self._forget()
        return range(first, next(added))

    def add_provenance(self, rows: Iterable[tuple[int, int, bool, int]]) -> None:
        """Add sources of entries: entry, source, `listed` and `chosen`.

        `listed`: a Master List in that file contains it.  `chosen` is 1 if the operator named a
        file that contains it alone, or 0; plus 2 if it was accepted unverified.
        """
        self._database.run_many(schema.FOUND_IN, rows)

    def add_master_list(self, row: "MasterListRow", source: int, entries: Iterable[int]) -> None:
        """Add a list that a source contains, with its entries; it is trusted (again)."""
        signers = msgspec.msgpack.encode([(each.der, of.der) for each, of in row.signers])
        brings = 2 if row.encloses_csca else int(row.brings_csca)
        values = source, row.fingerprint, row.country, signers, brings
        ((number,),) = self._database.rows(schema.MASTER_LIST, *values)
        members = ((entry, number) for entry in entries)
        self._database.run_many("INSERT OR IGNORE INTO listing VALUES (?, ?)", members)

    def settle(self, entry: int, standing: "Standing") -> None:
        """Set the status of an entry: its kind, whether it is verified and trusted, and why."""
        status = [getattr(standing, name) for name in standing.__struct_fields__]
        self._database.run(schema.UPDATE, *status, entry)
        self._forget()

    def object_to_list(self, number: int, objection: str) -> None:
        """Record why a Master List is no longer trusted."""
        self._database.run("UPDATE master_list SET objection = ? WHERE id = ?", objection, number)

    def drop(self, entry: int) -> None:
        """Delete one entry."""
        self._database.run("DELETE FROM entry WHERE id = ?", entry)
        self._forget()

    def delete(self, entries: Iterable[TrustEntry]) -> int:
        """Delete entries, and sources without entries; return the number of entries deleted."""
        removed = []
        for each in entries:
            self._database.run(schema.UNSETTLE, each.id)  # its files may bring it again
            removed.append(self._database.run("DELETE FROM entry WHERE id = ?", each.id))
        self._database.run("DELETE FROM source WHERE id NOT IN (SELECT source FROM provenance)")
        self._database.run("DELETE FROM master_list WHERE id NOT IN (SELECT list FROM listing)")
        self._forget()
        return sum(removed)

    def set_publication(self, counter: int, publisher: bytes, made: str, digest: bytes) -> None:
        """Record the last publication that was made from this store, or taken into it."""
        self._database.run(schema.SET_PUBLICATION, counter, publisher, made, digest)

    def replace_tables(self, rows: Mapping[schema.Table, Iterable[Sequence[Value]]]) -> None:
        """Replace the rows of all tables."""
        for name in reversed(schema.COLUMNS):
            self._database.run(f"DELETE FROM {name}")  # noqa: S608
        for name, columns in schema.COLUMNS.items():
            marks = ", ".join("?" * len(columns.split(",")))
            for row in rows[name]:
                self._database.run(f"INSERT INTO {name} ({columns}) VALUES ({marks})", *row)  # noqa: S608
        self._forget()


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")
