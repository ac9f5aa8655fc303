"""What the holder may do, as the permit in DG13 states it."""

from datetime import date
from typing import Any, Final

from support.printable_text import printable
from verify.judging.report import Report
from verify.showing.wording import permit_claim
from verify.wording import Wording

_WORK: Final = {
    "no": frozenset({"", "no", "none", "not allowed", "not permitted", "prohibited", "forbidden"}),
    "yes": frozenset({"yes", "allowed", "permitted", "unrestricted", "any"}),
}
"""Texts of DG13, in small letters, that allow no work, or all; every other text allows some."""
_RESTRICTED: Final = "restricted"


def permit_view(report: Report, wording: Wording) -> dict[str, Any] | None:
    """Return the entitlements as tiles, and the claim's warning; None if there is no permit.

    `muted` unless the document is accepted and a State has signed DG13: it is a claim then.
    """
    permit = report.permit
    if permit is None:
        return None
    today = report.at.date()
    until = permit["valid_until"]
    in_force = permit["valid_from"] <= today.isoformat() <= (until or today.isoformat())
    claim = permit_claim(report, wording)
    ends = wording("permit.without-end") if until is None else wording.date(until)
    return {
        "title": wording("permit.title"),
        "muted": bool(claim) or not in_force,
        "claim": claim,
        "over": "" if in_force else wording("permit.over"),
        "category": printable(permit["category"]),
        "tiles": [
            _tile("stay", permit["stay"], wording),
            _work(permit["work"], wording),
            _tile("study", permit["study"], wording),
            _tile("public_funds", permit["public_funds"], wording),
        ],
        "rows": [
            _row("valid_from", wording.day(date.fromisoformat(permit["valid_from"])), wording),
            _row("valid_until", ends, wording),
            _row("remarks", "; ".join(permit["remarks"]) or wording("permit.none"), wording),
        ],
    }


def _row(name: str, text: str, wording: Wording) -> dict[str, str]:
    return {"label": wording(f"permit.{name}"), "text": printable(text)}


def _tile(name: str, allowed: bool, wording: Wording) -> dict[str, str]:
    word = wording("permit.yes" if allowed else "permit.no")
    return {"label": wording(f"permit.{name}"), "sign": "yes" if allowed else "no", "text": word}


def _work(work: str, wording: Wording) -> dict[str, str]:
    """Return the tile of work; a text of the issuer's own is shown as it is."""
    plain = work.strip().lower()
    sign = next((sign for sign, texts in _WORK.items() if plain in texts), "part")
    text = printable(work)
    if sign != "part" or plain == _RESTRICTED:
        text = wording(f"permit.{sign}")
    return {"label": wording("permit.work"), "sign": sign, "text": text}
