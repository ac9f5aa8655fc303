"""The input and the result of an import, as data: the store so far, and the rows to write.

    settlement = settle(known, files, at=instant, unverified=False)

`verify.trust.settling` computes the result without a database; `verify.trust.importing` reads the
input from the store and writes the result to it.
"""

from collections.abc import Mapping

import msgspec

from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from verify.trust.kinds import TrustEntryKind


class KnownEntry(msgspec.Struct, frozen=True):
    """An entry that is in the store."""

    id: int
    kind: TrustEntryKind
    verified: bool
    trusted: bool
    unproven: bool


class KnownAnchor(msgspec.Struct, frozen=True):
    """A CSCA or link certificate that is in the store; `valid_from` is in ISO 8601."""

    entry: KnownEntry
    country: str
    subject: str
    valid_from: str
    certificate: Certificate


class KnownCrl(msgspec.Struct, frozen=True):
    """A revocation list that is in the store."""

    entry: KnownEntry
    crl: Crl


class Known(msgspec.Struct, frozen=True):
    """The part of the store on which an import depends.

    `anchors` holds every CSCA and link certificate, in the order of ids; `entries` those entries
    that arrive again, by fingerprint; `crls` the CRLs of the States whose lists or CRLs arrive;
    `signers` the certificates that may have signed a list that encloses none.
    """

    anchors: tuple[KnownAnchor, ...] = ()
    entries: Mapping[bytes, KnownEntry] = {}
    crls: tuple[KnownCrl, ...] = ()
    signers: tuple[Certificate, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """The status of an entry; `explanation` says why it is or is not verified.

    `unproven`: it is trusted on the operator's word alone (`--unverified`).
    """

    kind: TrustEntryKind
    verified: bool
    trusted: bool
    unproven: bool
    explanation: str


class SourceRow(msgspec.Struct, frozen=True):
    """A file that was imported; `digest` is its SHA-256, `note` says who signed it."""

    name: str
    digest: bytes
    note: str


class EntryRow(msgspec.Struct, frozen=True):
    """An entry to be written to the store; `known` is its present row, None if it is new.

    `files` holds the numbers of the sources that contain it; `listed` those in which a Master List
    contains it, `chosen` those that contain it alone and that the operator named.  `unverified`:
    the operator accepts those that contain it alone without proof.  `doubts` say why a signer's
    certificate cannot be used.
    """

    content: Certificate | Crl | DeviationList | DefectList
    known: KnownEntry | None
    standing: Standing
    files: tuple[int, ...]
    listed: frozenset[int] = frozenset()
    chosen: frozenset[int] = frozenset()
    unverified: frozenset[int] = frozenset()
    doubts: tuple[str, ...] = ()


class MasterListRow(msgspec.Struct, frozen=True):
    """A Master List that was accepted; `members` are the fingerprints of what it contains.

    See `verify.trust.backing.ListSource`.  `file` is the number of its source.
    """

    file: int
    fingerprint: bytes
    country: str
    signers: tuple[tuple[Certificate, Certificate], ...]
    brings_csca: bool
    encloses_csca: bool
    members: frozenset[bytes]


class LeftOutRow(msgspec.Struct, frozen=True):
    """A part of a file that is not imported, and why.

    `file` is the number of the file, `text` says what it is and why.  A certificate or a CRL has a
    `fingerprint`, a `kind` and a `country`; `reason` is then why alone.
    """

    file: int
    text: str
    reason: str = ""
    fingerprint: bytes = b""
    kind: TrustEntryKind | None = None
    country: str = ""


class Summary(msgspec.Struct, frozen=True):
    """The result for one file: how many entries are new, were known before, and are verified.

    `note` says who signed a list; `warnings` are about what was imported, `doubts` about signers
    that were imported and cannot be used; `left_out` holds the reasons why parts were not imported.
    A file that is known has no doubts: its entries say them.
    """

    name: str
    added: int = 0
    known: int = 0
    verified: int = 0
    note: str = ""
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class Settlement(msgspec.Struct, frozen=True):
    """The result of an import: a source and a summary for each file, and the rows to write or drop.

    `order` is the order in which the sources are stored; `restated` holds entries of the store that
    no file contains, and whose status changes.
    """

    sources: tuple[SourceRow, ...]
    order: tuple[int, ...]
    entries: tuple[EntryRow, ...]
    lists: tuple[MasterListRow, ...]
    restated: tuple[tuple[KnownEntry, Standing], ...]
    dropped: tuple[KnownEntry, ...]
    left_out: tuple[LeftOutRow, ...]
    summaries: tuple[Summary, ...]
