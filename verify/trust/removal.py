"""Takes entries out of a trust store, and with them the trust that rested on them alone."""

from collections.abc import Sequence
from datetime import datetime

from emrtd.pki.findings import Outcome
from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import find_crl_issuer
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from verify.trust.authorities import Authorities, is_signed_by_itself, reached_by_links
from verify.trust.entries import ANCHOR_KINDS, TrustEntry, TrustEntryKind
from verify.trust.list_signers import examine_list_signer
from verify.trust.settlement import Standing
from verify.trust.store import TrustStore

_SIGNED_BY_CSCA = (
    TrustEntryKind.DOCUMENT_SIGNER,
    TrustEntryKind.MASTER_LIST_SIGNER,
    TrustEntryKind.DEVIATION_LIST_SIGNER,
    TrustEntryKind.CRL,
    TrustEntryKind.DEVIATION_LIST,
    TrustEntryKind.DEFECT_LIST,
)


def remove_entries(
    store: TrustStore, entries: Sequence[TrustEntry], *, at: datetime
) -> tuple[int, list[TrustEntry]]:
    """Remove entries in one transaction; returns how many, and those that no longer verify.

    What no longer verifies stays in the store, and is trusted no more unless a Master List vouches
    for it: a link certificate must not outlive the key that it was trusted for.
    """
    with store.transaction():
        removed = store.delete(entries)
        orphans: list[TrustEntry] = []
        for country in sorted({entry.country for entry in entries}):
            orphans += _recheck_authorities(store, country)
        for country in sorted({entry.country for entry in entries}):
            orphans += _recheck_signed(store, country, at)
    return removed, orphans


def _recheck_authorities(store: TrustStore, country: str) -> list[TrustEntry]:
    """Follow the links of a country anew, from what is trusted for another reason than a link.

    Links that prove one another in a circle hold up nothing.
    """
    kept = {
        Certificate.parse(entry.der): entry
        for kind in ANCHOR_KINDS
        for entry in store.entries(kind=kind, country=country)
    }
    roots = {
        certificate
        for certificate, entry in kept.items()
        if entry.trusted
        and (not entry.verified or store.is_listed(entry.id) or is_signed_by_itself(certificate))
    }
    others = [certificate for certificate in kept if certificate not in roots]
    trusted = {*roots, *reached_by_links(roots, others)}
    authorities = Authorities(trusted)
    orphans: list[TrustEntry] = []
    for certificate, entry in kept.items():
        if not entry.verified:
            continue
        proof = authorities.prove(certificate)
        if proof.verified and (certificate in trusted or not entry.trusted):
            continue
        standing = Standing(entry.kind, proof.verified, certificate in trusted, proof.explanation)
        store.settle(entry.id, standing)
        orphans.append(entry)
    return orphans


def _recheck_signed(store: TrustStore, country: str, at: datetime) -> list[TrustEntry]:
    orphans = []
    for kind in _SIGNED_BY_CSCA:
        for entry in store.entries(kind=kind, country=country):
            objection = _objection_to_entry(entry, store, at) if entry.verified else None
            if objection is not None:
                standing = Standing(entry.kind, False, False, objection)
                store.settle(entry.id, standing)
                orphans.append(entry)
    return orphans


def _objection_to_entry(entry: TrustEntry, store: TrustStore, at: datetime) -> str | None:
    """Why something that a CSCA of the store had signed no longer counts; None where it does."""
    match entry.kind:
        case TrustEntryKind.CRL:
            crl = Crl.parse(entry.der)
            reason = f"no trusted key of {crl.issuer} signed it"
            return reason if find_crl_issuer(crl, store) is None else None
        case TrustEntryKind.DEVIATION_LIST:
            return examine_list_signer(DeviationList.parse(entry.der), store, at).objection
        case TrustEntryKind.DEFECT_LIST:
            return examine_list_signer(DefectList.parse(entry.der), store, at).objection
        case _:
            check = find_anchor(Certificate.parse(entry.der), store, at)[1]
            return None if check.outcome is Outcome.PASSED else check.reason
