"""A judging session: the trust store and the policy are opened first, then evidence is judged."""

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
    """What evidence is judged by: all of it is opened before a card is touched.

    `at` is the instant (aware) to judge for; None for that at which each judgement is made.
    """

    def __init__(self, trust: TrustView, policy: Policy, at: datetime | None = None) -> None:
        self.trust: Final = trust
        self.policy: Final = policy
        self.at: Final = at

    def judge(self, evidence: Evidence) -> Report:
        """Judge one document, with a look at its images."""
        at = self.at or datetime.now(UTC)
        return judge(evidence, self.trust, self.policy, at, look_at_images(evidence))


@contextmanager
def open_session(trust: Path, policy: str, at: datetime | None = None) -> Iterator[JudgingSession]:
    """Open a trust store, and a policy by its name or file; an `at` without a time zone is UTC.

    Raises `MisuseError`, `MalformedError` or `OSError` where one of them cannot be used.
    """
    if at is not None:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    found = load_policy(policy)
    with TrustStore.open(trust) as store:
        yield JudgingSession(store, found, at)
