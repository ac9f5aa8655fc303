"""Gathers what the files of one import hold: CSCAs first, then lists of them, then the rest.

Which signed lists are believed depends on the CSCAs that are trusted, and those on the lists; so
files are taken one after another, and lists again whenever a CSCA has come to be trusted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.lists.master_list import MasterList
from emrtd.pki.trust import TrustSet, TrustView
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from support.errors import MisuseError
from verify.trust.authorities import Candidate, settle_candidates
from verify.trust.columns import fingerprint_of, iso_time, kind_of
from verify.trust.entries import ANCHOR_KINDS, TrustEntryKind
from verify.trust.files import Content, TrustFile
from verify.trust.list_signers import SignedList, examine_list_signer
from verify.trust.settlement import Known, KnownEntry

TAKE_ANYWAY: Final = "--unverified takes it all the same"


class Claim(msgspec.Struct, frozen=True):
    """What the files say of a certificate or CRL.

    `files` are the numbers of those that hold it, the first one first, `listed` of those in which
    a Master List does.  `chosen`: the operator named a file that it is alone in.
    """

    content: Certificate | Crl
    fingerprint: bytes
    known: KnownEntry | None
    files: tuple[int, ...] = ()
    listed: frozenset[int] = frozenset()
    chosen: bool = False

    @property
    def is_vouched_for(self) -> bool:
        """Whether a Master List holds it."""
        return bool(self.listed)

    @property
    def kind(self) -> TrustEntryKind:
        """What the store says that it is, or what it says of itself."""
        kind = kind_of(self.content, vouched=self.is_vouched_for)
        return kind if self.known is None or kind in ANCHOR_KINDS else self.known.kind

    @property
    def is_authority(self) -> bool:
        """Whether it is a CSCA or link certificate."""
        return self.kind in ANCHOR_KINDS

    def held_by(self, file: int, *, listed: bool, chosen: bool) -> "Claim":
        """The same, held by one more file."""
        return msgspec.structs.replace(
            self,
            files=self.files if file in self.files else (*self.files, file),
            listed=self.listed | {file} if listed else self.listed,
            chosen=self.chosen or chosen,
        )


class TakenList(msgspec.Struct, frozen=True):
    """A Deviation or Defect List that is taken; `note` says who signed it, or why not verified."""

    content: DeviationList | DefectList
    files: tuple[int, ...]
    note: str
    verified: bool


class LeftOut(msgspec.Struct, frozen=True):
    """Why a part of a file is not taken."""

    file: int
    reason: str


class Gathering(msgspec.Struct, frozen=True):
    """All that files hold, and how the CSCAs stand by it.

    `order` is that in which files were taken; `notes` are what is said of each.
    """

    order: tuple[int, ...]
    claims: tuple[Claim, ...]
    candidates: Mapping[Certificate, Candidate]
    lists: tuple[TakenList, ...]
    notes: Mapping[int, tuple[str, ...]]
    left_out: tuple[LeftOut, ...]
    trust: TrustView


def gather(
    known: Known, files: Sequence[TrustFile], at: datetime, *, unverified: bool
) -> Gathering:
    """Gather what files hold; raises `MisuseError` for a list whose signer is not believed.

    A collection may bring CSCAs of its own where the operator has nothing else to go by.
    """
    gatherer = _Gatherer(known, files, at, unverified=unverified)
    waiting: list[_Waiting] = []
    order = tuple(sorted(range(len(files)), key=lambda number: _rank(files[number])))
    for number in order:
        waiting = gatherer.take_lists([*waiting, *gatherer.take(number)])
    for each in waiting:
        gatherer.take_unproven(each)
    return gatherer.gathered(order)


class _Waiting(msgspec.Struct, frozen=True):
    """A signed list of a file, and why its signer was not believed when that was last examined."""

    content: SignedList
    file: int
    objection: str = ""
    examined: int = -1


class _Gatherer:
    """What is gathered so far; each value in it is frozen, and replaced by another."""

    def __init__(
        self, known: Known, files: Sequence[TrustFile], at: datetime, *, unverified: bool
    ) -> None:
        self._known = known
        self._files = files
        self._at = at
        self._unverified = unverified
        self._claims: dict[bytes, Claim] = {}
        self._lists: dict[bytes, TakenList] = {}
        self._notes: dict[int, tuple[str, ...]] = {}
        self._left_out: list[LeftOut] = []
        self._candidates = {
            each.certificate: Candidate(
                each.certificate,
                (each.country, each.subject, each.valid_from, position),
                is_link=each.entry.kind is TrustEntryKind.LINK,
                verified=each.entry.verified,
                trusted=each.entry.trusted,
            )
            for position, each in enumerate(known.anchors)
        }
        self._is_settled = True
        self._generation = 0
        self._trust = self._trusted()
        chosen = any(each.entry.trusted for each in known.anchors)
        self._collection_is_root = not chosen and all(each.collection for each in files)

    def take(self, number: int) -> list[_Waiting]:
        """Take the certificates and CRLs of a file; returns its lists."""
        file = self._files[number]
        self._left_out += [LeftOut(number, reason) for reason in file.unreadable]
        lists = []
        for content in sorted(file.contents, key=_rank_of):
            if isinstance(content, Certificate | Crl):
                self._claim(content, number, chosen=not file.collection)
            else:
                lists.append(_Waiting(content, number))
        self._settle()
        return lists

    def take_lists(self, lists: Sequence[_Waiting]) -> list[_Waiting]:
        """Take those whose signer is believed, also because of one of the others; returns the rest.

        A newer list may hold the link that ties an older one's CSCA to the store, or the other
        way round: in what order a command names them tells nothing.
        """
        waiting = list(lists)
        while True:
            left = [each for each in map(self._examined, waiting) if each is not None]
            if all(each.examined == self._generation for each in left):
                return left
            waiting = left

    def _examined(self, each: _Waiting) -> _Waiting | None:
        """Take a list, or say why not; None where it is taken."""
        if each.examined == self._generation:
            return each
        chosen = self._collection_is_root or not self._files[each.file].collection
        generation = self._generation
        signer = examine_list_signer(each.content, self._trust, self._at, chosen=chosen)
        if signer.objection is not None:
            return _Waiting(each.content, each.file, signer.objection, generation)
        self._add_list(each, signer.description, verified=True)
        return None

    def take_unproven(self, each: _Waiting) -> None:
        """Take a list whose signer is not believed all the same, leave it out, or refuse it."""
        file = self._files[each.file]
        if self._unverified:
            self._add_list(each, f"not verified: {each.objection}", verified=False)
        elif file.collection:
            self._left_out.append(LeftOut(each.file, f"a list: {each.objection}"))
        else:
            raise MisuseError(f"{file.name}: {each.objection}", advice=TAKE_ANYWAY)

    def gathered(self, order: tuple[int, ...]) -> Gathering:
        """All of it."""
        return Gathering(
            order,
            tuple(self._claims.values()),
            self._candidates,
            tuple(self._lists.values()),
            self._notes,
            tuple(self._left_out),
            self._trust,
        )

    def _add_list(self, each: _Waiting, note: str, *, verified: bool) -> None:
        content, file = each.content, each.file
        self._notes[file] = (*self._notes.get(file, ()), note)
        if isinstance(content, MasterList):
            self._left_out += [LeftOut(file, reason) for reason in content.unreadable]
            for certificate in content.certificates:
                self._claim(certificate, file, listed=True)
            self._settle()  # what the next list is to be measured by
            return
        fingerprint = fingerprint_of(content)
        before = self._lists.get(fingerprint)
        files = (file,) if before is None else (*before.files, file)
        self._lists[fingerprint] = TakenList(content, tuple(dict.fromkeys(files)), note, verified)

    def _claim(
        self, content: Certificate | Crl, file: int, *, listed: bool = False, chosen: bool = False
    ) -> None:
        fingerprint = fingerprint_of(content)
        before = self._claims.get(fingerprint)
        if before is None:
            before = Claim(content, fingerprint, self._known.entries.get(fingerprint))
        claim = before.held_by(file, listed=listed, chosen=chosen)
        self._claims[fingerprint] = claim
        if isinstance(content, Certificate) and claim.is_authority:
            self._be_candidate(content, claim)

    def _be_candidate(self, certificate: Certificate, claim: Claim) -> None:
        before = self._candidates.get(certificate)
        if before is None:
            subject, valid_from = str(certificate.subject), iso_time(certificate.not_before)
            place = certificate.country or "", subject, valid_from, len(self._candidates)
            trusted = claim.known is not None and claim.known.trusted
            before = Candidate(certificate, place, trusted=trusted)
        candidate = msgspec.structs.replace(
            before,
            arrives=True,
            chosen=claim.chosen,
            vouched=claim.is_vouched_for or self._unverified,
        )
        self._candidates[certificate] = candidate
        self._is_settled = self._is_settled and candidate == before

    def _settle(self) -> None:
        """Prove the CSCAs by one another, unless that has come to nothing new before."""
        if self._is_settled:
            return
        settled = settle_candidates(self._candidates)
        self._is_settled = settled == self._candidates
        self._candidates = settled
        self._trust = self._trusted()
        self._generation += 1

    def _trusted(self) -> TrustView:
        """What is trusted so far, for validation."""
        return TrustSet(
            [each.certificate for each in self._candidates.values() if each.trusted],
            [each.crl for each in self._known.crls if each.entry.trusted],
            self._known.signers,
        )


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
