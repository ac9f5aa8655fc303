"""The whole state of the desk as an object for the page."""

from typing import Any, Final

from support.printable_text import printable
from verify.desk.progress import Progress, Stage
from verify.desk.state import (
    Desk,
    Entry,
    Inspecting,
    Interrupted,
    Locked,
    Objection,
    Ready,
    Showing,
    Trouble,
)
from verify.desk.view.report import report_view
from verify.inspection.events import NotOpened, NotRead, Proved, Reading, SessionLost, StepFailed
from verify.inspection.steps import step_text
from verify.judging.opening_problem import OpeningCause
from verify.judging.report import Verdict
from verify.wording import Wording

_MOST_STEPS: Final = 60
_QUIET: Final = frozenset({"choose", "next", "show-anyway"})
"""The actions that are not the usual next step."""
_OWN_WORDS: Final = frozenset({Trouble.TRANSPORT, Trouble.INTERNAL})
"""The troubles whose error says more than the catalogue does."""


def page_view(desk: Desk, wording: Wording) -> dict[str, Any]:
    """Return everything that the page shows, except images."""
    phase = desk.phase
    view: dict[str, Any] = {
        "language": wording.language,
        "tone": "plain",
        "text": "",
        "asks": False,
        "prepared": desk.prepared is not None,
        "actions": [],
        "report": None,
        "steps": None,
        "notices": _notices(desk, wording),
        "reader": _reader(desk, wording),
        "history": [_row(each, desk, wording) for each in reversed(desk.history)],
    }
    match phase:
        case Ready():
            view |= _ready(phase, desk, wording)
        case Inspecting():
            view |= _inspecting(phase, wording)
        case Interrupted():
            view |= _interrupted(phase, desk, wording)
        case Showing():
            view |= _showing(phase, desk, wording)
        case Locked():
            view |= {
                "phase": "locked",
                "title": wording("locked.title"),
                "text": wording("locked.text"),
                "actions": [_action("unlock", wording)],
                "notices": [],
            }
    return view


def _action(name: str, wording: Wording, **more: object) -> dict[str, object]:
    return {"do": name, "label": wording(f"page.{name}"), "quiet": name in _QUIET, **more}


def _ready(phase: Ready, desk: Desk, wording: Wording) -> dict[str, Any]:
    prepared = desk.prepared is not None
    if phase.objection is not None:
        said = _objection(phase.objection, wording)
    elif phase.reader:
        said = {"title": wording("asking.title"), "text": wording("asking.text")}
    else:
        key = "take-out" if desk.cards else "title"
        text = wording("ready.prepared" if prepared else "ready.text")
        said = {"title": wording(f"ready.{key}"), "text": text}
    if phase.remark is not None:
        said["text"] = wording(f"remark.{phase.remark.value}")
        said["tone"] = "warn"
    return {"phase": "asking" if phase.reader else "ready", "asks": True} | said


def _objection(objection: Objection, wording: Wording) -> dict[str, Any]:
    problem = objection.problem
    key = f"opening.{problem.cause.value}"
    named = f"{key}.title.{problem.password}"
    parts = [wording(f"{key}.text")]
    if problem.cause is OpeningCause.WRONG_PASSWORD and problem.tries_left is not None:
        parts.append(wording.count("opening.tries", problem.tries_left))
    if objection.tries > 1 and problem.cause is OpeningCause.WRONG_PASSWORD:
        parts.append(wording(f"{key}.again", n=objection.tries))
    return {
        "title": wording(named if wording.has(named) else f"{key}.title"),
        "text": " ".join(parts),
        "tone": "warn",
        "actions": [_action("show-anyway", wording), _action("next", wording)],
    }


def _inspecting(phase: Inspecting, wording: Wording) -> dict[str, Any]:
    key = "inspecting"
    if phase.captured:
        key = "inspecting.judging"
    elif phase.held or phase.stalled:
        key = "inspecting.held" if phase.held else "inspecting.stalled"
    return {
        "phase": "inspecting",
        "title": wording(f"{key}.title"),
        "text": wording(f"{key}.text"),
        "tone": "warn" if phase.held or phase.stalled else "plain",
        "steps": _steps(phase.progress, wording),
    }


def _interrupted(phase: Interrupted, desk: Desk, wording: Wording) -> dict[str, Any]:
    trouble = phase.trouble
    text = wording(f"trouble.{trouble.value}.text")
    if trouble in _OWN_WORDS and phase.detail:
        text = f"{text} ({printable(phase.detail)})"
    present = phase.inspection.reader in desk.cards
    again = [_action("again", wording)] if present else []
    return {
        "phase": "interrupted",
        "title": wording(f"trouble.{trouble.value}.title"),
        "text": text,
        "tone": "warn",
        "asks": present,
        "actions": [*again, _action("next", wording)],
        "steps": _steps(phase.inspection.progress, wording),
    }


def _showing(phase: Showing, desk: Desk, wording: Wording) -> dict[str, Any]:
    entry = desk.showing
    if entry is None:  # forgotten: the machine leaves this phase in the same step
        return {"phase": "ready", "title": wording("ready.title"), "asks": True}
    newest = phase.number == desk.entries
    verdict = entry.result.report.verdict
    # What a second reading may correct is referred; otherwise the next card is the usual step.
    again = [_action("again", wording) | {"quiet": verdict is not Verdict.REFER}]
    readable = phase.reader and phase.given and newest
    prepared = ""
    if desk.prepared is not None:
        prepared = wording(f"ready.prepared{'-other' if desk.waiting_card else ''}")
    return {
        "phase": "showing",
        "title": wording(f"verdict.{verdict.value}"),
        "text": prepared or (wording("showing.present") if phase.reader else ""),
        "tone": verdict.value,
        "asks": True,
        "actions": [*(again if readable else []), _action("next", wording)],
        "report": report_view(entry, wording),
    }


def _steps(progress: Progress, wording: Wording) -> dict[str, Any]:
    """Return the stages, the steps in words, and how far the file that is read has come."""
    at = list(Stage).index(progress.stage)
    running = progress.running
    lines = [{"text": step_text(each, wording), "sign": _sign(each)} for each in progress.done]
    if running is not None:
        lines.append({"text": step_text(running, wording), "sign": "running"})
    done = of = 0
    if isinstance(running, Reading) and running.of:
        done, of = running.done, running.of
    return {
        "stages": [
            {
                "text": wording(f"stage.{stage.value}"),
                "state": "done" if number < at else "running" if number == at else "open",
            }
            for number, stage in enumerate(Stage)
        ],
        "lines": lines[-_MOST_STEPS:],
        "octets": wording.count("octets", progress.octets + done),
        "done": done,
        "of": of,
    }


def _sign(event: object) -> str:
    failed = isinstance(event, StepFailed | NotOpened | NotRead | SessionLost)
    return "bad" if failed or (isinstance(event, Proved) and event.fault is not None) else "good"


def _notices(desk: Desk, wording: Wording) -> list[dict[str, Any]]:
    """Return what the officer should know besides the phase: readers, and a second card."""
    if not desk.served:
        return [{"text": wording("notice.no-service"), "action": None}]
    if not desk.readers and not desk.cards:
        return [{"text": wording("notice.no-reader"), "action": None}]
    phase = desk.phase
    at = phase.inspection.reader if isinstance(phase, Interrupted) else ""
    if isinstance(phase, Ready | Inspecting | Showing):
        at = phase.reader
    free = not isinstance(phase, Inspecting)
    return [
        {
            "text": wording("notice.second-card", reader=printable(reader)),
            "action": _action("choose", wording, reader=reader) if free else None,
        }
        for reader, card in desk.cards.items()
        if reader != at and (at or not card.done)
    ]


def _reader(desk: Desk, wording: Wording) -> dict[str, str]:
    if not desk.served:
        state, tone = "service", "bad"
    elif not desk.readers and not desk.cards:
        state, tone = "none", "bad"
    else:
        state, tone = ("card", "good") if desk.cards else ("ready", "good")
    return {"text": wording(f"reader.{state}"), "tone": tone}


def _row(entry: Entry, desk: Desk, wording: Wording) -> dict[str, Any]:
    """Return a line of the history: verdict, name and time."""
    report = entry.result.report
    name = " ".join(
        part for key in ("surname", "given_names") if (part := report.document.get(key, ""))
    )
    phase = desk.phase
    return {
        "number": entry.number,
        "verdict": report.verdict.value,
        "word": wording(f"verdict.{report.verdict.value}"),
        "name": printable(name),
        "document": printable(report.document.get("document_number", "")),
        "time": report.at.astimezone().strftime("%H:%M"),
        "shown": isinstance(phase, Showing) and phase.number == entry.number,
    }
