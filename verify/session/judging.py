"""A judging session: opens a trust store and a policy, then judges evidence with them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from emrtd.pki.findings import Check, Outcome
from emrtd.pki.trust import TrustView
from support.files import decoding
from support.reasons import Reason
from verify.judging.decoding import Contents, decode_files
from verify.judging.evidence import Evidence
from verify.judging.images import ImageLooks
from verify.judging.judgement import judge
from verify.judging.policy import Policy, load_policy
from verify.judging.report import Report, Verdict
from verify.showing.images import look_at_images, look_at_images_of_each
from verify.trust.store import TrustStore

if TYPE_CHECKING:
    from emrtd.access.terminal_authentication import TerminalCredentials
    from emrtd.pki.lists.stop_list import StopList

TOLERANCE: Final = timedelta(hours=1)
"""How far the clock may be behind the last import: another machine may have made the store."""


def now() -> datetime:
    """Return the time of this machine's clock."""
    return datetime.now(UTC)


class JudgingSession:
    """A trust store, a policy and an instant, to judge any number of documents with.

    Open it before a card is read, so that a mistake in either is reported first.  `at` is the
    instant (aware) to judge for; with None, each document is judged for the current time.

    `seen` is an instant that has passed for certain.  A clock behind it could make an expired
    document valid, or a revocation unknown, so no document is accepted for the current time then.
    """

    def __init__(
        self,
        trust: TrustView,
        policy: Policy,
        at: datetime | None = None,
        *,
        seen: datetime | None = None,
        clock: Callable[[], datetime] = now,
        stop_list: "StopList | None" = None,
    ) -> None:
        self.trust: Final = trust
        self.policy: Final = policy
        self.at: Final = at
        self._seen: Final = seen
        self._clock: Final = clock
        self.stop_list: Final = stop_list

    def judge(self, evidence: Evidence) -> Report:
        """Decode the images of one document and judge it."""
        return self.judge_decoded(decode_document(evidence))

    def judge_decoded(self, document: "DecodedDocument") -> Report:
        """Judge one document whose files and images were decoded before."""
        at = self.at or self._clock()
        report = judge(
            document.evidence,
            self.trust,
            self.policy,
            at,
            document.looks,
            decoded=document.contents,
            stop_list=self.stop_list,
        )
        if self.at is not None or self._seen is None or self._seen - at <= TOLERANCE:
            return report
        verdict = Verdict.REFER if report.verdict is Verdict.ACCEPT else report.verdict
        why = Reason(
            "the clock of this machine says {at}, but the trust store was last changed on {seen}:"
            " set the clock; if it is right now and was ahead then, make a new trust store",
            at=_text(at),
            seen=_text(self._seen),
        )
        checks = tuple(_undetermined(each, why) for each in report.checks)
        return replace(report, verdict=verdict, why=(*report.why, why), checks=checks)

    def with_grounds(self, report: Report, terminal: "TerminalCredentials | None" = None) -> Report:
        """Return the report with what its verdict rests on: ages of lists, policy, terminal."""
        if not isinstance(self.trust, TrustStore):
            return report
        from verify.session.grounds import grounds
        from verify.wording import ENGLISH

        found = grounds(
            self.trust,
            self.policy,
            self._clock(),
            at=self.at,
            terminal=terminal,
            stops=self.stop_list,
        )
        return replace(report, rests_on=tuple(each.text(ENGLISH) for each in found))


class DecodedDocument(msgspec.Struct, frozen=True):
    """A document with its files and its images decoded, for any session to judge."""

    evidence: Evidence
    contents: Contents
    looks: ImageLooks


def decode_document(evidence: Evidence) -> DecodedDocument:
    """Decode the files of a document, and its images in another process."""
    contents = decode_files(evidence.files)
    return DecodedDocument(evidence, contents, look_at_images(contents))


def decode_documents(documents: Sequence[tuple[Evidence, Contents]]) -> list[DecodedDocument]:
    """Decode the images of documents whose files were decoded before (`decode_files`).

    Decode several documents before any of them is judged: the other process takes the processor's
    caches, and a judgement right after it takes half as long again.
    """
    looks = look_at_images_of_each([contents for _, contents in documents])
    return [
        DecodedDocument(evidence, contents, each)
        for (evidence, contents), each in zip(documents, looks, strict=True)
    ]


def _undetermined(check: Check, why: str) -> Check:
    """Return the check of the expiry without its pass: a clock that is behind proves none."""
    if check.id != "document.expired" or check.outcome is not Outcome.PASSED:
        return check
    return msgspec.structs.replace(check, outcome=Outcome.UNDETERMINED, reason=why)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")


@contextmanager
def open_session(
    trust: Path,
    policy: str,
    at: datetime | None = None,
    *,
    clock: Callable[[], datetime] = now,
    stop_list: Path | None = None,
) -> Iterator[JudgingSession]:
    """Open a trust store, and a policy by its name or file; an `at` without a time zone is UTC.

    `clock` returns the current time (aware); `stop_list` is the file of a stop list.
    Raises `MisuseError`, `MalformedError` or `OSError` if either of them cannot be used.
    """
    if at is not None:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    found = load_policy(policy)
    stops = None if stop_list is None else load_stop_list(stop_list)
    with TrustStore.open(trust) as store:
        yield JudgingSession(
            store, found, at, seen=store.last_import(), clock=clock, stop_list=stops
        )


def load_stop_list(path: Path) -> "StopList":
    """Read a stop list; raises `MalformedError` or `OSError` if it cannot be read."""
    from emrtd.pki.lists.stop_list import MAX_STOP_LIST, StopList
    from support.records import read_bounded

    with decoding(path):
        return StopList.parse(read_bounded(path, MAX_STOP_LIST))
