"""The input of a check: the evidence, decoded once, and the trust store, policy and instant."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import msgspec

from emrtd.lds.com import Com
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.data_groups.permit import Permit
from emrtd.lds.files import FileID, data_group
from emrtd.lds.registry import Content
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.sod import Sod
from emrtd.lds.values import is_digits
from emrtd.mrz import Mrz
from emrtd.pki.findings import Check, NamedQuirk, Outcome, Shows
from emrtd.pki.passive import Examination, examine
from emrtd.pki.signer_profile import Use
from emrtd.pki.trust import TrustView
from support.errors import MalformedError
from support.reasons import Reason, joined
from verify.judging.check_ids import SIGNER_PROOFS
from verify.judging.decoding import Contents, decode_files
from verify.judging.evidence import Evidence, InspectionSession
from verify.judging.faults import Fault, NotTried, Why, describe
from verify.judging.images import ImageLooks
from verify.judging.policy import Policy
from verify.judging.quirks import sentence

if TYPE_CHECKING:
    from emrtd.pki.lists.stop_list import StopList

T = TypeVar("T")

Earlier = Mapping[str, Check]
"""The results of the checks that ran before, by id."""

CheckFunction = Callable[["Case", Earlier], Iterable[Check]]


class Case(msgspec.Struct, frozen=True, dict=True):
    """One document to judge.

    The property of a file is its decoded content, None if the evidence has no such file, or the
    `MalformedError` that decoding raised.  `images` is None if the images were not decoded.
    `decoded` holds the files of the evidence, if they were decoded before.  `stop_list` is the one
    that was given for this judgement.
    """

    evidence: Evidence
    trust: TrustView
    policy: Policy
    at: datetime
    images: ImageLooks | None = None
    decoded: Contents | None = None
    stop_list: "StopList | None" = None

    @property
    def session(self) -> InspectionSession | None:
        """The session with the chip; None for an image of files."""
        return self.evidence.session

    @cached_property
    def com(self) -> Com | MalformedError | None:
        """EF.COM."""
        return self._decoded(FileID.COM, Com)

    @cached_property
    def sod(self) -> Sod | MalformedError | None:
        """EF.SOD."""
        return self._decoded(FileID.SOD, Sod)

    @cached_property
    def sod_examination(self) -> Examination | None:
        """The result of examining the signature of EF.SOD and its signer's certificate."""
        if not isinstance(self.sod, Sod):
            return None
        return examine(
            self.sod.signed_data,
            self.trust,
            at=self.at,
            use=self._use,
            tolerated=self.sod.tolerated,
        )

    @cached_property
    def card_security(self) -> CardSecurity | MalformedError | None:
        """EF.CardSecurity."""
        return self._decoded(FileID.CARD_SECURITY, CardSecurity)

    @cached_property
    def card_security_examination(self) -> Examination | None:
        """The result of examining the signature of EF.CardSecurity and its signer's certificate."""
        if not isinstance(self.card_security, CardSecurity):
            return None
        signed_data = self.card_security.signed_data
        return examine(signed_data, self.trust, at=self.at, prefix="cardsecurity")

    @cached_property
    def card_access(self) -> CardAccess | MalformedError | None:
        """EF.CardAccess."""
        return self._decoded(FileID.CARD_ACCESS, CardAccess)

    @cached_property
    def dg1(self) -> DataGroup1 | MalformedError | None:
        """DG1."""
        return self._decoded(FileID.DG1, DataGroup1)

    @cached_property
    def dg14(self) -> DataGroup14 | MalformedError | None:
        """DG14."""
        return self._decoded(FileID.DG14, DataGroup14)

    @cached_property
    def dg15(self) -> DataGroup15 | MalformedError | None:
        """DG15."""
        return self._decoded(FileID.DG15, DataGroup15)

    @cached_property
    def dg11(self) -> DataGroup11 | None:
        """DG11; None also if it cannot be read, or if an EF.SOD does not have its hash."""
        content = self._content_as_good_as_dg1(11)
        return content if isinstance(content, DataGroup11) else None

    @cached_property
    def dg12(self) -> DataGroup12 | None:
        """DG12; None also if it cannot be read, or if an EF.SOD does not have its hash."""
        content = self._content_as_good_as_dg1(12)
        return content if isinstance(content, DataGroup12) else None

    @cached_property
    def issued(self) -> date | None:
        """The date of issue in DG12; None if it is absent, or the hash of DG12 is not in EF.SOD."""
        digits = None if self.dg12 is None else self.dg12.date_of_issue
        if digits is None or not is_digits(digits, 8):
            return None
        try:
            return date.fromisoformat(digits)
        except ValueError:
            return None

    @cached_property
    def issued_from(self) -> date | None:
        """The date of issue, else the first day of the Document Signer's certificate.

        No document that a certificate signs is older, and the CSCA's certificate begins no later.
        """
        if self.issued is not None or self.sod_examination is None:
            return self.issued
        signer = self.sod_examination.signer
        return None if signer is None else signer.not_before.date()

    @property
    def born_by(self) -> date:
        """The last day on which the holder can be born: of the issue, else of the inspection."""
        today = self.at.date()
        return today if self.issued is None else min(self.issued, today)

    @cached_property
    def _use(self) -> Use:
        """What the Document Signer was used for: the type of document, and the time of signing.

        The time is the signing time in EF.SOD, else the date of issue in DG12.
        """
        document_type = None if self.mrz is None else self.mrz.document_code
        sod = self.sod
        has_time = isinstance(sod, Sod) and sod.signed_data.signers[0].signing_time is not None
        issued = None if has_time else self.issued
        if issued is None:
            return Use(document_type)
        midnight = datetime(issued.year, issued.month, issued.day, tzinfo=UTC)
        return Use(document_type, midnight, whole_day=True)

    @cached_property
    def permit(self) -> Permit | None:
        """The permit in DG13; None also if the hash of DG13 is not the one in EF.SOD."""
        content = self._signed_content(13)
        return content.permit if isinstance(content, DataGroup13) else None

    @cached_property
    def mrz(self) -> Mrz | None:
        """The MRZ in DG1; None if DG1 is missing or cannot be read."""
        return self.dg1.mrz if isinstance(self.dg1, DataGroup1) else None

    @cached_property
    def signed_numbers(self) -> tuple[int, ...]:
        """The numbers of the data groups that EF.SOD lists, in ascending order."""
        if not isinstance(self.sod, Sod):
            return ()
        return tuple(sorted(self.sod.security_object.hashes))

    def is_signed(self, number: int) -> bool:
        """Whether the hash of a data group is the one in EF.SOD, whoever signed EF.SOD."""
        return number in self._signed

    @cached_property
    def _signed(self) -> frozenset[int]:
        """The numbers of the data groups whose hashes are those in EF.SOD."""
        if not isinstance(self.sod, Sod):
            return frozenset()
        signed = self.sod.security_object.hashes
        return frozenset(
            number for number, digest in self.digests.items() if signed[number] == digest
        )

    @cached_property
    def digests(self) -> Mapping[int, bytes]:
        """The hash of each data group that EF.SOD lists and the evidence has, by its number."""
        if not isinstance(self.sod, Sod):
            return {}
        digest, files = self.sod.security_object.hash_algorithm.digest, self.evidence.files
        return {
            number: digest(files[file_of(number)])
            for number in self.sod.security_object.hashes
            if file_of(number) in files
        }

    def _signed_content(self, number: int) -> Content | MalformedError | None:
        """Return a data group; None also if its hash is not the one in EF.SOD."""
        return self.contents.get(file_of(number)) if self.is_signed(number) else None

    def _content_as_good_as_dg1(self, number: int) -> Content | MalformedError | None:
        """Return a data group that is signed, or any if the evidence has no EF.SOD.

        Without EF.SOD nothing is signed, DG1 included, and no verdict is an accept: its data and
        those of this group are then shown alike.
        """
        if FileID.SOD not in self.evidence.files:
            return self.contents.get(file_of(number))
        return self._signed_content(number)

    @cached_property
    def contents(self) -> Contents:
        """Every file of the evidence: its content, or the `MalformedError` that decoding raised."""
        return decode_files(self.evidence.files) if self.decoded is None else self.decoded

    def _decoded(self, file_id: FileID, kind: type[T]) -> T | MalformedError | None:
        content = self.contents.get(file_id)
        if content is None or isinstance(content, kind | MalformedError):
            return content
        raise AssertionError(f"the registry decodes {file_id} as something else")


def why_absent(case: Case, file_id: FileID) -> str:
    """Return a sentence that says why the evidence does not contain a file."""
    unread = case.evidence.unread.get(file_id)
    if unread is not None:
        return Reason(
            "{file} was not read: {why}{cause}",
            file=file_id,
            why=describe(unread),
            cause=_cause(case, unread),
        )
    what = "the image has" if case.session is None else "the chip provided"
    return Reason("{what} no {file}", what=what, file=file_id)


def _cause(case: Case, unread: Fault) -> str:
    """Return why Terminal Authentication failed, if that is why a file was not read; else empty."""
    if unread != NotTried(Why.TERMINAL_NOT_AUTHENTICATED) or case.session is None:
        return ""
    terminal = case.session.terminal_authentication
    if terminal is None or terminal.refusal is None:
        return ""
    return Reason(" ({refusal})", refusal=describe(terminal.refusal))


def objection_to_checks(earlier: Earlier, *check_ids: str) -> str | None:
    """Return a sentence that names the first of these checks that did not pass; None if all did.

    For checks that use signed data, which prove nothing without the signature (Doc 9303-11, 5.1).
    """
    for check_id in check_ids:
        check = earlier.get(check_id)
        if check is None or check.outcome is not Outcome.PASSED:
            return Reason("{check_id} did not pass", check_id=check_id)
    return None


def objection_to_data_group(earlier: Earlier, number: int) -> str | None:
    """Return why this data group is not known to be signed by a State; None if it is."""
    return objection_to_checks(earlier, f"dg.hash.DG{number}", *SIGNER_PROOFS)


def under_policy(case: Case, check: Check) -> Check:
    """Return a check of a certificate path; failed if the policy refuses one of its quirks."""
    if check.outcome not in (Outcome.PASSED, Outcome.WARNING):
        return check
    judged = passed(case, check.id, check.reason, check.clause, check.tolerated)
    return judged if judged.outcome is Outcome.FAILED else check


def passed(
    case: Case, check_id: str, reason: str, clause: str, quirks: Iterable[NamedQuirk] = ()
) -> Check:
    """Return a passed check with the quirks that it read past; failed if the policy refuses one."""
    quirks = tuple(quirks)
    refused = [quirk for quirk in quirks if not case.policy.tolerates(quirk.id)]
    if refused:
        reason = Reason(
            "the policy does not tolerate {refused}", refused=joined("; ", map(sentence, refused))
        )
        return Check(check_id, Outcome.FAILED, reason, clause)
    return Check(check_id, Outcome.PASSED, reason, clause, tolerated=quirks)


def forged(check_id: str, reason: str, clause: str) -> Check:
    """Return a failed check that shows forgery."""
    return Check(check_id, Outcome.FAILED, reason, clause, Shows.FORGERY)


def cloned(check_id: str, reason: str, clause: str) -> Check:
    """Return a failed check that shows that the chip is a copy."""
    return Check(check_id, Outcome.FAILED, reason, clause, Shows.CLONING)


def file_of(number: int) -> FileID:
    """Return the file name of a data group: EF.DG2 for 2."""
    return data_group(number).file_id
