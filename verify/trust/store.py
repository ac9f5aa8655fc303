"""The trust store: one SQLite file of certificates and lists, each with where it came from.

What is asked of it while a document is judged (`emrtd.pki.trust.TrustView`) is answered from a few
indexed rows, parsed once and kept.  It is filled by `verify.trust.importing`.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.trust import Anchor
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.names import Name
from support.database import Database, Value
from support.errors import MisuseError
from verify.trust import schema
from verify.trust.entries import TrustEntry, TrustEntryKind, TrustSource

if TYPE_CHECKING:
    from verify.trust.settlement import SourceRow, Standing

T = TypeVar("T")

_FRESH_SECONDS: Final = 0.02
"""How long an answer may be old, where another process writes to the file meanwhile."""


class TrustStore:
    """A trust store, open; a context manager that closes it.

    Everything raises `MisuseError` or `MalformedError` for a file that is no trust store, and
    `OSError` where the disk fails; a write happens whole or not at all.
    """

    def __init__(self, database: Database, path: Path) -> None:
        self.path = path
        self._database = database
        self._cache: dict[tuple[str, object], Any] = {}
        self._seen = -1
        self._fresh_until = 0.0

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> Self:
        """Open a trust store; with `create`, make one where there is no file."""
        new = not path.exists()
        if new and not create:
            raise MisuseError(f"{path}: there is no trust store; `verify trust add` makes one")
        if path.is_dir():
            raise MisuseError(f"{path}: is a folder, not a trust store")
        return cls(Database(path, schema.LAYOUT, create=new), path)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that follows, or nothing."""
        try:
            with self._database.transaction():
                yield
        finally:
            self._cache.clear()

    # --- what is asked while a document is judged: emrtd.pki.trust.TrustView ---------------------

    def anchors_by_key_identifier(self, identifier: bytes) -> Sequence[Anchor]:
        """See `TrustView`."""
        return self._anchors(schema.ANCHORS_BY_KEY, identifier)

    def anchors_by_name(self, name: Name) -> Sequence[Anchor]:
        """See `TrustView`."""
        return self._anchors(schema.ANCHORS_BY_NAME, name.key)

    def anchors_of_country(self, country: str) -> Sequence[Anchor]:
        """See `TrustView`."""
        return self._anchors(schema.ANCHORS_BY_COUNTRY, country)

    def document_signers(
        self, serial: int | None, key_identifier: bytes | None
    ) -> Sequence[Certificate]:
        """See `TrustView`."""
        query, value = (
            (schema.SIGNERS_BY_KEY, key_identifier)
            if serial is None
            else (schema.SIGNERS_BY_SERIAL, f"{serial:x}")
        )
        return self._remembered(
            (query, value),
            lambda: [Certificate.parse(der) for (der,) in self._database.rows(query, value)],
        )

    def crls_of_country(self, country: str) -> Sequence[Crl]:
        """See `TrustView`."""
        return self._lists(TrustEntryKind.CRL, Crl.parse, country)

    def deviation_lists(self, country: str) -> Sequence[DeviationList]:
        """See `TrustView`."""
        return self._lists(TrustEntryKind.DEVIATION_LIST, DeviationList.parse, country)

    def defect_lists(self) -> Sequence[DefectList]:
        """See `TrustView`."""
        return self._lists(TrustEntryKind.DEFECT_LIST, DefectList.parse)

    def _anchors(self, query: str, value: Value) -> Sequence[Anchor]:
        return self._remembered(
            (query, value),
            lambda: [
                Anchor(Certificate.parse(der), source or "")
                for der, source in self._database.rows(query, value)
            ],
        )

    def _lists(
        self, kind: TrustEntryKind, parse: Callable[[bytes], T], country: str = ""
    ) -> Sequence[T]:
        return self._remembered(
            (kind, country),
            lambda: [
                parse(der) for (der,) in self._database.rows(schema.LISTS, kind.value, country)
            ],
        )

    def _remembered(self, key: tuple[str, object], find: Callable[[], list[T]]) -> Sequence[T]:
        """What was found before, until anybody writes to the file; looked for every 20 ms."""
        now = time.monotonic()
        if now > self._fresh_until:
            version = self._database.version_of_data()
            if version != self._seen:
                self._cache.clear()
                self._seen = version
            self._fresh_until = now + _FRESH_SECONDS
        if key not in self._cache:
            self._cache[key] = find()
        found: Sequence[T] = self._cache[key]
        return found

    # --- entries ---------------------------------------------------------------------------------

    def entries(
        self, *, kind: TrustEntryKind | None = None, country: str | None = None
    ) -> list[TrustEntry]:
        """The entries, by country, kind and subject; of one kind or country where that is given."""
        return self._entries(kind and kind.value, country and country.upper(), None)

    def find(self, selector: str) -> list[TrustEntry]:
        """The entries whose fingerprint (in hexadecimal, 8 digits or more) begins so."""
        digits = selector.lower().replace(":", "")
        if len(digits) < 8 or not set(digits) <= set("0123456789abcdef"):
            raise MisuseError(
                f"{selector!r} is no fingerprint: give its first 8 hexadecimal digits or more"
            )
        return self._entries(None, None, f"{digits}%")

    def _entries(self, *limits: str | None) -> list[TrustEntry]:
        names: dict[int, list[str]] = {}
        query = (
            "SELECT entry, name FROM provenance JOIN source ON source.id = source ORDER BY source"
        )
        for entry, name in self._database.rows(query):
            names.setdefault(entry, []).append(name)
        found = []
        for row in self._database.rows(schema.ENTRIES, *limits):
            (id_, kind, country, subject, key, usable, verified, trusted, explanation, valid_from,
             valid_until, tolerated, fingerprint, der) = row  # fmt: skip
            found.append(
                TrustEntry(
                    id=id_,
                    kind=TrustEntryKind(kind),
                    country=country,
                    subject=subject,
                    key=key,
                    usable=bool(usable),
                    verified=bool(verified),
                    trusted=bool(trusted),
                    explanation=explanation,
                    valid_from=valid_from,
                    valid_until=valid_until,
                    tolerated=tuple(json.loads(tolerated)),
                    fingerprint=fingerprint,
                    der=der,
                    sources=tuple(names.get(id_, ())),
                )
            )
        return found

    def sources(self) -> list[TrustSource]:
        """The files that were imported, the oldest first."""
        query = (
            "SELECT name, digest, imported, note,"
            " (SELECT count(*) FROM provenance WHERE source = source.id) FROM source ORDER BY id"
        )
        return [TrustSource(*row) for row in self._database.rows(query)]

    # --- for importing and removal, inside a transaction ------------------------------------------

    def rows(self, query: str, *values: Value) -> list[tuple[Any, ...]]:
        """The rows of a query, for whoever needs other columns than an `TrustEntry` has."""
        return self._database.rows(query, *values)

    def delete(self, entries: Iterable[TrustEntry]) -> int:
        """Delete entries, and sources of which nothing is left; returns how many entries."""
        removed = [
            self._database.run("DELETE FROM entry WHERE id = ?", each.id) for each in entries
        ]
        self._database.run("DELETE FROM source WHERE id NOT IN (SELECT source FROM provenance)")
        self._cache.clear()
        return sum(removed)

    def is_listed(self, entry: int) -> bool:
        """Whether a Master List holds an entry."""
        query = "SELECT 1 FROM provenance WHERE entry = ? AND listed LIMIT 1"
        return bool(self._database.rows(query, entry))

    def add_source(self, source: "SourceRow", imported: datetime) -> int:
        """Note a file; returns its id.

        One with the same content that is noted already keeps its name, its time, and its note.
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

    def add_entry(self, columns: Mapping[str, Value], standing: "Standing") -> int:
        """Add an entry that is not there; returns its id."""
        self._cache.clear()
        said = {name: getattr(standing, name) for name in standing.__struct_fields__}
        return self._database.insert(schema.INSERT, {**columns, **said})

    def add_provenance(self, entry: int, source: int, *, listed: bool) -> None:
        """Note where an entry came from; `listed`: a Master List holds it, which vouches for it."""
        self._database.run(schema.FOUND_IN, entry, source, listed)

    def settle(self, entry: int, standing: "Standing") -> None:
        """Say of an entry what it is, whether it is verified, whether it counts, and why."""
        said = [getattr(standing, name) for name in standing.__struct_fields__]
        self._database.run(schema.UPDATE, *said, entry)
        self._cache.clear()

    def drop(self, entry: int) -> None:
        """Take an entry out again."""
        self._database.run("DELETE FROM entry WHERE id = ?", entry)
        self._cache.clear()


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")
