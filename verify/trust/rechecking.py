"""Withdraw the trust in entries that nothing vouches for any more, after an import or a removal.

An entry that is withdrawn stays in the store, and says why it is not trusted.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import msgspec

from emrtd.pki.findings import Outcome
from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import find_crl_issuer
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from verify.trust import schema
from verify.trust.backing import (
    AnchorSource,
    Backing,
    ListSource,
    find_backing,
    objection_to_source,
)
from verify.trust.csca_links import KnownCscas
from verify.trust.entries import ImportedList, TrustEntry
from verify.trust.kinds import ANCHOR_KINDS, TrustEntryKind
from verify.trust.list_signers import examine_list_signer
from verify.trust.settlement import Standing
from verify.trust.store import TrustStore
from verify.trust.store_changes import StoreChanges

_SIGNED_LISTS: Final = (TrustEntryKind.DEVIATION_LIST, TrustEntryKind.DEFECT_LIST)
_SIGNED_BY_CSCA: Final = (
    TrustEntryKind.DOCUMENT_SIGNER,
    TrustEntryKind.MASTER_LIST_SIGNER,
    TrustEntryKind.DEVIATION_LIST_SIGNER,
    TrustEntryKind.CRL,
    *_SIGNED_LISTS,
)


class Withdrawal(msgspec.Struct, frozen=True):
    """The Master Lists that are no longer trusted, and the entries that are not for any reason."""

    lists: tuple[ImportedList, ...]
    entries: tuple[TrustEntry, ...]

    @property
    def countries(self) -> tuple[str, ...]:
        """The countries of the lists' signers and of the entries."""
        lists = (each.country for each in self.lists)
        return (*lists, *(each.country for each in self.entries))

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is no longer trusted, and why, one text each."""
        return (
            *(
                f"the Master List in {each.source} is no longer trusted: {each.objection}"
                for each in self.lists
            ),
            *(
                f"no longer trusted: {each.fingerprint.hex()[:16]} {each.kind} {each.subject}"
                f" ({each.explanation})"
                for each in self.entries
            ),
        )


def recheck_revoked(
    store: TrustStore, changes: StoreChanges, countries: Iterable[str], at: datetime
) -> Withdrawal:
    """Withdraw what rests on signers of lists that are revoked by now; `countries` have new CRLs.

    `changes` are those of the import.
    """
    changed = sorted({*countries})
    lists = [each for each in store.master_lists() if not each.objection]
    fallen = any(
        objection_to_source(
            _source_of(each),
            [anchor.certificate for anchor in store.anchors_of_country(each.country)],
            store.crls_of_country,
            at,
        )
        for each in lists
        if each.country in changed
    )
    found = recheck(store, changes, (), at) if fallen else Withdrawal((), ())
    signed = [
        entry
        for country in changed
        for kind in _SIGNED_LISTS
        for entry in _recheck_kind(store, changes, kind, country, at)
    ]
    return Withdrawal(found.lists, (*found.entries, *signed))


def recheck(
    store: TrustStore, changes: StoreChanges, countries: Iterable[str], at: datetime
) -> Withdrawal:
    """Examine again whether something vouches for every CSCA, and who signed what depends on them.

    The entries of these countries are verified again in any case: something of them was removed.
    """
    imported = store.master_lists()
    lists = [_source_of(each) for each in imported]
    rows = [_Row(*row) for row in store.rows(schema.BACKED)]
    anchors = [row.source for row in rows if row.trusted]
    backing = find_backing(anchors, lists, store.crls_of_country, at, unproven=True)
    proven = find_backing(anchors, lists, store.crls_of_country, at, unproven=False).certificates
    fallen = [
        msgspec.structs.replace(each, objection=backing.objections[each.id])
        for each in imported
        if each.id in backing.objections
    ]
    for each in fallen:
        changes.object_to_list(each.id, each.objection)
    changed = sorted({*countries, *(row.country for row in rows if row.loses(backing, proven))})
    entries: list[TrustEntry] = []
    for country in changed:
        entries += _recheck_cscas(store, changes, country, backing.certificates, proven)
    for country in changed:
        for kind in _SIGNED_BY_CSCA:
            entries += _recheck_kind(store, changes, kind, country, at)
    return Withdrawal(tuple(fallen), tuple(entries))


class _Row(msgspec.Struct, frozen=True):
    """A row of `schema.BACKED`."""

    country: str
    is_root: bool
    unproven: bool
    trusted: bool
    is_chosen: bool
    is_accepted: bool
    is_of_older_store: bool
    lists: str | None
    der: bytes

    @property
    def certificate(self) -> Certificate:
        """The certificate."""
        return Certificate.parse(self.der)

    @property
    def source(self) -> AnchorSource:
        """What vouches for it."""
        return AnchorSource(
            self.certificate,
            chosen=(self.is_chosen and self.is_root)
            or (self.is_of_older_store and not self.unproven),
            unproven=self.is_accepted or self.is_of_older_store,
            lists=frozenset(map(int, self.lists.split(","))) if self.lists else frozenset(),
        )

    def loses(self, backing: Backing, proven: frozenset[Certificate]) -> bool:
        """Whether it is trusted, or proven, and nothing vouches for that any more."""
        if not self.trusted:
            return False
        certificate = self.certificate
        is_unsure = not self.unproven and certificate not in proven
        return is_unsure or certificate not in backing.certificates


def _source_of(imported: ImportedList) -> ListSource:
    return ListSource(
        imported.id,
        tuple(
            (Certificate.parse(signer), Certificate.parse(issuer))
            for signer, issuer in imported.signers
        ),
        brings_csca=imported.brings > 0,
        encloses_csca=imported.brings > 1,
        fallen=bool(imported.objection),
    )


def _recheck_cscas(
    store: TrustStore,
    changes: StoreChanges,
    country: str,
    trusted: frozenset[Certificate],
    proven: frozenset[Certificate],
) -> list[TrustEntry]:
    """Settle the CSCAs of a country; return those that are no longer verified or trusted."""
    kept = {
        Certificate.parse(entry.der): entry
        for kind in ANCHOR_KINDS
        for entry in store.entries(kind=kind, country=country)
    }
    known_cscas = KnownCscas(each for each in kept if each in trusted)
    lost: list[TrustEntry] = []
    for certificate, entry in kept.items():
        if not entry.trusted and not entry.verified:
            continue
        proof = known_cscas.prove(certificate)
        is_trusted = entry.trusted and certificate in trusted
        standing = Standing(
            entry.kind,
            entry.verified and proof.verified,
            is_trusted,
            is_trusted and certificate not in proven,
            proof.explanation if is_trusted else store.why_withdrawn(entry.id) or proof.explanation,
        )
        is_lost = (entry.trusted, entry.verified) != (standing.trusted, standing.verified)
        if is_lost:
            lost.append(_settled(changes, entry, standing))
        elif standing.unproven != entry.unproven:
            changes.settle(entry.id, standing)
    return lost


def _recheck_kind(
    store: TrustStore, changes: StoreChanges, kind: TrustEntryKind, country: str, at: datetime
) -> Iterator[TrustEntry]:
    """Settle the verified entries of a kind; yield those that no longer verify."""
    for entry in store.entries(kind=kind, country=country):
        objection = _objection_to_entry(entry, store, at) if entry.verified else None
        if objection is not None:
            yield _settled(changes, entry, Standing(entry.kind, False, False, False, objection))


def _settled(changes: StoreChanges, entry: TrustEntry, standing: Standing) -> TrustEntry:
    changes.settle(entry.id, standing)
    return msgspec.structs.replace(entry, **msgspec.structs.asdict(standing))


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
