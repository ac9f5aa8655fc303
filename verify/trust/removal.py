"""Remove entries from a trust store, and the trust in others that depended on them alone."""

from collections.abc import Sequence
from datetime import datetime

from verify.trust.entries import TrustEntry
from verify.trust.rechecking import Withdrawal, recheck
from verify.trust.store import TrustStore


def remove_entries(
    store: TrustStore, entries: Sequence[TrustEntry], *, at: datetime
) -> tuple[int, Withdrawal]:
    """Remove entries in one transaction; return how many, and what is no longer trusted.

    What is no longer trusted stays in the store: a link certificate must not stay trusted without
    the key that signed it, nor what a Master List alone brought without the CSCA of its signer.
    """
    with store.transaction() as changes:
        removed = changes.delete(entries)
        return removed, recheck(store, changes, (entry.country for entry in entries), at)
