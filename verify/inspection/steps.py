"""The events of an inspection in words, for every program that shows its steps."""

from typing import Final

from support.printable_text import printable
from verify.inspection.events import (
    Event,
    NotOpened,
    NotRead,
    Opened,
    Opening,
    Proved,
    Proving,
    Read,
    Reading,
    Reopened,
    SessionLost,
    StepFailed,
)
from verify.judging.faults import describe
from verify.wording import ENGLISH, Wording

BEGINNINGS: Final = (Opening, Reading, Proving)
"""The events whose line is replaced by that of the result that follows."""


def step_text(event: Event, wording: Wording = ENGLISH) -> str:
    """Return an event as one line of text."""
    said: str
    match event:
        case Opening():
            said = _opening(event, wording)
        case StepFailed(failure):
            said = wording.reason(describe(failure.fault))
        case Opened(access):
            said = wording("step.opened", how=wording(f"control.{access.control.value}"))
        case NotOpened():
            said = wording("step.not-opened")
        case Reading() | Read():
            said = _reading(event, wording)
        case NotRead(file, fault):
            said = wording("step.not-read", file=file, why=wording.reason(describe(fault)))
        case Proving(protocol):
            said = wording(f"protocol.{protocol.value}")
        case Proved():
            said = _proved(event, wording)
        case SessionLost(reopening):
            said = wording("step.reopening" if reopening else "step.session-lost")
        case Reopened():
            said = wording("step.reopened")
    return printable(said)


def _opening(event: Opening, wording: Wording) -> str:
    how = wording(f"control.{event.control.value}")
    if event.password is None:
        return wording("step.opening", how=how)
    return wording("step.opening-with", how=how, password=event.password.upper())


def _proved(event: Proved, wording: Wording) -> str:
    name = wording(f"protocol.{event.protocol.value}")
    if event.fault is None:
        return wording("step.proved", protocol=name)
    return wording("step.not-proved", protocol=name, why=wording.reason(describe(event.fault)))


def _reading(event: Reading | Read, wording: Wording) -> str:
    if isinstance(event, Read):
        return wording("step.read", file=event.file, octets=wording.number(event.octets))
    done = wording.number(event.done)
    if event.of is None:
        return wording("step.reading", file=event.file, done=done)
    return wording("step.reading-of", file=event.file, done=done, of=wording.number(event.of))
