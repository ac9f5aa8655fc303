"""Stop lists: the documents that their issuer reports as lost, stolen or given back.

Doc 9303 revokes signers and never a document; this list is Chipseal's own.  It is CMS SignedData
of a signer whose certificate the State's CSCA issued, over

    StopList ::= SEQUENCE {
      what       UTF8String ("chipseal stop list"),
      version    INTEGER (0),
      key        OCTET STRING (SIZE (16..64)),
      thisUpdate GeneralizedTime,
      nextUpdate GeneralizedTime,
      entries    SEQUENCE OF Entry }
    Entry ::= SEQUENCE {
      digest     OCTET STRING (SIZE (32)),
      reason     INTEGER,
      since      GeneralizedTime }

The digest is HMAC-SHA-256 under `key` over the issuing State's code, a zero octet and the document
number, as in the MRZ without fillers.  Whoever has a list can look up a number that he guesses, and
reads no number in it.
"""

import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import IntEnum, unique
from typing import Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_integer, read_text, read_time
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import Signer
from emrtd.pki.cms.signed_data import ID_DATA, SignedData
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.x509.certificates import Certificate
from support.values import Hidden, Value

MAX_STOP_LIST: Final = 64 * 1024 * 1024
"""Octets of a list; an entry takes some 60."""

NAME: Final = "chipseal stop list"
"""With this each list begins, behind some lengths and object identifiers."""

_MAX_ENTRIES: Final = 1_000_000
_WHAT: Final = "stop list"
_KEY_SIZE: Final = 32
_SHORTEST_KEY: Final = 16
_LONGEST_KEY: Final = 64


@unique
class StopReason(IntEnum):
    """Why a document is on the list."""

    LOST = 1
    STOLEN = 2
    CANCELLED = 3
    """Its issuer withdrew it, or replaced it by another."""
    RETURNED = 4
    """Its holder gave it back, or it was found."""


class Stop(msgspec.Struct, frozen=True):
    """An entry: the reason, and the instant (aware) since which it holds."""

    reason: StopReason
    since: datetime


class StopList(Value, frozen=True):
    """A stop list: its SignedData, its age, and its entries by digest.

    `this_update` is the instant (aware) of issue; after `next_update` the list is out of date.
    """

    signed_data: SignedData
    key: Hidden[bytes]
    this_update: datetime
    next_update: datetime
    entries: Hidden[Mapping[bytes, Stop]]

    @classmethod
    def parse(cls, octets: bytes) -> "StopList":
        """Read a whole list with nothing behind it; raises `MalformedError`."""
        data = SignedData.parse(octets, _WHAT, MAX_STOP_LIST)
        whole = data.read_content(ID_DATA, _WHAT)
        fields = whole.expect(der.SEQUENCE).children
        if len(fields) != 6 or read_text(fields[0]) != NAME or read_integer(fields[1]) != 0:
            raise whole.malformed("is not a stop list of version 0")
        key = fields[2].expect(der.OCTET_STRING).contents
        if not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
            raise whole.malformed(f"has a key of {len(key)} octets")
        entries = {}
        for each in fields[5].expect(der.SEQUENCE).each(_MAX_ENTRIES):
            digest, stop = _read_entry(each)
            entries[digest] = stop
        return cls(
            data,
            key,
            read_time(fields[3]),
            read_time(fields[4]),
            entries,
        )

    def find(self, issuing_state: str, document_number: str) -> Stop | None:
        """Return the entry of a document, None if it has none."""
        return self.entries.get(_digest(self.key, issuing_state, document_number))


def _read_entry(entry: ber.Value) -> tuple[bytes, Stop]:
    fields = entry.expect(der.SEQUENCE).children
    if len(fields) != 3:
        raise entry.malformed("an entry has a digest, a reason and a time")
    digest = fields[0].expect(der.OCTET_STRING).contents
    try:
        reason = StopReason(read_integer(fields[1]))
    except ValueError:
        raise entry.malformed("an entry has a reason that is not known") from None
    if len(digest) != 32:
        raise entry.malformed("a digest is not of 32 octets")
    return digest, Stop(reason, read_time(fields[2]))


def _digest(key: bytes, issuing_state: str, document_number: str) -> bytes:
    message = f"{issuing_state.rstrip('<')}\0{document_number.rstrip('<')}".encode()
    return hmac.digest(key, message, "sha256")


def build_stop_list(
    stops: Iterable[tuple[str, str, Stop]],
    signer: Signer,
    certificate: Certificate,
    this_update: datetime,
    next_update: datetime,
    *,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> bytes:
    """Sign a list of documents: issuing State (as in the MRZ), number and entry; return DER.

    `certificate` is the signer's, issued by the State's CSCA.  Raises `MisuseError` if it is not
    for the signer's key.
    """
    key = random(_KEY_SIZE)
    entries = sorted(
        der.sequence(
            der.octet_string(_digest(key, state, number)),
            der.integer(stop.reason),
            der.generalized_time(stop.since),
        )
        for state, number, stop in stops
    )
    content = der.sequence(
        der.utf8_string(NAME),
        der.integer(0),
        der.octet_string(key),
        der.generalized_time(this_update),
        der.generalized_time(next_update),
        der.sequence(*entries),
    )
    return build_signed_data(ID_DATA, content, signer, certificate, Hash.SHA256, this_update)
