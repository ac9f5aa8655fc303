"""The transitions of the desk: a pure function of state, input and instant."""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from emrtd.transport.events import CardEvent, CardEventKind
from verify.desk.inputs import (
    Again,
    Captured,
    CardsChanged,
    Chosen,
    Failed,
    Held,
    Input,
    Judged,
    LockWanted,
    NextCard,
    PasswordGiven,
    Recalled,
    ShowAnyway,
    Tick,
    Told,
    UnlockWanted,
)
from verify.desk.state import (
    TROUBLES,
    CardPresent,
    Desk,
    Entry,
    Given,
    Inspecting,
    Interrupted,
    Locked,
    Objection,
    Phase,
    Ready,
    Remark,
    Result,
    Showing,
    Trouble,
)
from verify.judging.opening_problem import OpeningCause

PREPARED_SECONDS: Final = 120.0
"""How long a password is remembered whose card has not come."""
RETURN_SECONDS: Final = 60.0
"""How long an interrupted inspection waits for its card."""
STALL_SECONDS: Final = 8.0
"""How long a chip may be silent before the officer is told; a proof takes some 2 s on slow ones."""
KEPT_SECONDS: Final = 15 * 60.0
"""How long a result is remembered."""

_READ_AGAIN: Final = frozenset(
    {OpeningCause.WRONG_PASSWORD, OpeningCause.BLOCKED, OpeningCause.WANTS_MRZ}
)
"""The causes that are no verdict: another password may open the chip."""


@dataclass(frozen=True, slots=True)
class Begin:
    """The effect of a step: an inspection begins."""

    attempt: int
    reader: str
    given: Given


@dataclass(frozen=True, slots=True)
class Limits:
    """The times of the desk, in seconds."""

    prepared: float = PREPARED_SECONDS
    coming_back: float = RETURN_SECONDS
    stall: float = STALL_SECONDS
    kept: float = KEPT_SECONDS


_LIMITS: Final = Limits()


def step(
    desk: Desk, what: Input, now: float, limits: Limits = _LIMITS
) -> tuple[Desk, Begin | None]:
    """Return the next state, and the inspection that begins, if one does.

    An input that does not fit the state, such as the result of an inspection that was given up,
    changes nothing.
    """
    before = desk.attempts
    desk = _Step(desk, now, limits).taken(what)
    phase = desk.phase
    if desk.attempts == before or not isinstance(phase, Inspecting):
        return desk, None
    return desk, Begin(phase.attempt, phase.reader, phase.given)


class _Step:
    """One step; `desk` changes as it is taken."""

    def __init__(self, desk: Desk, now: float, limits: Limits) -> None:
        self.desk = desk
        self.now = now
        self.limits = limits

    def taken(self, what: Input) -> Desk:
        match what:
            case CardsChanged(event):
                self._cards_changed(event)
            case Told() | Held() | Captured() | Judged() | Failed():
                self._inspection(what)
            case Tick():
                self._time_passed()
            case LockWanted():
                self._lock()
            case UnlockWanted():
                if isinstance(self.desk.phase, Locked):
                    self._to(Ready())
                    self._next()
            case _:
                if not isinstance(self.desk.phase, Locked):
                    self._officer(what)
        return self.desk

    def _to(self, phase: Phase) -> None:
        self.desk = self.desk.to(phase)

    # --- cards, readers and the service ----------------------------------------------------------

    def _cards_changed(self, event: CardEvent) -> None:
        reader = event.reader
        match event.kind:
            case CardEventKind.SERVICE_GONE:
                self.desk = replace(self.desk, served=False, readers=(), cards=MappingProxyType({}))
                self._left(None, Trouble.SERVICE_GONE)
            case CardEventKind.SERVICE_BACK:
                self.desk = replace(self.desk, served=True)
            case CardEventKind.READER_ADDED:
                others = [each for each in self.desk.readers if each != reader]
                self.desk = replace(self.desk, served=True, readers=(*others, reader))
            case CardEventKind.READER_GONE:
                readers = tuple(each for each in self.desk.readers if each != reader)
                self.desk = replace(self.desk, readers=readers)
                self._without_card(reader)
                self._left(reader, Trouble.READER_GONE)
            case CardEventKind.REMOVED:
                self._without_card(reader)
                self._left(reader, Trouble.CARD_LEFT)
            case CardEventKind.INSERTED:
                self._without_card(reader)
                card = CardPresent(event.atr)
                cards = MappingProxyType({**self.desk.cards, reader: card})
                self.desk = replace(self.desk, cards=cards)
                self._came(reader, event.atr)
            case CardEventKind.EXHAUSTED:
                pass

    def _without_card(self, reader: str) -> None:
        cards = {name: card for name, card in self.desk.cards.items() if name != reader}
        self.desk = replace(self.desk, cards=MappingProxyType(cards))

    def _left(self, reader: str | None, trouble: Trouble) -> None:
        """A card, its reader or (None) the service has gone."""
        phase = self.desk.phase
        match phase:
            case Inspecting() if reader in {None, phase.reader} and not phase.captured:
                self._interrupt(phase, trouble)
            case Ready(at) if at and reader in {None, at}:
                self._to(Ready(objection=phase.objection))
                self._next()
            case Showing() if reader in {None, phase.reader}:
                self._to(replace(phase, reader="", given=None))
                if self.desk.prepared is not None:
                    self._next()
            case _:
                pass

    def _interrupt(
        self, inspection: Inspecting, trouble: Trouble, detail: str = "", advice: str = ""
    ) -> None:
        self._to(Interrupted(inspection, trouble, self.now, detail, advice))

    def _came(self, reader: str, atr: bytes) -> None:
        """A card came into a reader."""
        phase = self.desk.phase
        match phase:
            case Ready(at) if not at:
                self._start(reader)
            case Showing() if not phase.reader:
                self._start(reader)
            case Interrupted(inspection) if inspection.reader == reader:
                if inspection.atr and atr and inspection.atr != atr:
                    self._to(Ready(reader, remark=Remark.OTHER_CARD))
                else:
                    self._begin(reader, inspection.given, inspection.tries)
            case _:
                pass

    def _next(self) -> None:
        """Go on with the first card that has not been inspected, if there is one."""
        if reader := self.desk.waiting_card:
            self._start(reader)

    def _start(self, reader: str) -> None:
        """Inspect the card in a reader if its password is prepared; else ask for that."""
        prepared = self.desk.prepared
        if prepared is None:
            self._to(Ready(reader))
        else:
            self._begin(reader, prepared[0])

    def _begin(self, reader: str, given: Given, tries: int = 0) -> None:
        attempt = self.desk.attempts + 1
        self.desk = replace(self.desk, attempts=attempt, prepared=None)
        self._mark_done(reader)
        atr = self.desk.cards[reader].atr
        self._to(Inspecting(attempt, reader, given, atr, heard=self.now, tries=tries))

    def _mark_done(self, reader: str) -> None:
        cards = dict(self.desk.cards)
        cards[reader] = replace(cards.get(reader, CardPresent()), done=True)
        self.desk = replace(self.desk, cards=MappingProxyType(cards))

    # --- the inspection --------------------------------------------------------------------------

    def _inspection(self, what: Told | Held | Captured | Judged | Failed) -> None:
        phase = self.desk.phase
        if isinstance(phase, Interrupted):
            # The card may leave just after its last answer: the evidence is complete then.
            if isinstance(what, Judged) and phase.inspection.attempt == what.attempt:
                self._judged(phase.inspection, what.result)
            return
        if not isinstance(phase, Inspecting) or phase.attempt != what.attempt:
            return
        match what:
            case Told(_, event):
                progress = phase.progress.after(event)
                self._to(self._heard(replace(phase, progress=progress)))
            case Held():
                self._to(replace(phase, held=True, heard=self.now))
            case Captured():
                judging = replace(phase, progress=phase.progress.judging(), captured=True)
                self._to(self._heard(judging))
            case Judged(_, result):
                self._judged(phase, result)
            case Failed(_, fault, detail, advice):
                trouble = Trouble.INTERNAL if fault is None else TROUBLES[fault]
                self._interrupt(phase, trouble, detail, advice)

    def _heard(self, inspection: Inspecting) -> Inspecting:
        return replace(inspection, held=False, heard=self.now, stalled=False)

    def _judged(self, inspection: Inspecting, result: Result) -> None:
        problem = result.opening
        if problem is not None and problem.cause in _READ_AGAIN:
            objection = Objection(problem, inspection.tries + 1, result, self.now)
            present = inspection.reader in self.desk.cards
            self._to(Ready(inspection.reader if present else "", objection))
            return
        present = inspection.reader in self.desk.cards
        self._show(
            result,
            inspection.reader if present else "",
            inspection.given if present else None,
        )

    def _show(self, result: Result, reader: str, given: Given | None) -> None:
        number = self.desk.entries + 1
        history = (*self.desk.history, Entry(number, result, self.now))
        self.desk = replace(self.desk, entries=number, history=history)
        self._to(Showing(number, reader, given))

    # --- the officer -----------------------------------------------------------------------------

    def _officer(self, what: Input) -> None:
        phase = self.desk.phase
        match what:
            case PasswordGiven(given):
                self._password(given)
            case Again():
                self._again()
            case ShowAnyway() if isinstance(phase, Ready) and phase.objection is not None:
                self._show(phase.objection.result, phase.reader, None)
            case NextCard() if not isinstance(phase, Inspecting):
                self._finish()
            case Chosen(reader) if reader in self.desk.cards:
                if not isinstance(phase, Inspecting):
                    self._start(reader)
            case Recalled(number) if self.desk.entry(number) is not None:
                if isinstance(phase, Showing):
                    self._to(replace(phase, number=number))
                elif isinstance(phase, Ready) and not phase.reader:
                    self._to(Showing(number))
            case _:
                pass

    def _password(self, given: Given) -> None:
        match self.desk.phase:
            case Ready(reader, objection) if reader:
                self._begin(reader, given, 0 if objection is None else objection.tries)
            case Interrupted(inspection) if inspection.reader in self.desk.cards:
                self._begin(inspection.reader, given, inspection.tries)
            case Inspecting():
                pass  # the page does not ask: it would be unclear which card is meant
            case phase:
                self.desk = replace(self.desk, prepared=(given, self.now))
                if isinstance(phase, Interrupted):
                    self._finish()
                elif isinstance(phase, Showing) and not phase.reader:
                    self._next()

    def _again(self) -> None:
        match self.desk.phase:
            case Interrupted(inspection) if inspection.reader in self.desk.cards:
                self._begin(inspection.reader, inspection.given, inspection.tries)
            case Showing(_, reader, given) if reader and given is not None:
                self._begin(reader, given)
            case _:
                pass

    def _finish(self) -> None:
        """Leave the card that is shown, asked for or interrupted, and go on with the next one."""
        phase = self.desk.phase
        reader = phase.inspection.reader if isinstance(phase, Interrupted) else ""
        if isinstance(phase, Ready | Showing):
            reader = phase.reader
        if reader in self.desk.cards:
            self._mark_done(reader)
        self._to(Ready())
        self._next()

    def _lock(self) -> None:
        """Forget everything of persons; the cards stay where they are, and are not inspected."""
        for reader in tuple(self.desk.cards):
            self._mark_done(reader)
        self.desk = replace(self.desk, prepared=None, history=())
        self._to(Locked())

    # --- time ------------------------------------------------------------------------------------

    def _time_passed(self) -> None:
        self._forget()
        phase = self.desk.phase
        match phase:
            case Inspecting() if not phase.captured and not phase.held and not phase.stalled:
                if self.now - phase.heard >= self.limits.stall:
                    self._to(replace(phase, stalled=True))
            case Interrupted() if self.now - phase.at >= self.limits.coming_back:
                self._finish()
                if isinstance(self.desk.phase, Ready):
                    self._to(replace(self.desk.phase, remark=Remark.FORGOTTEN))
            case _:
                pass

    def _forget(self) -> None:
        """Forget results, passwords and failed openings whose time has passed."""
        prepared = self.desk.prepared
        if prepared is not None and self.now - prepared[1] >= self.limits.prepared:
            self.desk = replace(self.desk, prepared=None)
            if isinstance(self.desk.phase, Ready):
                self._to(replace(self.desk.phase, remark=Remark.FORGOTTEN))
        match self.desk.phase:
            case Ready(reader, objection) if objection is not None and (
                self.now - objection.at >= self.limits.kept
            ):
                self._to(Ready(reader, remark=Remark.FORGOTTEN))
        kept = tuple(each for each in self.desk.history if self.now - each.at < self.limits.kept)
        if len(kept) == len(self.desk.history):
            return
        self.desk = replace(self.desk, history=kept)
        phase = self.desk.phase
        if isinstance(phase, Showing) and self.desk.showing is None:
            self._finish()
