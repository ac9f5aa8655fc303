"""Judging on the command line: the trust store and the policy first, then the report, shown."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from support.errors import ExitStatus
from support.files import write_atomically
from verify.judging.evidence import Evidence
from verify.judging.judgement import judge
from verify.judging.policy import Policy, load_policy
from verify.judging.report import Report
from verify.trust.store import TrustStore


@dataclass(frozen=True, slots=True)
class Bench:
    """Where evidence is judged: all is opened before a card is touched."""

    trust: TrustStore
    policy: Policy
    at: datetime | None
    as_json: bool
    html: Path | None

    def judge(self, evidence: Evidence) -> ExitStatus:
        """Judge, print the report, write the page; returns the verdict's exit status."""
        from verify.showing.images import look_at_images

        at = self.at or datetime.now(UTC)
        report = judge(evidence, self.trust, self.policy, at, look_at_images(evidence))
        self._print(report)
        if self.html is not None:
            from verify.showing.html import render_html

            write_atomically(self.html, render_html(report).encode(), mode=0o600)
        return report.verdict.exit_status

    def _print(self, report: Report) -> None:
        if self.as_json:
            # ASCII: nothing that a chip says can be a command to the terminal.
            sys.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=True) + "\n")
            return
        from verify.showing.text import print_report

        print_report(report)


@contextmanager
def judging(
    trust: Path, policy: str, at: datetime | None, *, as_json: bool, html: Path | None
) -> Iterator[Bench]:
    """Open the trust store and the policy; `at` without a time zone is UTC."""
    if at is not None:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    found = load_policy(policy)
    with TrustStore.open(trust) as store:
        yield Bench(store, found, at, as_json, html)
