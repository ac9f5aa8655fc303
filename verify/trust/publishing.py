"""Publish a trust store to many posts, signed and numbered; and take what was published.

A publication is CMS SignedData over the whole content of a store.  A post takes it only from the
publisher whose certificate it was given, and only with a higher number than the last: an older one
could lack a revocation.  A policy and a stop list travel with it.
"""

import hashlib
import zlib
from datetime import UTC, datetime
from enum import Enum, unique
from typing import Any, Final, Literal

import msgspec

from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import PrivateKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.signed_data import ID_DATA, SignedData
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.x509.algorithms import scheme_for
from emrtd.pki.x509.certificates import Certificate
from support.errors import MalformedError, MisuseError
from verify.trust import schema
from verify.trust.store import TrustStore

MAX_PUBLICATION: Final = 512 * 1024 * 1024
"""Octets of a publication, compressed and not; the whole PKD takes some 60,000,000."""

_WHAT: Final = "trust publication"


class Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of a store."""

    source: list[tuple[int, str, bytes, str, str, bytes]]
    entry: list[list[Any]]
    provenance: list[tuple[int, int, int, int]]
    master_list: list[tuple[int, int, bytes, str, bytes, int, str]]
    listing: list[tuple[int, int]]
    left_out: list[tuple[bytes, int, str, str, str, str]]

    def by_name(self) -> dict[schema.Table, Any]:
        """Return the rows by the name of their table."""
        return {name: getattr(self, name) for name in schema.COLUMNS}


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is published: its number, its instant (UTC), the store, a policy and a stop list.

    `policy` is TOML, `stop_list` a signed stop list; None if none travels with it.
    """

    chipseal: Literal["trust publication"] = "trust publication"
    version: Literal[2] = 2
    counter: int
    made: datetime
    tables: Tables
    policy: str | None = None
    stop_list: bytes | None = None


@unique
class Taken(Enum):
    """What became of a publication."""

    NEW = "taken"
    KNOWN = "already here"


def publish(
    store: TrustStore,
    key: PrivateKey,
    certificate: Certificate,
    at: datetime,
    *,
    policy: str | None = None,
    stop_list: bytes | None = None,
) -> tuple[int, bytes]:
    """Return the next publication of a store, and its number, which the store remembers."""
    with store.transaction() as changes:
        last = store.publication()
        counter = 1 if last is None else last[0] + 1
        tables = Tables(**{name: store.table(name) for name in schema.COLUMNS})  # type: ignore[arg-type]
        made = at.astimezone(UTC).replace(microsecond=0)
        publication = Publication(
            counter=counter, made=made, tables=tables, policy=policy, stop_list=stop_list
        )
        content = zlib.compress(msgspec.msgpack.encode(publication), 6)
        scheme = scheme_for(certificate.public_key or key.public_key, Hash.SHA256)
        signed = build_signed_data(
            ID_DATA, content, key, certificate, Hash.SHA256, made, scheme=scheme
        )
        digest = hashlib.sha256(signed).digest()
        changes.set_publication(counter, certificate.fingerprint, made.isoformat(), digest)
    return counter, signed


def read_publication(octets: bytes, publisher: bytes) -> Publication:
    """Verify a publication by the publisher whose certificate has this SHA-256, and read it.

    Raises `MalformedError` if it is not one, `MisuseError` if another key signed it.
    """
    data = SignedData.parse(octets, _WHAT, MAX_PUBLICATION)
    if data.content_type != ID_DATA or len(data.signers) != 1:
        raise MalformedError(_WHAT, "is signed data of another kind")
    signer = data.signers[0]
    certificate = data.certificate_of(signer)
    if certificate is None or certificate.fingerprint != publisher:
        raise MisuseError(
            "the publication is not by the publisher that this store follows",
            advice="take it only if you know why; --publisher names another certificate",
        )
    if certificate.public_key is None:
        raise MalformedError(_WHAT, "its signer has a key that is not supported")
    try:
        signer.verify(data.content_type, data.content, certificate.public_key)
    except ProtocolError as error:
        raise MalformedError(_WHAT, str(error)) from None
    return _decode(data.content)


def _decode(content: bytes) -> Publication:
    try:
        clear = zlib.decompressobj().decompress(content, MAX_PUBLICATION)
        return msgspec.msgpack.decode(clear, type=Publication)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError):
        raise MalformedError(_WHAT, "is not one that this release reads") from None


def take(store: TrustStore, octets: bytes, publication: Publication, publisher: bytes) -> Taken:
    """Replace the content of a store by that of a publication, in one transaction.

    Raises `MisuseError` if the store has a later one of the same publisher, or another one of the
    same number.
    """
    digest = hashlib.sha256(octets).digest()
    with store.transaction() as changes:
        last = store.publication()
        if last is not None and last[1] == publisher:
            counter, _, made, known = last
            if known == digest:
                return Taken.KNOWN
            if publication.counter <= counter:
                raise MisuseError(
                    f"publication {publication.counter} of {publication.made:%Y-%m-%d %H:%M} is not"
                    f" newer than number {counter} of {made[:16]}, which this store has",
                    advice="an older one could lack a revocation: find out who offers it",
                )
        changes.replace_tables(publication.tables.by_name())
        made = publication.made.isoformat()
        changes.set_publication(publication.counter, publisher, made, digest)
    return Taken.NEW
