"""What an import rests on and what it comes to, as data: the store so far, and the rows to write.

    settlement = settle(known, files, at=instant, unverified=False)

`verify.trust.settling` makes the second of the first, and touches no database;
`verify.trust.importing` reads the one and writes the other.
"""

from collections.abc import Mapping

import msgspec

from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from verify.trust.entries import TrustEntryKind


class KnownEntry(msgspec.Struct, frozen=True):
    """An entry of the store."""

    id: int
    kind: TrustEntryKind
    verified: bool
    trusted: bool


class KnownAnchor(msgspec.Struct, frozen=True):
    """A CSCA or link certificate of the store; `valid_from` in ISO 8601, as there."""

    entry: KnownEntry
    country: str
    subject: str
    valid_from: str
    certificate: Certificate


class KnownCrl(msgspec.Struct, frozen=True):
    """A revocation list of the store."""

    entry: KnownEntry
    crl: Crl


class Known(msgspec.Struct, frozen=True):
    """What the store holds of that an import depends on.

    `anchors` are all of them, in the order of their ids; `entries` those that arrive again, by
    fingerprint; `crls` those of the States that an arriving list or CRL is of; `signers` the
    certificates that an arriving list may be signed by without enclosing one.
    """

    anchors: tuple[KnownAnchor, ...] = ()
    entries: Mapping[bytes, KnownEntry] = {}
    crls: tuple[KnownCrl, ...] = ()
    signers: tuple[Certificate, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """What is said of an entry; `explanation` says why it is verified, or is not."""

    kind: TrustEntryKind
    verified: bool
    trusted: bool
    explanation: str


class SourceRow(msgspec.Struct, frozen=True):
    """A file that was imported; `digest` is its SHA-256, `note` says who signed it."""

    name: str
    digest: bytes
    note: str


class EntryRow(msgspec.Struct, frozen=True):
    """An entry as it is to stand in the store; `known` is its row there now, None for a new one.

    `files` are the numbers of the sources that hold it, `listed` of those in which a Master List
    does.
    """

    content: Certificate | Crl | DeviationList | DefectList
    known: KnownEntry | None
    standing: Standing
    files: tuple[int, ...]
    listed: frozenset[int] = frozenset()


class Summary(msgspec.Struct, frozen=True):
    """What became of a file: how many entries are new, were there before, and verify.

    `note` says who signed a list; `left_out` are the reasons for which parts were not taken.
    """

    name: str
    added: int = 0
    known: int = 0
    verified: int = 0
    note: str = ""
    left_out: tuple[str, ...] = ()


class Settlement(msgspec.Struct, frozen=True):
    """What an import comes to: a source and a summary a file, and the rows to write or drop.

    `order` is that of the sources in the store; `restated` are entries that no file brought, of
    which something else is to be said now.
    """

    sources: tuple[SourceRow, ...]
    order: tuple[int, ...]
    entries: tuple[EntryRow, ...]
    restated: tuple[tuple[KnownEntry, Standing], ...]
    dropped: tuple[KnownEntry, ...]
    summaries: tuple[Summary, ...]
