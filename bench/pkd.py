"""A set of the size of the ICAO PKD imported, beside its signatures alone; known again; opened.

The import uses all cores, and the signatures alone are verified on one: the time is that on the
clock.  Both are timed in turn, several times: they take long, and the machine may slow down
meanwhile.
"""

import os
import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.pkd_set import MADE, make_pkd
from bench.timing import WALL, Ratio, seconds
from emrtd.crypto.signatures import VerifyingKey, verify
from emrtd.errors import ProtocolError
from emrtd.pki.path import find_anchor, forget
from emrtd.pki.revocation import find_crl_issuer
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from verify.trust.entries import TrustEntry
from verify.trust.importing import import_paths, read_unchanged
from verify.trust.kinds import TrustEntryKind
from verify.trust.store import TrustStore

NAME = "pkd"
SIGNERS = int(os.environ.get("CHIPSEAL_BENCH_SIGNERS", "30008"))
ROUNDS = 3
ALLOWED_IMPORT, ALLOWED_AGAIN, ALLOWED_OPEN_SECONDS = 1.5, 0.02, 0.004

Work = Callable[[], None]


def measure() -> list[Ratio]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_pkd(folder, SIGNERS)
        paths = sorted(folder.glob("*.ldif"))
        rounds = [measure_round(folder / f"{each}.db", paths) for each in range(ROUNDS)]
    imported, again, opened = map(statistics.median, zip(*rounds, strict=True))
    return [
        Ratio(
            f"{SIGNERS:,} signers imported / their signatures on one core", imported, ALLOWED_IMPORT
        ),
        Ratio("the same files again / the first time", again, ALLOWED_AGAIN),
        Ratio("the store opened / 4 ms", opened, 1.0),
    ]


def measure_round(path: Path, paths: list[Path]) -> tuple[float, float, float]:
    """Return the ratios of one import into a new store."""
    forget()
    with TrustStore.open(path, create=True) as store:
        first = seconds(lambda: import_paths(store, paths, at=MADE), 1, WALL)
        again = seconds(lambda: read_unchanged(store, paths), 3, WALL)
        alone = seconds(signatures_of(store), 1, WALL)
    opening = seconds(lambda: TrustStore.open(path).close(), 20, WALL)
    return first / alone, again / first, opening / ALLOWED_OPEN_SECONDS


def signatures_of(store: TrustStore) -> Work:
    """Return a function that only verifies the signature of each certificate and CRL in a store."""
    signed = [pair for entry in store.entries() if (pair := with_key(entry, store)) is not None]

    def work() -> None:
        for content, key in signed:
            assert content.scheme is not None
            try:
                verify(key, content.scheme, content.signature, content.tbs)
            except ProtocolError:  # a link, whose issuer has a new key under the same name
                continue

    return work


def with_key(entry: TrustEntry, store: TrustStore) -> tuple[Certificate | Crl, VerifyingKey] | None:
    """Return what an entry is, and the key that signed it."""
    if entry.kind is TrustEntryKind.CRL:
        crl = Crl.parse(entry.der)
        anchor = find_crl_issuer(crl, store)
        key = None if anchor is None else anchor.certificate.public_key
        return None if key is None else (crl, key)
    certificate = Certificate.parse(entry.der)
    if entry.kind is TrustEntryKind.CSCA:
        key = certificate.public_key
    else:
        found, _ = find_anchor(certificate, store, MADE)
        key = None if found is None else found.certificate.public_key
    return None if key is None else (certificate, key)
