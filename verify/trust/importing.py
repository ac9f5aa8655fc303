"""Fills the trust store: all of a command's files are taken, or none.

Verified and trusted are two things.  Verified: the signature is good, by what it claims to be
signed by.  Trusted: the operator chose the file of one CSCA, or a Master List that verifies vouches
for it, or something trusted has signed it.  Nothing whose own signature is wrong is ever trusted.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from emrtd.pki.findings import Outcome
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.lists.master_list import MasterList
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import find_crl_issuer
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from support.errors import MisuseError
from verify.trust.authorities import Authorities, Proof, reached_by_links
from verify.trust.columns import columns_of, columns_of_list, kind_of
from verify.trust.entries import ANCHOR_KINDS, Entry, Kind
from verify.trust.files import Content, TrustFile
from verify.trust.list_signers import SignedList, examine_list_signer
from verify.trust.store import TrustStore


@dataclass(slots=True)
class Summary:
    """What became of a file: how many entries are new, were there before, and verify.

    `note` says who signed a list; `left_out` are the reasons for which parts were not taken.
    """

    name: str
    added: int = 0
    known: int = 0
    verified: int = 0
    note: str = ""
    left_out: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Item:
    """Something of a file that is now an entry.

    `chosen`: the operator named the file it is alone in; `vouched`: a Master List holds it.
    """

    content: Certificate | Crl = field(repr=False)
    name: str
    new: bool
    chosen: bool
    vouched: bool
    trusted: bool
    verified: bool = False
    reason: str = ""
    summaries: list[Summary] = field(default_factory=list)


@dataclass(slots=True)
class _List:
    """A signed list, where it is from, and why its signer is not believed so far."""

    content: SignedList = field(repr=False)
    source: int
    summary: Summary
    collection: bool
    problem: str = ""


def import_files(
    store: TrustStore, files: Sequence[TrustFile], *, at: datetime, unverified: bool = False
) -> list[Summary]:
    """Import files in one transaction; `at` is the instant (aware) of the import.

    Raises `MisuseError`, and changes nothing, where a file or the signer of a list does not
    verify, unless `unverified`.  What does not verify in a collection (LDIF) is left out.
    """
    with store.transaction():
        return _Import(store, at, unverified=unverified).run(files)


class _Import:
    """One import, inside its transaction."""

    def __init__(self, store: TrustStore, at: datetime, *, unverified: bool) -> None:
        self._store = store
        self._at = at
        self._unverified = unverified
        self._items: dict[int, _Item] = {}
        self._stray_proofs: dict[int, Proof] = {}
        self._collection_is_root = False

    def run(self, files: Sequence[TrustFile]) -> list[Summary]:
        """Take the files: CSCAs first, then lists of them, then what they have signed.

        A collection may bring CSCAs of its own where the operator has nothing else to go by.
        """
        anchors = [each for kind in ANCHOR_KINDS for each in self._store.entries(kind=kind)]
        chosen = any(each.trusted for each in anchors) or not all(each.collection for each in files)
        self._collection_is_root = not chosen
        summaries = [Summary(file.name) for file in files]
        pairs = list(zip(files, summaries, strict=True))
        waiting: list[_List] = []
        for file, summary in sorted(pairs, key=lambda pair: _rank(pair[0])):
            waiting = self._take_lists(waiting + self._take(file, summary))
        for each in waiting:
            self._take_unproven(each)
        self._settle_signed()
        self._supersede_crls()
        for entry, item in self._items.items():
            if not self._is_accepted(item):
                self._leave_out(entry, item)
                continue
            first, *others = item.summaries
            first.added += item.new
            first.known += not item.new
            for other in others:
                other.known += 1
            for summary in item.summaries:
                summary.verified += item.verified
        return summaries

    def _take(self, file: TrustFile, summary: Summary) -> list[_List]:
        """Take the certificates and CRLs of a file; returns its lists."""
        summary.left_out += file.unreadable
        source = self._store.add_source(file.name, file.digest, self._at)
        lists = []
        for content in sorted(file.contents, key=_rank_of):
            if isinstance(content, Certificate | Crl):
                self._add(source, content, summary, chosen=not file.collection)
            else:
                lists.append(_List(content, source, summary, file.collection))
        self._settle_authorities()
        return lists

    def _take_lists(self, lists: Sequence[_List]) -> list[_List]:
        """Take those whose signer is believed, also because of one of the others; returns the rest.

        A newer list may hold the link that ties an older one's CSCA to the store, or the other
        way round: in what order a command names them tells nothing.
        """
        waiting = list(lists)
        grown = True
        while grown and waiting:
            grown, left = False, []
            for each in waiting:
                chosen = self._collection_is_root or not each.collection
                signer = examine_list_signer(each.content, self._store, self._at, chosen=chosen)
                if signer.objection is None:
                    self._add_list(each, signer.description)
                    grown |= isinstance(each.content, MasterList)
                else:
                    each.problem = signer.objection
                    left.append(each)
            waiting = left
        return waiting

    def _take_unproven(self, each: _List) -> None:
        if self._unverified:
            self._add_list(each, f"not verified: {each.problem}", verified=False)
        elif each.collection:
            each.summary.left_out.append(f"a list: {each.problem}")
        else:
            named = f"{each.summary.name}: {each.problem}"
            raise MisuseError(f"{named}; --unverified takes it all the same")

    def _add_list(self, each: _List, note: str, *, verified: bool = True) -> None:
        content, summary = each.content, each.summary
        summary.note = note
        self._store.note_source(each.source, note)
        if isinstance(content, MasterList):
            summary.left_out += content.unreadable
            for certificate in content.certificates:
                self._add(each.source, certificate, summary, vouched=True)
            self._settle_authorities()  # what the next list is to be measured by
            return
        kind = Kind.DEVIATION_LIST if isinstance(content, DeviationList) else Kind.DEFECT_LIST
        entry, new, _ = self._store.add_entry(each.source, kind, columns_of_list(content))
        self._store.settle(entry, verified=verified, trusted=True, explanation=note)
        summary.added += new
        summary.known += not new
        summary.verified += verified

    def _add(
        self,
        source: int,
        content: Certificate | Crl,
        summary: Summary,
        *,
        chosen: bool = False,
        vouched: bool = False,
    ) -> None:
        kind = kind_of(content, vouched=vouched)
        columns = columns_of(content)
        entry, new, trusted = self._store.add_entry(source, kind, columns, listed=vouched)
        item = self._items.setdefault(
            entry, _Item(content, summary.name, new, chosen, vouched, trusted)
        )
        item.chosen |= chosen
        item.vouched |= vouched
        if summary not in item.summaries[-1:]:
            item.summaries.append(summary)

    # --- verification ----------------------------------------------------------------------------

    def _settle_authorities(self) -> None:
        """Verify CSCA and link certificates, also old ones whose issuer only came now."""
        items = {
            entry: item
            for entry, item in self._items.items()
            if isinstance(item.content, Certificate)
            and kind_of(item.content, vouched=item.vouched) in ANCHOR_KINDS
        }
        if not items:
            return
        strays = {number for number, item in items.items() if self._is_stray(item)}
        known, trusted, others, unproven = self._known_authorities(strays)
        unproven |= set(items)
        authorities = Authorities((*trusted, *others))
        proofs = {
            number: self._stray_proofs.get(number) or authorities.prove(known[number])
            for number in unproven
        }
        for number, item in items.items():
            wanted = item.vouched or self._unverified or (item.chosen and _is_root(proofs[number]))
            if wanted and not proofs[number].wrong:
                trusted[known[number]] = None
        # What links tie to something trusted is trusted as well (Doc 9303-12, 6.1.1).
        waiting = [known[number] for number in proofs if known[number] not in trusted]
        for certificate in reached_by_links(trusted, waiting):
            trusted[certificate] = None
            authorities.add(certificate)
        for number in strays:
            if known[number] in trusted:
                proofs[number] = authorities.prove(known[number])
            self._stray_proofs[number] = proofs[number]
        for number, proof in proofs.items():
            self._settle_authority(number, proof, trusted=known[number] in trusted)

    def _known_authorities(
        self, strays: AbstractSet[int]
    ) -> tuple[dict[int, Certificate], dict[Certificate, None], list[Certificate], set[int]]:
        """All in the store, those trusted, those that are not nor strays, and those unproven."""
        known: dict[int, Certificate] = {}
        trusted: dict[Certificate, None] = {}
        others: list[Certificate] = []
        unproven: set[int] = set()
        for kind in ANCHOR_KINDS:
            for entry in self._store.entries(kind=kind):
                known[entry.id] = Certificate.parse(entry.der)
                if entry.trusted:
                    trusted[known[entry.id]] = None
                elif entry.id not in strays:
                    others.append(known[entry.id])
                if not entry.verified:
                    unproven.add(entry.id)
        return known, trusted, others, unproven

    def _settle_authority(self, number: int, proof: Proof, *, trusted: bool) -> None:
        self._store.settle(
            number, verified=proof.verified, trusted=trusted, explanation=proof.explanation
        )
        item = self._items.get(number)
        if item is not None:
            self._store.set_kind(number, Kind.LINK if proof.is_link else Kind.CSCA)
            item.verified, item.trusted = proof.verified, trusted
            item.reason = "nobody vouches for it" if proof.verified else proof.explanation

    def _is_stray(self, item: _Item) -> bool:
        """Whether nobody has chosen a certificate, or vouched for it: then it proves no other.

        A collection may hold any number of those, and each is proven once.
        """
        return not (item.vouched or item.chosen or item.trusted or self._unverified)

    def _settle_signed(self) -> None:
        """Verify what CSCAs have signed: signers of documents and lists, and CRLs."""
        for entry, item in self._items.items():
            content = item.content
            if isinstance(content, Crl):
                anchor = find_crl_issuer(content, self._store)
                verified = anchor is not None
                reason = (
                    f"signed by {anchor.certificate.subject}"
                    if anchor is not None
                    else f"no trusted key of {content.issuer} signed it"
                )
            elif kind_of(content, vouched=item.vouched) not in ANCHOR_KINDS:
                check = find_anchor(content, self._store, self._at)[1]
                verified, reason = check.outcome is Outcome.PASSED, check.reason
            else:
                continue
            item.trusted |= verified or self._unverified
            item.verified, item.reason = verified, reason
            self._store.settle(entry, verified=verified, trusted=item.trusted, explanation=reason)

    def _supersede_crls(self) -> None:
        """Keep the newest list of a key: it repeats what the ones before it revoke.

        One that revokes something the newest does not is kept too: a revocation is for ever.
        """
        countries = {
            item.content.country or ""
            for item in self._items.values()
            if isinstance(item.content, Crl)
        }
        newest: dict[tuple[str, bytes | None], Crl] = {}
        for country in countries:
            crls = [
                (entry.id, self._crl_of(entry))
                for entry in self._store.entries(kind=Kind.CRL, country=country)
                if entry.verified
            ]
            for number, crl in sorted(crls, key=lambda pair: pair[1].this_update, reverse=True):
                kept = newest.setdefault((crl.issuer.key, crl.authority_key_identifier), crl)
                if kept is crl or not crl.revoked.keys() <= kept.revoked.keys():
                    continue
                self._store.drop(number)
                item = self._items.pop(number, None)
                if item is not None:
                    reason = f"a newer one is in the store, of {kept.this_update.date()}"
                    item.summaries[0].left_out.append(f"the CRL of {crl.issuer}: {reason}")

    def _crl_of(self, entry: Entry) -> Crl:
        """The list of an entry; one of this import was read already, and may be very large."""
        item = self._items.get(entry.id)
        if item is not None and isinstance(item.content, Crl):
            return item.content
        return Crl.parse(entry.der)

    def _is_accepted(self, item: _Item) -> bool:
        proven = item.verified and item.trusted
        return proven or item.vouched or self._unverified or not item.new

    def _leave_out(self, entry: int, item: _Item) -> None:
        """Take an entry out again, or refuse the whole import."""
        content = item.content
        name = (
            content.subject if isinstance(content, Certificate) else f"the CRL of {content.issuer}"
        )
        if item.chosen:
            raise MisuseError(
                f"{item.name}: {name}: {item.reason}; --unverified takes it all the same"
            )
        item.summaries[0].left_out.append(f"{name}: {item.reason}")
        self._store.drop(entry)


def _is_root(proof: Proof) -> bool:
    return proof.verified and proof.issuer is None


def _rank(file: TrustFile) -> int:
    return min((_rank_of(content) for content in file.contents), default=0) + 3 * file.collection


def _rank_of(content: Content) -> int:
    """What has to be there before the rest can be verified comes first."""
    match content:
        case Certificate() if kind_of(content, vouched=False) in ANCHOR_KINDS:
            return 0
        case MasterList():
            return 1
        case _:
            return 2
