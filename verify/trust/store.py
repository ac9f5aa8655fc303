"""The trust store: one SQLite file of certificates and lists, each with its source files.

The queries of a judgement (`emrtd.pki.trust.TrustView`) read a few indexed rows, whose parsed
contents are cached.  `verify.trust.importing` fills the store; a change is made by
`verify.trust.store_changes`.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import msgspec

from emrtd.pki.trust import Anchor
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.names import Name
from support.database import Database, Value
from support.errors import MisuseError
from verify.trust import schema
from verify.trust.entries import ImportedList, TrustEntry, TrustSource
from verify.trust.kinds import TrustEntryKind
from verify.trust.store_changes import StoreChanges

if TYPE_CHECKING:
    from emrtd.pki.lists.defect_list import DefectList
    from emrtd.pki.lists.deviation_list import DeviationList

T = TypeVar("T")

_FRESH_SECONDS: Final = 0.02
"""How long a cached answer is used before looking for changes by another process."""

_WRITING_CACHE: Final = 64
"""Mebibytes of the database's pages that are kept while it is written: rows enter five indices."""

_MOST_ANSWERS: Final = 8192
"""The most answers that are kept; the signers of all States in use are fewer."""


class TrustStore:
    """An open trust store; as a context manager it closes itself.

    All methods raise `MisuseError` or `MalformedError` if the file is not a trust store, and
    `OSError` if the disk fails.  A write is atomic.
    """

    def __init__(self, database: Database, path: Path) -> None:
        self.path = path
        self._database = database
        self._cache: dict[tuple[str, object], Any] = {}
        self._seen = -1
        self._fresh_until = 0.0

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> Self:
        """Open a trust store; with `create`, make one if the file does not exist."""
        new = not path.exists()
        if new and not create:
            raise MisuseError(
                f"{path}: there is no trust store", advice="make one with `verify trust add`"
            )
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
    def transaction(self) -> Iterator[StoreChanges]:
        """Make all changes of the block, or none; it makes them through the `StoreChanges`."""
        self._database.set_cache(_WRITING_CACHE)
        try:
            with self._database.transaction():
                yield StoreChanges(self._database, self._cache.clear)
        finally:
            self._cache.clear()
            self._database.set_cache(None)

    # --- queries of a judgement: emrtd.pki.trust.TrustView ---------------------------------------

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

    def deviation_lists(self, country: str) -> "Sequence[DeviationList]":
        """See `TrustView`."""
        return self._lists(TrustEntryKind.DEVIATION_LIST, _deviation_list, country)

    def defect_lists(self) -> "Sequence[DefectList]":
        """See `TrustView`."""
        return self._lists(TrustEntryKind.DEFECT_LIST, _defect_list)

    def _anchors(self, query: str, value: Value) -> Sequence[Anchor]:
        return self._remembered(
            (query, value),
            lambda: [
                Anchor(Certificate.parse(der), source or "", unproven=bool(unproven))
                for der, unproven, source in self._database.rows(query, value)
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
        """Return a cached result; the cache is cleared if a process has written to the file.

        Writes are looked for every 20 ms.
        """
        now = time.monotonic()
        if now > self._fresh_until:
            version = self._database.version_of_data()
            if version != self._seen:
                self._cache.clear()
                self._seen = version
            self._fresh_until = now + _FRESH_SECONDS
        if key not in self._cache:
            if len(self._cache) >= _MOST_ANSWERS:  # a document can ask for what no store has
                self._cache.clear()
            self._cache[key] = find()
        found: Sequence[T] = self._cache[key]
        return found

    # --- entries ---------------------------------------------------------------------------------

    def entries(
        self, *, kind: TrustEntryKind | None = None, country: str | None = None
    ) -> list[TrustEntry]:
        """Return the entries, of one kind or country if given, by country, kind and subject."""
        limits = {"kind = ?": kind and kind.value, "country = ?": country and country.upper()}
        return self._entries({each: value for each, value in limits.items() if value is not None})

    def find(self, selector: str) -> list[TrustEntry]:
        """Return the entries whose fingerprint begins with `selector`.

        Raises `MisuseError` if `selector` has not 8 or more hexadecimal digits.
        """
        digits = selector.lower().replace(":", "")
        if len(digits) < 8 or not set(digits) <= set("0123456789abcdef"):
            raise MisuseError(
                f"{selector!r} is not a fingerprint",
                advice="use 8 or more of its hexadecimal digits",
            )
        return self._entries({"hex(fingerprint) LIKE ?": f"{digits}%"})

    def _entries(self, limits: Mapping[str, str]) -> list[TrustEntry]:
        """Return the entries that fulfil conditions, each with its value."""
        conditions = " AND ".join(limits) or "TRUE"
        names: dict[int, list[str]] = {}
        for entry, name in self._database.rows(
            schema.SOURCES_OF_ENTRIES.format(conditions=conditions), *limits.values()
        ):
            names.setdefault(entry, []).append(name)
        found = []
        for row in self._database.rows(
            schema.ENTRIES.format(conditions=conditions), *limits.values()
        ):
            (id_, kind, country, subject, key, usable, verified, trusted, unproven, explanation,
             valid_from, valid_until, tolerated, fingerprint, der) = row  # fmt: skip
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
                    unproven=bool(unproven),
                    explanation=explanation,
                    valid_from=valid_from,
                    valid_until=valid_until,
                    tolerated=msgspec.json.decode(tolerated, type=tuple[str, ...]),
                    fingerprint=fingerprint,
                    der=der,
                    sources=tuple(names.get(id_, ())),
                )
            )
        return found

    def sources(self) -> list[TrustSource]:
        """Return the imported files, the oldest first."""
        query = (
            "SELECT name, digest, imported, note,"
            " (SELECT count(*) FROM provenance WHERE source = source.id) FROM source ORDER BY id"
        )
        return [TrustSource(*row) for row in self._database.rows(query)]

    def content_digest(self) -> bytes:
        """Return a SHA-256 over the fingerprint, kind and trust of every entry."""
        return self._digest_of(schema.CONTENT)

    def roots_digest(self) -> bytes:
        """Return the same over the CSCAs, link certificates and CRLs, by which others verify."""
        return self._digest_of(schema.ROOTS)

    def _digest_of(self, query: str) -> bytes:
        total = hashlib.sha256()
        for fingerprint, kind, trusted, unproven in self._database.rows(query):
            total.update(fingerprint + f" {kind} {trusted} {unproven}\n".encode())
        return total.digest()

    def last_import(self) -> datetime | None:
        """Return the latest instant (UTC) at which a file was imported; None without any file."""
        ((latest,),) = self._database.rows("SELECT max(imported) FROM source")
        return None if latest is None else datetime.fromisoformat(latest)

    # --- for importing, removal and publishing ----------------------------------------------------

    def rows(self, query: str, *values: Value) -> list[tuple[Any, ...]]:
        """Return the rows of a query, for columns that a `TrustEntry` does not have."""
        return self._database.rows(query, *values)

    def known_source(self, digest: bytes, roots: bytes) -> tuple[str, int, int] | None:
        """Return note, entries and verified entries of a file whose import would change nothing.

        It was imported, with these CSCAs and CRLs in the store (`roots_digest`), and nothing was
        removed since.  None for any other file.
        """
        found = self._database.rows(schema.KNOWN_SOURCE, digest, roots)
        return found[0] if found else None

    def left_out_of(self, digest: bytes) -> tuple[str, ...]:
        """Return why parts of a file were not imported."""
        return tuple(text for (text,) in self._database.rows(schema.LEFT_OUT_OF, digest))

    def publication(self) -> tuple[int, bytes, str, bytes] | None:
        """Return counter, publisher, instant and digest of the last publication; None without."""
        found = self._database.rows("SELECT counter, publisher, made, digest FROM publication")
        return found[0] if found else None

    def table(self, name: schema.Table) -> list[tuple[Any, ...]]:
        """Return all rows of a table, with all columns of `schema.COLUMNS`."""
        return self._database.rows(f"SELECT {schema.COLUMNS[name]} FROM {name} ORDER BY 1")  # noqa: S608

    def state_rows(self) -> list[tuple[Any, ...]]:
        """Return country, kind, trust, validity and reason of every entry, and of what is none."""
        return self._database.rows(schema.STATES)

    def why_withdrawn(self, entry: int) -> str | None:
        """Return why an entry of a Master List is no longer trusted; None if for no such reason."""
        found = self._database.rows(schema.WHY_WITHDRAWN, entry)
        if not found:
            return None
        return f"only a Master List that is no longer trusted contains it: {found[0][0]}"

    def master_lists(self) -> list[ImportedList]:
        """Return the Master Lists that were imported, the oldest first."""
        return [
            ImportedList(
                number,
                source,
                country,
                tuple(msgspec.msgpack.decode(signers, type=list[tuple[bytes, bytes]])),
                brings,
                objection,
            )
            for number, source, country, signers, brings, objection in self._database.rows(
                schema.MASTER_LISTS
            )
        ]


def _deviation_list(octets: bytes) -> "DeviationList":
    from emrtd.pki.lists.deviation_list import DeviationList  # most stores have none

    return DeviationList.parse(octets)


def _defect_list(octets: bytes) -> "DefectList":
    from emrtd.pki.lists.defect_list import DefectList

    return DefectList.parse(octets)
