"""The summary of a run: how many images, by verdict, State, check and reason."""

from collections import Counter, defaultdict
from typing import Any, Final

from verify.bulk.rows import Row

VERDICTS: Final = ("accept", "refer", "reject")
UNREADABLE: Final = "unreadable"

_MOST_REASONS: Final = 10_000
"""Distinct reasons that are counted: some name a date or a certificate."""


class Summary:
    """Counts rows; the order in which they are added makes no difference."""

    def __init__(self) -> None:
        self._verdicts: Counter[str] = Counter()
        self._by_state: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._by_check: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._reasons: Counter[tuple[str, str, str]] = Counter()
        self._failed = 0

    def add(self, row: Row) -> None:
        """Count one row."""
        self._verdicts[row.verdict] += 1
        self._failed += row.failed
        if row.verdict == UNREADABLE:
            self._count_reason("image", UNREADABLE, row.why[0] if row.why else "")
            return
        self._by_state[row.state][row.verdict] += 1
        for check_id, outcome in row.checks.items():
            self._by_check[check_id][outcome] += 1
        for check_id, reason in row.reasons.items():
            self._count_reason(check_id, row.checks.get(check_id, ""), reason)

    def _count_reason(self, check_id: str, outcome: str, reason: str) -> None:
        key = (check_id, outcome, reason)
        if key in self._reasons or len(self._reasons) < _MOST_REASONS:
            self._reasons[key] += 1

    @property
    def images(self) -> int:
        """How many images there are."""
        return self._verdicts.total()

    @property
    def failed(self) -> int:
        """How many images were not judged because of a mistake of ours, or since a process died."""
        return self._failed

    @property
    def verdicts(self) -> dict[str, int]:
        """How many images have each verdict, or are unreadable."""
        return {verdict: self._verdicts[verdict] for verdict in (*VERDICTS, UNREADABLE)}

    @property
    def by_state(self) -> dict[str, dict[str, int]]:
        """For each State, how many images have each verdict."""
        return {
            state: {verdict: counts[verdict] for verdict in VERDICTS}
            for state, counts in sorted(self._by_state.items())
        }

    @property
    def by_check(self) -> dict[str, dict[str, int]]:
        """For each check, how many images have each outcome."""
        return {
            check: dict(sorted(counts.items())) for check, counts in sorted(self._by_check.items())
        }

    def most_frequent_reasons(self, number: int) -> list[tuple[str, str, str, int]]:
        """Return check, outcome, reason and count of the reasons that most images have."""
        ordered = sorted(self._reasons.items(), key=lambda each: (-each[1], each[0]))
        return [(*key, count) for key, count in ordered[:number]]

    def as_json(self, seconds: float) -> dict[str, Any]:
        """Return the summary as an object for a JSON encoder."""
        return {
            "images": self.images,
            **self.verdicts,
            "by_state": self.by_state,
            "by_check": self.by_check,
            "seconds": round(seconds, 3),
        }
