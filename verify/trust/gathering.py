"""Gather the contents of one import's files: CSCAs first, then Master Lists, then the rest.

Whether a signed list is accepted depends on the trusted CSCAs, and these depend on the lists.  So
the files are read one after another, and a list is tried again whenever more CSCAs are trusted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

import msgspec

from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.lists.master_list import MasterList, is_csca
from emrtd.pki.trust import TrustSet, TrustView
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from support.errors import MisuseError
from verify.trust.columns import fingerprint_of, iso_time, kind_of
from verify.trust.csca_links import Candidate, is_signed_by_itself, settle_candidates
from verify.trust.files import Content, TrustFile
from verify.trust.kinds import ANCHOR_KINDS, TrustEntryKind
from verify.trust.list_signers import ListSigner, SignedList, examine_list_signer
from verify.trust.settlement import Known, KnownEntry, MasterListRow

TAKE_ANYWAY: Final = "use --unverified to accept it unverified"


class Claim(msgspec.Struct, frozen=True, dict=True):
    """A certificate or CRL, and the files that contain it.

    `files` holds the numbers of the files that contain it, in order; `listed` those in which a
    Master List contains it, `alone` those that contain it outside a list.  `accepted`: one of these
    lists is verified.  `chosen`: the operator named a file that contains it alone.  `known` is its
    entry in the store, None if it is new.
    """

    content: Certificate | Crl
    fingerprint: bytes
    known: KnownEntry | None
    files: tuple[int, ...] = ()
    listed: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()
    accepted: bool = False
    chosen: bool = False

    @property
    def is_listed(self) -> bool:
        """Whether a Master List contains it."""
        return bool(self.listed)

    @cached_property
    def kind(self) -> TrustEntryKind:
        """Its kind in the store, or the kind that its content determines."""
        kind = kind_of(self.content, listed=self.is_listed)
        return kind if self.known is None or kind in ANCHOR_KINDS else self.known.kind

    @property
    def is_anchor(self) -> bool:
        """Whether it is a CSCA or link certificate."""
        return self.kind in ANCHOR_KINDS

    def held_by(self, file: int, *, listed: bool, accepted: bool, chosen: bool) -> "Claim":
        """Return the same claim with one more file that contains it."""
        return msgspec.structs.replace(
            self,
            files=self.files if file in self.files else (*self.files, file),
            listed=self.listed | {file} if listed else self.listed,
            alone=self.alone if listed else self.alone | {file},
            accepted=self.accepted or accepted,
            chosen=self.chosen or chosen,
        )


class TakenList(msgspec.Struct, frozen=True):
    """An accepted Deviation or Defect List; `note` says who signed it, or why not verified.

    `unproven`: it is accepted on the operator's word alone (`--unverified`).
    """

    content: DeviationList | DefectList
    files: tuple[int, ...]
    note: str
    verified: bool
    unproven: bool


class LeftOut(msgspec.Struct, frozen=True):
    """Why a part of a file is not imported."""

    file: int
    reason: str


class Gathering(msgspec.Struct, frozen=True):
    """The contents of all files, and the CSCAs verified with them.

    `order` holds the numbers of the files in the order of reading; `notes` the remarks on each.
    """

    order: tuple[int, ...]
    claims: tuple[Claim, ...]
    candidates: Mapping[Certificate, Candidate]
    lists: tuple[TakenList, ...]
    master_lists: tuple[MasterListRow, ...]
    notes: Mapping[int, tuple[str, ...]]
    left_out: tuple[LeftOut, ...]
    trust: TrustView


def gather(
    known: Known, files: Sequence[TrustFile], at: datetime, *, unverified: bool
) -> Gathering:
    """Gather the contents of files; raise `MisuseError` if the signer of a list is not trusted.

    A collection may bring its own CSCAs if the store has none that is trusted.
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
    """A signed list of a file, and why its signer was not trusted when last examined."""

    content: SignedList
    file: int
    objection: str = ""
    examined: int = -1


class _Gatherer:
    """The state of gathering; its values are frozen, and are replaced when they change."""

    def __init__(
        self, known: Known, files: Sequence[TrustFile], at: datetime, *, unverified: bool
    ) -> None:
        self._known = known
        self._files = files
        self._at = at
        self._unverified = unverified
        self._claims: dict[bytes, Claim] = {}
        self._lists: dict[bytes, TakenList] = {}
        self._master_lists: list[MasterListRow] = []
        self._arriving_crls = tuple(
            content for file in files for content in file.contents if isinstance(content, Crl)
        )
        self._notes: dict[int, tuple[str, ...]] = {}
        self._left_out: list[LeftOut] = []
        self._candidates = {
            each.certificate: Candidate(
                each.certificate,
                (each.country, each.subject, each.valid_from, position),
                is_link=each.entry.kind is TrustEntryKind.LINK,
                verified=each.entry.verified,
                trusted=each.entry.trusted,
                unproven=each.entry.unproven,
            )
            for position, each in enumerate(known.anchors)
        }
        self._is_settled = True
        self._generation = 0
        self._trust = self._trusted()
        chosen = any(each.entry.trusted for each in known.anchors)
        self._collection_is_root = not chosen and all(each.collection for each in files)

    def take(self, number: int) -> list[_Waiting]:
        """Add the certificates and CRLs of a file; return its lists."""
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
        """Add the lists whose signer is trusted, also because of another list; return the rest.

        A newer list may contain the link from an older list's CSCA to one in the store, or
        conversely, and a command may name them in any order.
        """
        waiting = list(lists)
        while True:
            left = [each for each in map(self._examined, waiting) if each is not None]
            if all(each.examined == self._generation for each in left):
                return left
            waiting = left

    def _examined(self, each: _Waiting) -> _Waiting | None:
        """Add a list and return None; return the list with its objection if it is not trusted."""
        if each.examined == self._generation:
            return each
        chosen = self._collection_is_root or not self._files[each.file].collection
        generation = self._generation
        signer = examine_list_signer(each.content, self._trust, self._at, chosen=chosen)
        if signer.objection is not None:
            return _Waiting(each.content, each.file, signer.objection, generation)
        self._add_list(each, signer, verified=True, chosen=chosen)
        return None

    def take_unproven(self, each: _Waiting) -> None:
        """Add a list whose signer is not trusted (--unverified), leave it out, or refuse it."""
        file = self._files[each.file]
        if self._unverified:
            signer = ListSigner(f"not verified: {each.objection}", unproven=True)
            self._add_list(each, signer, verified=False)
        elif file.collection:
            self._left_out.append(LeftOut(each.file, f"a list: {each.objection}"))
        else:
            raise MisuseError(f"{file.name}: {each.objection}", advice=TAKE_ANYWAY)

    def gathered(self, order: tuple[int, ...]) -> Gathering:
        """Return everything that was gathered."""
        return Gathering(
            order,
            tuple(self._claims.values()),
            self._candidates,
            tuple(self._lists.values()),
            tuple(self._master_lists),
            self._notes,
            tuple(self._left_out),
            self._trust,
        )

    def _add_list(
        self, each: _Waiting, signer: ListSigner, *, verified: bool, chosen: bool = False
    ) -> None:
        content, file = each.content, each.file
        note, unproven = signer.description, signer.unproven
        self._notes[file] = (*self._notes.get(file, ()), note)
        if isinstance(content, MasterList):
            self._master_lists.append(_row_of_list(content, file, signer, chosen=chosen))
            self._left_out += [LeftOut(file, reason) for reason in content.unreadable]
            for certificate in content.certificates:
                if is_csca(certificate):
                    self._claim(certificate, file, listed=True, accepted=not unproven)
                else:
                    self._left_out.append(LeftOut(file, _why_not_listed(certificate)))
            self._settle()  # the next list may be signed under these CSCAs
            return
        fingerprint = fingerprint_of(content)
        before = self._lists.get(fingerprint)
        files = (file,) if before is None else (*before.files, file)
        self._lists[fingerprint] = TakenList(
            content, tuple(dict.fromkeys(files)), note, verified, unproven
        )

    def _claim(
        self,
        content: Certificate | Crl,
        file: int,
        *,
        listed: bool = False,
        accepted: bool = False,
        chosen: bool = False,
    ) -> None:
        fingerprint = fingerprint_of(content)
        before = self._claims.get(fingerprint)
        if before is None:
            before = Claim(content, fingerprint, self._known.entries.get(fingerprint))
        claim = before.held_by(file, listed=listed, accepted=accepted, chosen=chosen)
        self._claims[fingerprint] = claim
        if isinstance(content, Certificate) and claim.is_anchor:
            self._be_candidate(content, claim)

    def _be_candidate(self, certificate: Certificate, claim: Claim) -> None:
        before = self._candidates.get(certificate)
        if before is None:
            subject, valid_from = str(certificate.subject), iso_time(certificate.not_before)
            place = certificate.country or "", subject, valid_from, len(self._candidates)
            known = claim.known
            before = Candidate(
                certificate,
                place,
                trusted=known is not None and known.trusted,
                unproven=known is not None and known.unproven,
            )
        candidate = msgspec.structs.replace(
            before,
            arrives=True,
            chosen=claim.chosen,
            accepted=claim.accepted,
            vouched_for=claim.is_listed or self._unverified,
        )
        self._candidates[certificate] = candidate
        self._is_settled = self._is_settled and candidate == before

    def _settle(self) -> None:
        """Verify the CSCAs against each other, unless nothing has changed since the last time."""
        if self._is_settled:
            return
        settled = settle_candidates(self._candidates)
        self._is_settled = settled == self._candidates
        self._candidates = settled
        self._trust = self._trusted()
        self._generation += 1

    def _trusted(self) -> TrustView:
        """Return what is trusted so far, for path validation."""
        return TrustSet(
            [each.certificate for each in self._candidates.values() if each.trusted],
            [
                *(each.crl for each in self._known.crls if each.entry.trusted),
                *self._arriving_crls,  # one that does not verify has no effect
            ],
            self._known.signers,
            unproven=frozenset(
                each.certificate for each in self._candidates.values() if each.unproven
            ),
        )


def _row_of_list(
    content: MasterList, file: int, signer: ListSigner, *, chosen: bool
) -> MasterListRow:
    """Return what has to be known of a list to examine later whether it is still trusted."""
    own = {issuer for _, issuer in signer.certificates if is_signed_by_itself(issuer)}
    members = frozenset(each.fingerprint for each in content.certificates if is_csca(each))
    enclosed = {*content.signed_data.certificates} - {*content.certificates}
    return MasterListRow(
        file,
        fingerprint_of(content),
        next((issuer.country or "" for _, issuer in signer.certificates), ""),
        signer.certificates,
        chosen and bool(own & {*content.certificates, *enclosed}),
        chosen and bool(own & enclosed),
        members,
    )


def _rank(file: TrustFile) -> int:
    return min((_rank_of(content) for content in file.contents), default=0) + 3 * file.collection


def _rank_of(content: Content) -> int:
    """Return a sort key: contents by which others are verified come first."""
    match content:
        case Certificate() if kind_of(content, listed=False) in ANCHOR_KINDS:
            return 0
        case MasterList():
            return 1
        case _:
            return 2


def _why_not_listed(certificate: Certificate) -> str:
    return (
        f"certificate {certificate.serial:X} of {certificate.country or 'no country'}"
        f" ({certificate.subject}): a Master List contains it, and it is neither a CSCA nor a link"
        " certificate (Doc 9303-12, 5.3)"
    )
