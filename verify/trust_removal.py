"""Takes entries out of a trust store, and with them the trust that rested on them alone."""

from collections.abc import Sequence
from datetime import datetime

from emrtd.pki.certificates import Certificate
from emrtd.pki.crl import Crl
from emrtd.pki.findings import Outcome
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import find_crl_issuer
from verify.authorities import Authorities
from verify.trust_entries import ANCHOR_KINDS, Entry, Kind
from verify.trust_store import TrustStore

_SIGNED_BY_CSCA = (
    Kind.DOCUMENT_SIGNER,
    Kind.MASTER_LIST_SIGNER,
    Kind.DEVIATION_LIST_SIGNER,
    Kind.CRL,
)


def remove_entries(
    store: TrustStore, entries: Sequence[Entry], *, at: datetime
) -> tuple[int, list[Entry]]:
    """Remove entries in one transaction; returns how many, and those that no longer verify.

    What no longer verifies stays in the store, and is trusted no more unless a Master List vouches
    for it: a link certificate must not outlive the key that it was trusted for.
    """
    with store.transaction():
        removed = store.delete(entries)
        orphans: list[Entry] = []
        for country in sorted({entry.country for entry in entries}):
            orphans += _recheck_authorities(store, country)
        for country in sorted({entry.country for entry in entries}):
            orphans += _recheck_signed(store, country, at)
    return removed, orphans


def _recheck_authorities(store: TrustStore, country: str) -> list[Entry]:
    """Prove the CSCA and link certificates of a country anew, until nothing more falls."""
    orphans: list[Entry] = []
    fallen = True
    while fallen:
        kept = [
            entry for kind in ANCHOR_KINDS for entry in store.entries(kind=kind, country=country)
        ]
        authorities = Authorities()
        for entry in kept:
            if entry.trusted:
                authorities.add(Certificate.parse(entry.der))
        fallen = False
        for entry in kept:
            proof = authorities.prove(Certificate.parse(entry.der))
            if entry.verified and not proof.verified:
                trusted = entry.trusted and store.is_listed(entry.id)
                store.settle(
                    entry.id, verified=False, trusted=trusted, explanation=proof.explanation
                )
                orphans.append(entry)
                fallen = True
    return orphans


def _recheck_signed(store: TrustStore, country: str, at: datetime) -> list[Entry]:
    orphans = []
    for kind in _SIGNED_BY_CSCA:
        for entry in store.entries(kind=kind, country=country):
            if kind is Kind.CRL:
                crl = Crl.parse(entry.der)
                good = find_crl_issuer(crl, store) is not None
                reason = f"no trusted key of {crl.issuer} signed it"
            else:
                finding = find_anchor(Certificate.parse(entry.der), store, at)[1]
                good, reason = finding.outcome is Outcome.PASSED, finding.reason
            if entry.verified and not good:
                store.settle(entry.id, verified=False, trusted=False, explanation=reason)
                orphans.append(entry)
    return orphans
