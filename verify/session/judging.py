"""A judging session: opens a trust store and a policy, then judges evidence with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from emrtd.pki.trust import TrustView
from verify.judging.evidence import Evidence
from verify.judging.judgement import judge
from verify.judging.policy import Policy, load_policy
from verify.judging.report import Report
from verify.showing.images import look_at_images
from verify.trust.store import TrustStore


class JudgingSession:
    """A trust store, a policy and an instant, to judge any number of documents with.

    Open it before a card is read, so that a mistake in either is reported first.  `at` is the
    instant (aware) to judge for; with None, each document is judged for the current time.
    """

    def __init__(self, trust: TrustView, policy: Policy, at: datetime | None = None) -> None:
        self.trust: Final = trust
        self.policy: Final = policy
        self.at: Final = at

    def judge(self, evidence: Evidence) -> Report:
        """Decode the images of one document and judge it."""
        at = self.at or datetime.now(UTC)
        return judge(evidence, self.trust, self.policy, at, look_at_images(evidence))


@contextmanager
def open_session(trust: Path, policy: str, at: datetime | None = None) -> Iterator[JudgingSession]:
    """Open a trust store, and a policy by its name or file; an `at` without a time zone is UTC.

    Raises `MisuseError`, `MalformedError` or `OSError` if either of them cannot be used.
    """
    if at is not None:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    found = load_policy(policy)
    with TrustStore.open(trust) as store:
        yield JudgingSession(store, found, at)
