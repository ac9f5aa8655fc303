"""Pull a publication into the store of a post, and write what travelled with it beside it."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from emrtd.pki.x509.certificates import Certificate
from support.errors import ChipsealError, MalformedError, MisuseError
from support.files import write_atomically
from support.records import read_bounded
from support.remarks import remark
from verify.trust.fetching import fetch_publications
from verify.trust.publishing import Publication, Taken, read_publication, take
from verify.trust.store import TrustStore

_MOST: Final = 64 * 1024
_OLD: Final = timedelta(days=7)
"""A post says so if the newest publication is older."""


class Pulled(msgspec.Struct, frozen=True):
    """The publication that a store has now; `files` are those that were written beside it."""

    counter: int
    made: str
    is_new: bool
    entries: int
    files: tuple[Path, ...]


def policy_path(store: Path) -> Path:
    """Return where the policy of a publication is written."""
    return store.with_suffix(".policy.toml")


def stop_list_path(store: Path) -> Path:
    """Return where the stop list of a publication is written."""
    return store.with_suffix(".stop-list")


def pull_into(store: Path, source: str, publisher: Path | None) -> Pulled:
    """Take the newest publication at a source; make the store if there is none.

    Raises `MisuseError` if none is by the publisher, or if the newest is older than the store's.
    """
    given = None
    if publisher is not None:
        given = _fingerprint_of(publisher)
    if store.exists():
        with TrustStore.open(store) as opened:
            return _pull(opened, store, source, given)
    if given is None:
        raise MisuseError(
            f"{store}: there is no trust store yet",
            advice="name the publisher's certificate with --publisher",
        )
    unfinished = store.with_name(f".{store.name}.{secrets.token_hex(6)}")
    try:
        with TrustStore.open(unfinished, create=True) as opened:
            pulled = _pull(opened, store, source, given)
        unfinished.rename(store)
    finally:
        unfinished.unlink(missing_ok=True)
    return pulled


def _fingerprint_of(publisher: Path) -> bytes:
    try:
        return Certificate.parse(read_bounded(publisher, _MOST)).fingerprint
    except MalformedError as error:
        raise MalformedError(
            str(publisher), error.message, advice="name the .cer that `verify trust publish` made"
        ) from None


def _pull(opened: TrustStore, store: Path, source: str, given: bytes | None) -> Pulled:
    last = opened.publication()
    follows = given or (None if last is None else last[1])
    if follows is None:
        raise MisuseError(
            f"{store}: was filled by hand and follows no publisher",
            advice="name the publisher's certificate with --publisher; its content is replaced",
        )
    octets, publication = _newest(source, follows)
    age = datetime.now(UTC) - publication.made
    if age > _OLD:
        remark(f"the newest publication is {age.days} days old: ask its publisher for a newer one")
    files = []
    if last is None or last[1] != follows or publication.counter > last[0]:
        files = _write_beside(store, publication)  # before the number: an interrupted pull repeats
    taken = take(opened, octets, publication, follows)
    return Pulled(
        publication.counter,
        publication.made.isoformat(),
        taken is Taken.NEW,
        len(publication.tables.entry),
        tuple(files),
    )


def _newest(source: str, publisher: bytes) -> tuple[bytes, Publication]:
    """Return the publication with the highest number; one that cannot be used is remarked on."""
    found: list[tuple[bytes, Publication]] = []
    objections: list[ChipsealError] = []
    for name, octets in fetch_publications(source):
        try:
            found.append((octets, read_publication(octets, publisher)))
        except ChipsealError as error:
            objections.append(error)
            remark(f"{name}: {error.message}")
    if not found:
        raise objections[0]
    return max(found, key=lambda each: each[1].counter)


def _write_beside(store: Path, publication: Publication) -> list[Path]:
    """Write what travelled with a publication; one that no longer travels stays, with a remark."""
    policy = None if publication.policy is None else publication.policy.encode()
    written = []
    for path, octets, what in (
        (policy_path(store), policy, "policy"),
        (stop_list_path(store), publication.stop_list, "stop list"),
    ):
        if octets is not None:
            write_atomically(path, octets)
            written.append(path)
        elif path.exists():
            remark(f"{path}: stays as it was, since no {what} came with this publication")
    return written
