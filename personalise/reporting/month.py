"""The report of one month, from the register, the audit log, the ledger and saved metrics."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime

from personalise.ledger.states import JobState
from personalise.ledger.values import JobEntry
from personalise.pki.auditing import audit_entries
from personalise.pki.changing import CHANGE
from personalise.pki.incidents import Incident, incidents_in
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.register import Register
from personalise.pki.status.due import Due, due
from personalise.pki.status.overview import read_overview
from personalise.reporting.histograms import Latency
from support.values import Value


class Change(Value, frozen=True):
    """A change of a setting: the field, the values before and after (JSON), and why."""

    at: str
    field: str
    before: str
    after: str
    reason: str
    officers: tuple[str, ...]


class MonthReport(Value, frozen=True):
    """What happened from `begin` until `end`, which is not included.

    `signatures` are by day and Document Signer; `issued` is None without a ledger.
    """

    state: str
    begin: datetime
    end: datetime
    signatures: tuple[tuple[str, str, int], ...]
    operations: dict[str, int]
    failed: dict[str, int]
    issued: int | None
    rejects: dict[str, int]
    latencies: tuple[Latency, ...]
    incidents: tuple[Incident, ...]
    changes: tuple[Change, ...]
    due: tuple[Due, ...]

    @property
    def signed(self) -> int:
        """How many documents were signed."""
        return sum(count for _, _, count in self.signatures)

    @property
    def name(self) -> str:
        """The month, YYYY-MM."""
        return self.begin.date().isoformat()[:7]  # strftime does not pad a year with zeros


def month_of(begin: datetime) -> tuple[datetime, datetime]:
    """Return the begin of the month of an instant, and of the next month (UTC)."""
    first = datetime(begin.year, begin.month, 1, tzinfo=UTC)
    years, month = divmod(begin.month, 12)
    return first, datetime(begin.year + years, month + 1, 1, tzinfo=UTC)


def report(
    pki: IssuingPki,
    month: datetime,
    jobs: Iterable[JobEntry] | None,
    latencies: Sequence[Latency],
    at: datetime,
) -> MonthReport:
    """Return the report of the month of an instant; `jobs` are the ledger's, None without one.

    Raises `ProtocolError` or `MalformedError` if the audit log does not verify.
    """
    begin, end = month_of(month)
    entries = [each for each in audit_entries(pki.folder) if each.at < f"{end:%Y-%m-%dT}"]
    within = [each for each in entries if each.at >= f"{begin:%Y-%m-%dT}"]
    ended = [each for each in within if each.outcome != "begun"]
    issued, rejects = _finished(jobs, begin, end)
    first = f"{begin:%Y-%m}"
    return MonthReport(
        state=pki.settings.state,
        begin=begin,
        end=end,
        signatures=tuple(_signatures(pki, begin, end)),
        operations=dict(Counter(each.operation for each in ended if each.outcome == "done")),
        failed=dict(Counter(each.operation for each in ended if each.outcome != "done")),
        issued=issued,
        rejects=rejects,
        latencies=tuple(latencies),
        incidents=tuple(
            each
            for each in incidents_in(entries)
            if each.closed is None or each.closed >= first or each.opened >= first
        ),
        changes=tuple(
            Change(
                each.at,
                each.subject.get("field", ""),
                each.subject.get("before", ""),
                each.subject.get("after", ""),
                each.subject.get("reason", ""),
                tuple(approval.officer for approval in each.approvals),
            )
            for each in ended
            if each.operation == CHANGE and each.outcome == "done"
        ),
        due=tuple(due(read_overview(pki, at))),
    )


def _signatures(pki: IssuingPki, begin: datetime, end: datetime) -> Iterable[tuple[str, str, int]]:
    serials = {each.fingerprint: f"{each.serial:X}" for each in pki.issued()}
    with closing(Register(pki.folder)) as register:
        for signer, day, count in register.by_day(begin, end):
            yield day, serials.get(signer, signer.hex()), count


def _finished(
    jobs: Iterable[JobEntry] | None, begin: datetime, end: datetime
) -> tuple[int | None, dict[str, int]]:
    if jobs is None:
        return None, {}
    issued, rejects = 0, Counter[str]()
    for each in jobs:
        if not begin <= each.changed < end:
            continue
        if each.job.state is JobState.ISSUED:
            issued += 1
        elif each.job.state is JobState.REJECTED:
            rejects[each.job.reason or "no reason"] += 1
    return issued, dict(rejects.most_common())
