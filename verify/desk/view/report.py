"""A result as an object for the page: verdict, holder, permit, and the checks by their weight."""

from collections.abc import Iterable
from typing import Any, Final

from emrtd.pki.findings import Check, Outcome
from support.printable_text import printable
from verify.desk.state import Entry, Result
from verify.desk.view.explained import document_rows, holder_name, holder_rows
from verify.desk.view.permit import permit_view
from verify.judging.opening_problem import OpeningCause, OpeningProblem
from verify.judging.report import ChipStatus, Report, Verdict
from verify.showing.wording import access_words, counts, meaning
from verify.wording import Wording

_BAD: Final = frozenset({Outcome.FAILED, Outcome.WARNING, Outcome.UNDETERMINED})
_SIGNS: Final = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✕",
    Outcome.WARNING: "!",
    Outcome.UNDETERMINED: "?",
    Outcome.NOT_PERFORMED: "–",
    Outcome.NOT_PRESENT: "–",
}


def report_view(entry: Entry, wording: Wording) -> dict[str, Any]:
    """Return a result as an object for the page; its images have addresses of their own."""
    result, report = entry.result, entry.result.report
    proven = report.verdict is Verdict.ACCEPT
    portrait_key = "portrait.title" if report.is_signed("DG2") else "portrait.unproven"
    return {
        "number": entry.number,
        "verdict": report.verdict.value,
        "word": wording(f"verdict.{report.verdict.value}"),
        "meaning": meaning(report, wording),
        "do": wording(f"do.{report.verdict.value}"),
        "claim": "" if proven and report.is_signed("DG1") else wording("claim.holder"),
        "portrait": report.portrait is not None,
        "portrait_text": wording("portrait.none" if report.portrait is None else portrait_key),
        "portrait_broken": wording("portrait.broken"),
        "fingers": [
            {
                "text": wording("finger.title", n=number),
                "broken": wording("finger.broken", n=number),
            }
            for number in range(1, len(result.fingers) + 1)
        ],
        "holder_name": holder_name(report),
        "holder": holder_rows(report, wording),
        "document": document_rows(report, wording),
        "mrz": report.document.get("mrz", ""),
        "permit": permit_view(report, wording),
        "permit_absent": _permit_absent(report, wording),
        **_checks(result, wording),
        "facts": _facts(report, wording),
    }


def _permit_absent(report: Report, wording: Wording) -> str:
    """Return why no permit is shown; empty if one is, or if the chip did not open."""
    if report.permit is not None or report.chip_status is not ChipStatus.OPENED:
        return ""
    row = report.data_groups.get("DG13")
    if row is not None and row.hash is not Outcome.PASSED:
        return wording("permit.changed")
    return wording("permit.absent")


def _checks(result: Result, wording: Wording) -> dict[str, Any]:
    """Return the checks: problems by weight, those that passed, and those that did not apply."""
    report = result.report
    problems: list[dict[str, Any]] = []
    if report.chip_status is ChipStatus.CLOSED:
        problems.append(_closed(result.opening, report, wording))
        bad = [check for check in report.checks if check.outcome is Outcome.FAILED]
    else:
        bad = [check for check in report.checks if check.outcome in _BAD]
        bad += [each for each in report.checks if each.id in report.in_the_way - _ids(bad)]
    problems += [check_view(each, wording) for each in by_weight(bad)]
    shown = {each.id for each in bad}
    passed = [check for check in report.checks if check.outcome is Outcome.PASSED]
    skipped = [
        check
        for check in report.checks
        if check.outcome is not Outcome.PASSED and check.id not in shown
    ]
    return {
        "problems": problems,
        "passed_text": wording.count("report.passed", len(passed)),
        "passed": [check_view(each, wording) for each in passed],
        "skipped_text": wording.count("report.skipped", len(skipped)),
        "skipped": [check_view(each, wording) for each in skipped],
    }


def _ids(checks: Iterable[Check]) -> set[str]:
    return {check.id for check in checks}


def by_weight(checks: Iterable[Check]) -> list[Check]:
    """Return the checks, the worst first; of equally bad ones, in the order of the report."""
    return sorted(checks, key=lambda check: check.severity, reverse=True)


def check_view(check: Check, wording: Wording) -> dict[str, Any]:
    """Return one check.

    A check without texts in the catalogue, such as one that an installation adds, has its id.
    """
    known = wording.has(f"check.{check.family}")
    title = wording(f"check.{check.family}") if known else check.id
    if check.family == "dg.hash":
        title = f"{title}: {check.id.removeprefix('dg.hash.')}"
    word = wording(f"outcome.{check.outcome.value}")
    if check.shows is not None:
        word = f"{word}: {wording(f'shows.{check.shows.value}')}"
    return {
        "id": check.id,
        "title": title,
        "outcome": check.outcome.value,
        "sign": _SIGNS[check.outcome],
        "word": word,
        "reason": printable(wording.reason(check.reason)),
        "next": _next(check, wording) if known else "",
        "clause": wording.reason(check.clause),
    }


def _next(check: Check, wording: Wording) -> str:
    """Return what to do about a check, by what it shows, else by its outcome."""
    shows = "" if check.shows is None else check.shows.value
    keys = (f"next.{check.family}.{each}" for each in (shows, check.outcome.value))
    return wording(next(filter(wording.has, keys), f"next.{check.family}"))


def _closed(problem: OpeningProblem | None, report: Report, wording: Wording) -> dict[str, Any]:
    """Return the one problem of a chip that did not open, of which all others are consequences."""
    key = "next.closed"
    if problem is not None and problem.cause is not OpeningCause.WRONG_PASSWORD:
        key = f"opening.{problem.cause.value}.text"
    return {
        "id": "opening",
        "title": wording("report.closed.title"),
        "outcome": Outcome.FAILED.value,
        "sign": _SIGNS[Outcome.FAILED],
        "word": wording(f"outcome.{Outcome.FAILED.value}"),
        "reason": printable("; ".join(map(wording.reason, report.why))),
        "next": wording(key),
        "clause": "Doc 9303-11, 4.2",
    }


def _facts(report: Report, wording: Wording) -> list[dict[str, str]]:
    unknown, trust = wording("facts.unknown"), report.trust
    rows = {
        "csca": wording.reason(trust.csca) or unknown,
        "ds": wording.reason(trust.ds) or unknown,
        "revocation": wording.reason(trust.revocation) or unknown,
        "access": access_words(report, wording),
        "chip": counts(report, wording),
        "policy": report.policy,
        "at": f"{wording.day(report.at.date())}, {report.at:%H:%M} UTC",
        "quirks": "; ".join(map(wording.reason, report.tolerated)),
    }
    return [
        {"label": wording(f"facts.{name}"), "text": printable(text)}
        for name, text in rows.items()
        if text
    ]
