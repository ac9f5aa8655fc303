"""The tables of cases in docs/conformance.md.

A table is made from the results of a run of its suite, against our chip or our verifier; the test
that runs the suite compares it with the page.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from conformance.case import Case, Outcome, Result
from conformance.output import total

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "conformance.md"


def table(cases: Mapping[str, Case], results: Sequence[Result]) -> str:
    """Return the total of the results, and a table in Markdown with one row a case."""
    rows = (_row(cases[each.id], each) for each in results)
    head = ["| case | what is tested | outcome |", "|---|---|---|"]
    return "\n".join((f"{total(results)}.", "", *head, *rows, ""))


def _row(case: Case, result: Result) -> str:
    outcome = result.outcome.replace("-", " ")
    if result.outcome is not Outcome.PASSED:
        outcome += f": {result.reason}"
    cells = (each.replace("|", "\\|") for each in (case.id, case.title, outcome))
    return f"| {' | '.join(cells)} |"


def replaced(page: str, name: str, content: str) -> str:
    """Return a page with new content between the markers of this name; ValueError without them."""
    begin, end = f"<!-- {name}: generated -->\n", f"<!-- end of {name} -->\n"
    before, old, rest = page.partition(begin)
    _, marker, after = rest.partition(end)
    if not old or not marker:
        raise ValueError(f"the page has no part {name!r}")
    return f"{before}{begin}{content}{end}{after}"


def current(page: str, name: str) -> str:
    """Return what the page has between the markers of this name."""
    return page.partition(f"<!-- {name}: generated -->\n")[2].partition(
        f"<!-- end of {name} -->\n"
    )[0]
