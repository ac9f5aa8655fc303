"""Hash chains: one for each station and role, whose heads a signed checkpoint joins.

An entry holds the digest of the one before it in the same chain, so an entry that is changed,
removed or inserted breaks the chain at the next one.  Each station has a chain of its own: none
waits for another.  A checkpoint holds the heads of all chains and the digest of the checkpoint
before it, and is signed: entries that are removed from the end of a chain are missed.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from personalise.ledger.states import CardStatus, JobState
from personalise.ledger.steps import AnyStep
from support.errors import MalformedError

SCHEME: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
"""The signature scheme of checkpoints."""

BEFORE_THE_FIRST: Final = bytes(32)


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry: its place, its step, and the states after it.

    `previous` is the digest of the entry before it in the chain (hexadecimal).
    """

    ledger: str
    chain: str
    sequence: int
    at: datetime
    step: AnyStep
    previous: str
    job: str | None = None
    card: str | None = None
    becomes: JobState | None = None
    card_becomes: CardStatus | None = None

    def encode(self) -> str:
        """Return the JSON over which the digest is computed."""
        return _ENCODER.encode(self).decode()

    @classmethod
    def decode(cls, content: str) -> "Entry":
        """Decode an entry; raises `MalformedError`."""
        try:
            return _DECODER.decode(content)
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise MalformedError("entry of the ledger", "is not an entry") from None


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The heads of all chains at one time: for each, how many entries and the last one's digest.

    `previous` is the digest of the checkpoint before it (hexadecimal).
    """

    ledger: str
    number: int
    at: datetime
    heads: Mapping[str, tuple[int, str]]
    previous: str

    def encode(self) -> str:
        """Return the JSON that is signed."""
        return _SORTED.encode(self).decode()

    @classmethod
    def decode(cls, content: str) -> "Checkpoint":
        """Decode a checkpoint; raises `MalformedError`."""
        try:
            return _CHECKPOINTS.decode(content)
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise MalformedError("checkpoint of the ledger", "is not a checkpoint") from None


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Entry)
_SORTED: Final = msgspec.json.Encoder(order="sorted")
_CHECKPOINTS: Final = msgspec.json.Decoder(Checkpoint)


def digest_of(content: str) -> bytes:
    """Return the digest of an entry or a checkpoint, from its JSON."""
    return hashlib.sha256(content.encode()).digest()
