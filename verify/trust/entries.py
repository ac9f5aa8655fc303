"""The content of a trust store: entries, and the files they were imported from."""

from typing import Any

import msgspec

from support.values import Hidden, Value
from verify.trust.kinds import TrustEntryKind


class TrustEntry(Value, frozen=True):
    """A certificate or list in the store.

    `usable`: the key of a certificate, or the signature algorithm of a list, is supported.
    `verified`: its signature is correct, by the key that it names; `explanation` says which key
    that is, or why it is not verified.  `trusted`: it is used to judge documents.
    `unproven`: it is trusted on the operator's word alone (`--unverified`).
    """

    id: int
    kind: TrustEntryKind
    country: str
    subject: str
    key: str
    usable: bool
    verified: bool
    trusted: bool
    unproven: bool
    explanation: str
    valid_from: str
    valid_until: str
    tolerated: tuple[str, ...]
    fingerprint: bytes
    der: Hidden[bytes]
    sources: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the entry as an object for a JSON encoder."""
        return {
            "kind": self.kind.value,
            "country": self.country,
            "subject": self.subject,
            "key": self.key,
            "usable": self.usable,
            "verified": self.verified,
            "source": ", ".join(self.sources),
            "trusted": self.trusted,
            "unproven": self.unproven,
            "explanation": self.explanation,
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
            "tolerated": list(self.tolerated),
            "fingerprint": self.fingerprint.hex(),
        }


class TrustSource(msgspec.Struct, frozen=True):
    """An imported file: name, SHA-256, time (UTC, ISO 8601), signer, and number of entries."""

    name: str
    digest: bytes
    imported: str
    note: str
    entries: int


class ImportedList(msgspec.Struct, frozen=True):
    """A Master List that was imported: its number, its file, the country of its signer.

    `signers` are the signers' certificates, each with that of its CSCA.  `brings` is 1 if it may
    bring that CSCA itself, 2 if this is beside the list.  `objection` says why it is no longer
    trusted, and is empty if it is.
    """

    id: int
    source: str
    country: str
    signers: tuple[tuple[bytes, bytes], ...]
    brings: int
    objection: str
