"""What a trust store holds: entries, and the files they came from."""

from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any, Final


@unique
class TrustEntryKind(StrEnum):
    """What an entry is; the value is the word that others script against."""

    CSCA = "csca"
    LINK = "link"
    DOCUMENT_SIGNER = "ds"
    MASTER_LIST_SIGNER = "master-list-signer"
    DEVIATION_LIST_SIGNER = "deviation-list-signer"
    CRL = "crl"
    DEVIATION_LIST = "deviation-list"
    DEFECT_LIST = "defect-list"


ANCHOR_KINDS: Final = (TrustEntryKind.CSCA, TrustEntryKind.LINK)


@dataclass(frozen=True, slots=True)
class TrustEntry:
    """One thing in the store.

    `usable`: its key (a certificate's) or its signature's algorithm (a list's) can be used.
    `verified`: its signature is good, by what it claims to be signed by; `explanation` says by
    what, or why not.  `trusted`: it counts when documents are judged.
    """

    id: int
    kind: TrustEntryKind
    country: str
    subject: str
    key: str
    usable: bool
    verified: bool
    trusted: bool
    explanation: str
    valid_from: str
    valid_until: str
    tolerated: tuple[str, ...]
    fingerprint: bytes
    der: bytes = field(repr=False)
    sources: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The contract's object, and more."""
        return {
            "kind": self.kind.value,
            "country": self.country,
            "subject": self.subject,
            "key": self.key,
            "usable": self.usable,
            "verified": self.verified,
            "source": ", ".join(self.sources),
            "trusted": self.trusted,
            "explanation": self.explanation,
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
            "tolerated": list(self.tolerated),
            "fingerprint": self.fingerprint.hex(),
        }


@dataclass(frozen=True, slots=True)
class TrustSource:
    """A file that was imported: when (UTC, ISO 8601), who signed it, how many entries it has."""

    name: str
    digest: bytes
    imported: str
    note: str
    entries: int
