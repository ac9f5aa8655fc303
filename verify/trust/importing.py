"""Import files into the trust store: all files of a command, or none.

One transaction reads what the store contains, settles what the import changes
(`verify.trust.settling`), and writes the rows.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from emrtd.pki.lists.master_list import MasterList
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from support.collector import paused_collector
from support.printable_text import printable
from verify.trust import schema
from verify.trust.columns import columns_of, fingerprint_of
from verify.trust.files import TrustFile, read_trust_file
from verify.trust.kinds import ANCHOR_KINDS, TrustEntryKind
from verify.trust.list_signers import SignedList
from verify.trust.rechecking import recheck_revoked
from verify.trust.settlement import (
    Known,
    KnownAnchor,
    KnownCrl,
    KnownEntry,
    LeftOutRow,
    Settlement,
    Summary,
)
from verify.trust.settling import settle
from verify.trust.store import TrustStore
from verify.trust.store_changes import StoreChanges

_MOST_VALUES: Final = 500
"""The number of values in one query; every SQLite accepts 999."""


def import_paths(
    store: TrustStore, paths: Sequence[Path], *, at: datetime, unverified: bool = False
) -> tuple[Summary, ...]:
    """Read files and import them; see `read_trust_file` and `import_files`.

    Nothing of the files is kept, so that the collector finds little when it runs again.
    """
    with paused_collector():
        files = map(read_trust_file, paths)
        return import_files(store, tuple(files), at=at, unverified=unverified)


def import_files(
    store: TrustStore, files: Sequence[TrustFile], *, at: datetime, unverified: bool = False
) -> tuple[Summary, ...]:
    """Import files in one transaction; `at` is the instant (aware) of the import.

    Raises `MisuseError`, and changes nothing, if a file or the signer of a list does not verify,
    unless `unverified`.  An entry of a collection (LDIF) that does not verify is left out.
    """
    with store.transaction() as changes:
        settlement = settle(read_known(store, files), files, at=at, unverified=unverified)
        sources = write_settlement(changes, settlement, at)
        causes = _causes(settlement)
        withdrawal = recheck_revoked(store, changes, causes, at)
        summaries = list(settlement.summaries)
        if withdrawal.reasons:
            number = next(causes[each] for each in withdrawal.countries if each in causes)
            warnings = (*summaries[number].warnings, *withdrawal.reasons)
            summaries[number] = msgspec.structs.replace(summaries[number], warnings=warnings)
        settle_sources(changes, settlement, summaries, sources, store.roots_digest())
    return tuple(summaries)


def read_unchanged(store: TrustStore, paths: Sequence[Path]) -> tuple[Summary, ...] | None:
    """Return the summaries of files whose import would change nothing; None if one might.

    They were imported before, with the CSCAs and CRLs that the store has now.  Such an import costs
    the digests of the files.  Raises `OSError`.
    """
    roots, found = store.roots_digest(), []
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        known = store.known_source(digest, roots)
        if known is None:
            return None
        note, entries, verified = known
        left_out, name = store.left_out_of(digest), printable(path.name)
        found.append(Summary(name, known=entries, verified=verified, note=note, left_out=left_out))
    return tuple(found)


def read_known(store: TrustStore, files: Sequence[TrustFile]) -> Known:
    """Read from the store what the import of these files depends on."""
    lists = [each for each in _all_of(files) if not isinstance(each, Certificate | Crl)]
    countries = {each.country or "" for each in _all_of(files) if isinstance(each, Crl)}
    signers: dict[Certificate, None] = {}
    for each in lists:
        data = each.signed_data
        if not data.certificates:
            for signer in data.signers:
                found = store.document_signers(signer.serial, signer.key_identifier)
                signers |= dict.fromkeys(found)
        countries |= {each.issuer.country or "" for each in data.certificates}
    countries |= {each.issuer.country or "" for each in signers}
    return Known(
        tuple(_known_anchors(store)),
        dict(_known_entries(store, dict.fromkeys(map(fingerprint_of, _entries_of(files))))),
        tuple(crl for country in sorted(countries) for crl in _known_crls(store, country)),
        tuple(signers),
    )


def _known_anchors(store: TrustStore) -> Iterator[KnownAnchor]:
    for *standing, country, subject, valid_from, der in store.rows(schema.KNOWN_ANCHORS):
        entry = _known_entry(*standing)
        yield KnownAnchor(entry, country, subject, valid_from, Certificate.parse(der))


def _known_crls(store: TrustStore, country: str) -> Iterator[KnownCrl]:
    for *standing, der in store.rows(schema.KNOWN_CRLS, country):
        yield KnownCrl(_known_entry(*standing), Crl.parse(der))


def _known_entries(
    store: TrustStore, fingerprints: Iterable[bytes]
) -> Iterator[tuple[bytes, KnownEntry]]:
    wanted = iter(fingerprints)
    while some := tuple(islice(wanted, _MOST_VALUES)):
        query = f"{schema.KNOWN}({','.join('?' * len(some))})"
        for fingerprint, *standing in store.rows(query, *some):
            yield fingerprint, _known_entry(*standing)


def _known_entry(entry: int, kind: str, verified: int, trusted: int, unproven: int) -> KnownEntry:
    return KnownEntry(entry, TrustEntryKind(kind), bool(verified), bool(trusted), bool(unproven))


def write_settlement(changes: StoreChanges, settlement: Settlement, at: datetime) -> dict[int, int]:
    """Write the result of an import to the store; return the ids of the sources by number."""
    sources = {
        number: changes.add_source(settlement.sources[number], at) for number in settlement.order
    }
    new = [row for row in settlement.entries if row.known is None]
    added = changes.add_entries((columns_of(row.content), row.standing) for row in new)
    ids = {fingerprint_of(row.content): entry for row, entry in zip(new, added, strict=True)}
    for row in settlement.entries:
        if row.known is not None:
            ids[fingerprint_of(row.content)] = row.known.id
            changes.settle(row.known.id, row.standing)
    changes.add_provenance(
        (
            ids[fingerprint_of(row.content)],
            sources[number],
            number in row.listed,
            (number in row.chosen) | (number in row.unverified) << 1,
        )
        for row in settlement.entries
        for number in row.files
    )
    for each in settlement.lists:
        members = sorted(ids[member] for member in each.members)
        changes.add_master_list(each, sources[each.file], members)
    for known, standing in settlement.restated:
        changes.settle(known.id, standing)
    for dropped in settlement.dropped:
        changes.drop(dropped.id)
    return sources


def settle_sources(
    changes: StoreChanges,
    settlement: Settlement,
    summaries: Sequence[Summary],
    sources: Mapping[int, int],
    roots: bytes,
) -> None:
    """Record what of the sources was left out, and with which CSCAs and CRLs (`roots_digest`)."""
    left_out: defaultdict[int, list[LeftOutRow]] = defaultdict(list)
    for each in settlement.left_out:
        left_out[each.file].append(each)
    for number, source in sources.items():
        warned = bool(summaries[number].warnings)  # they are to be said again
        changes.settle_source(source, b"" if warned else roots, left_out[number])


def _causes(settlement: Settlement) -> dict[str, int]:
    """Return the countries of which a CRL or a new CSCA arrives, with the number of its file."""
    causes: dict[str, int] = {}
    for row in settlement.entries:
        if row.standing.kind is TrustEntryKind.CRL:
            causes[row.content.country or ""] = row.files[0]
        elif row.standing.kind in ANCHOR_KINDS and row.known is None:
            causes.setdefault(row.content.country or "", row.files[0])
    return causes


def _all_of(files: Sequence[TrustFile]) -> Iterator[Certificate | Crl | SignedList]:
    for file in files:
        yield from file.contents


def _entries_of(files: Sequence[TrustFile]) -> Iterator[Certificate | Crl | SignedList]:
    """Yield everything that can become an entry: of a Master List, the certificates in it."""
    for each in _all_of(files):
        if isinstance(each, MasterList):
            yield from each.certificates
        else:
            yield each
