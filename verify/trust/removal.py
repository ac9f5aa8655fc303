"""Remove entries from a trust store, and the trust in others that depended on them alone."""

from collections.abc import Sequence
from datetime import datetime

from emrtd.pki.findings import Outcome
from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import find_crl_issuer
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from verify.trust.csca_links import KnownCscas, is_signed_by_itself, reached_by_links
from verify.trust.entries import TrustEntry
from verify.trust.kinds import ANCHOR_KINDS, TrustEntryKind
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
    """Remove entries in one transaction; return how many, and the entries that no longer verify.

    An entry that no longer verifies stays in the store, but is no longer trusted unless a Master
    List contains it: a link certificate must not stay trusted without the key that signed it.
    """
    with store.transaction():
        removed = store.delete(entries)
        orphans: list[TrustEntry] = []
        for country in sorted({entry.country for entry in entries}):
            orphans += _recheck_cscas(store, country)
        for country in sorted({entry.country for entry in entries}):
            orphans += _recheck_signed(store, country, at)
    return removed, orphans


def _recheck_cscas(store: TrustStore, country: str) -> list[TrustEntry]:
    """Follow the links of a country again, from the entries that are trusted without a link.

    Links that sign each other in a circle are then no longer trusted.
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
    proven = {certificate for certificate in roots if not kept[certificate].unproven}
    proven |= {*reached_by_links(proven, [each for each in trusted if each not in proven])}
    known_cscas = KnownCscas(trusted)
    orphans: list[TrustEntry] = []
    for certificate, entry in kept.items():
        if not entry.verified:
            continue
        proof = known_cscas.prove(certificate)
        is_trusted = certificate in trusted
        standing = Standing(
            entry.kind,
            proof.verified,
            is_trusted,
            is_trusted and certificate not in proven,
            proof.explanation,
        )
        if proof.verified and is_trusted == entry.trusted:
            if standing.unproven != entry.unproven:
                store.settle(entry.id, standing)
            continue
        if proof.verified and not entry.trusted:
            continue
        store.settle(entry.id, standing)
        orphans.append(entry)
    return orphans


def _recheck_signed(store: TrustStore, country: str, at: datetime) -> list[TrustEntry]:
    orphans = []
    for kind in _SIGNED_BY_CSCA:
        for entry in store.entries(kind=kind, country=country):
            objection = _objection_to_entry(entry, store, at) if entry.verified else None
            if objection is not None:
                standing = Standing(entry.kind, False, False, False, objection)
                store.settle(entry.id, standing)
                orphans.append(entry)
    return orphans


def _objection_to_entry(entry: TrustEntry, store: TrustStore, at: datetime) -> str | None:
    """Return why an entry that a CSCA had signed no longer verifies; None if it does."""
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
