"""Carrying out the effects of a worker: at its reader, in the ledger, on the display."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial, singledispatchmethod
from pathlib import Path
from typing import Any

from emrtd.errors import TransportError, TransportFault
from emrtd.lds.files import FileID
from emrtd.transport.readers import connect
from personalise.ledger.sealing import AlteredError
from personalise.ledger.states import StepRefusedError, Worker
from personalise.ledger.values import CardRefused, Claim, JobEntry
from personalise.station.clock import require_clock
from personalise.station.line import effects
from personalise.station.line.effects import (
    Arrival,
    Effect,
    Ended,
    EventKind,
    Failed,
    Made,
    Recognised,
    SeenCard,
    T,
)
from personalise.station.line.events import Event
from personalise.station.line.guard import Guard, GuardedConnection
from personalise.station.line.looking import look_at
from personalise.station.line.reader_watch import ReaderState, ReaderWatch
from personalise.station.line.recognising import doubtful_cards, issued_jobs, others_like
from personalise.station.line.shop import Shop
from personalise.station.line.waiting import Waiting
from personalise.station.one_card import write_image
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    StopReaderError,
    TryAgainError,
    WriteError,
    outcome_of,
)
from personalise.station.sealed_image import SealedImage
from personalise.station.writing import Milestones
from support.errors import ChipsealError, MalformedError, MisuseError


class Performer:
    """Carries out the effects of the worker of one reader, in the worker's own thread."""

    def __init__(self, reader: str, shop: Shop, guard: Guard, state: ReaderState) -> None:
        self._reader = reader
        self._shop = shop
        self._guard = guard
        self._state = state
        self._watch = ReaderWatch(reader)
        self._waiting = Waiting(reader, shop, state, self._watch, self._tell_waiting)
        self._connection: GuardedConnection | None = None
        self._since = 0.0
        self._apdus = 0
        self._is_fresh = False

    @property
    def _worker(self) -> Worker:
        """The reader by its full name, which is known once it is plugged in."""
        return Worker(self._shop.station, self._full_name)

    @property
    def _full_name(self) -> str:
        return self._watch.full_name

    def close(self) -> None:
        """Close the connection, and the watch over the reader."""
        self._close_connection()
        self._watch.close()

    def perform(self, effect: Effect[Any]) -> Any:
        """Carry out an effect and return its result."""
        self._guard.check()
        return self._perform(effect)

    @singledispatchmethod
    def _perform(self, effect: Effect[Any]) -> Any:
        raise AssertionError(f"unknown effect {effect}")

    # --- waiting -----------------------------------------------------------------------------

    @_perform.register
    def _(self, effect: effects.WaitForCard) -> Arrival | Ended:
        self._close_connection()
        return self._waiting.for_card(another=effect.another)

    @_perform.register
    def _(self, effect: effects.WaitForWork) -> Ended | None:
        return self._waiting.for_work(effect.card)

    # --- the card ----------------------------------------------------------------------------

    @_perform.register
    def _(self, _effect: effects.Identify) -> SeenCard:
        self._state.doing = "looks at the card"
        self._since, self._apdus = time.monotonic(), 0
        self._state.progress(0, 0)
        try:
            with self._guard.calling():
                connection = connect(self._reader)
            self._connection = GuardedConnection(
                connection, self._guard, lambda: self._shop.control.stopping
            )
            self._is_fresh = True
            return look_at(self._connection, self._shop.card_keys)
        except WriteError:
            raise
        except ChipsealError as error:
            if isinstance(error, TransportError) and error.fault is TransportFault.CARD_HELD:
                raise StopReaderError(
                    error.message, advice=error.advice, comes_back=True
                ) from error
            raise outcome_of(error) from error

    @_perform.register
    def _(self, effect: effects.Make) -> Made | Failed:
        claim, begun = effect.claim, effect.claim.resumed
        self._state.doing, self._state.job = "writes", claim.job

        def begin() -> None:
            nonlocal begun
            if not claim.in_doubt:  # it stays in doubt until the card is known to be good or not
                self._enter_meanwhile(lambda: self._shop.ledger.begin(claim))
            begun = True

        def locking() -> None:
            self._enter_meanwhile(lambda: self._shop.ledger.locking(claim))
            self._state.doing = "locks"

        try:
            sealed = self._sealed(claim)
            connection = self._fresh_connection()
            report = write_image(
                sealed.files,
                sealed.order,
                connection,
                self._state.progress,
                self._shop.card_keys,
                milestones=Milestones(begin, locking, was_locking=claim.in_doubt),
            )
        except WriteError as error:
            return Failed(error, begun)
        sod = hashlib.sha256(sealed.files[FileID.SOD]).hexdigest()
        return Made(sod, report.already_complete)

    def _fresh_connection(self) -> GuardedConnection:
        """Return the connection; the card is reset if it was used since."""
        if self._connection is None:
            raise TryAgainError("the card was removed", advice="insert it again")
        if not self._is_fresh:
            try:
                self._connection.reset()
            except TransportError as error:
                raise outcome_of(error) from error
        self._is_fresh = False
        return self._connection

    def _sealed(self, claim: Claim) -> SealedImage:
        """Return the image of a job, with its order decrypted; raises `WriteError`."""
        try:
            image = self._enter(lambda: self._shop.ledger.image(claim))
        except AlteredError as error:
            raise RejectApplicationError(error.message, advice=error.advice) from error
        except StepRefusedError:
            raise
        except MisuseError as error:  # the key of its period, in a file or an HSM
            raise StopReaderError(error.message, advice=error.advice) from error
        try:
            sealed = SealedImage.unseal(image, self._shop.keys, Path(claim.job))
            require_clock(sealed.files, self._shop.clock())
        except MalformedError as error:
            raise RejectApplicationError(error.message, advice=error.advice) from error
        except ChipsealError as error:  # no key, or a clock that is behind: of the station
            raise StopReaderError(error.message, advice=error.advice) from error
        return sealed

    @_perform.register
    def _(self, effect: effects.Recognise) -> Recognised | None:
        self._state.doing = "looks for the document on the card"
        for entry in self._enter(lambda: list(self._issued_jobs(effect.card))):
            claim = self._claim_of(entry)
            if not self._holds(claim):
                continue
            named = effect.card.name
            if named is not None:
                return Recognised(claim, is_good=named == entry.job.card)
            others = self._enter(partial(others_like, self._shop.ledger, entry))
            return Recognised(claim, is_good=not others)
        return None

    def _issued_jobs(self, card: SeenCard) -> Iterator[JobEntry]:
        return issued_jobs(self._shop.ledger, card, self._full_name, self._shop.last_issued)

    def _claim_of(self, entry: JobEntry) -> Claim:
        """Return the claim by which the good card of a job was made; it is over."""
        return Claim(
            entry.job.id,
            entry.job.claims,
            self._worker,
            entry.job.card or "",
            entry.card_profile,
            entry.document,
            entry.changed,
        )

    def _holds(self, claim: Claim) -> bool:
        """Whether the locked card in the reader holds the document of a job; nothing is written."""
        try:
            sealed = self._sealed(claim)
            write_image(
                sealed.files,
                sealed.order,
                self._fresh_connection(),
                key_source=self._shop.card_keys,
                milestones=Milestones(_refuse, _refuse),
            )
        except (RejectCardError, RejectApplicationError):
            return False
        return True

    @_perform.register
    def _(self, effect: effects.Eject) -> None:
        connection, self._connection = self._connection, None
        self._state.doing = f"puts the card with those {effect.tray.value}"
        with self._shop.lock:
            self._shop.claims.pop(self._reader, None)
        if connection is None:
            return
        try:
            connection.eject(effect.tray)
        except TransportError as error:
            raise StopReaderError(error.message, advice=error.advice) from error

    @_perform.register
    def _(self, effect: effects.Release) -> None:
        self._close_connection()
        self._shop.control.sleep(effect.seconds)

    def _close_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._apdus = connection.apdus
            connection.close()

    # --- the ledger --------------------------------------------------------------------------

    @_perform.register
    def _(self, effect: effects.Take) -> Claim | CardRefused | None:
        answer = self._enter(lambda: self._shop.ledger.take(self._worker, effect.name, effect.kind))
        if isinstance(answer, Claim):
            with self._shop.lock:
                self._shop.claims[self._reader] = answer
        return answer

    @_perform.register
    def _(self, effect: effects.EnterIssued) -> None:
        self._enter(lambda: self._shop.last_issued.remember(effect.claim))
        self._finish(effect.claim, lambda: self._shop.ledger.issued(effect.claim))

    @_perform.register
    def _(self, effect: effects.EnterCardRejected) -> None:
        error = effect.error
        self._finish(
            effect.claim,
            lambda: self._shop.ledger.card_rejected(
                effect.claim, error.fault, error.message, may_be_good=error.may_read_as_good
            ),
        )

    @_perform.register
    def _(self, effect: effects.EnterApplicationRejected) -> None:
        self._finish(
            effect.claim,
            lambda: self._shop.ledger.application_rejected(effect.claim, effect.reason),
        )

    @_perform.register
    def _(self, effect: effects.EnterInterrupted) -> None:
        self._finish(
            effect.claim, lambda: self._shop.ledger.interrupted(effect.claim, effect.reason)
        )

    @_perform.register
    def _(self, _effect: effects.FindDoubtful) -> Sequence[tuple[str, str]]:
        own = self._worker
        return self._enter(lambda: doubtful_cards(self._shop.ledger, own.station, own.reader))

    def _finish(self, _claim: Claim, call: Callable[[], None]) -> None:
        try:
            self._enter(call)
        finally:
            with self._shop.lock:
                self._shop.claims.pop(self._reader, None)

    def _enter(self, call: Callable[[], T]) -> T:
        self._guard.check()
        return self._shop.enter(self._reader, call)

    def _enter_meanwhile(self, call: Callable[[], None]) -> None:
        """Enter a step while the card is written; a step that is refused interrupts the writing."""
        try:
            self._enter(call)
        except StepRefusedError as error:
            raise TryAgainError(error.message, advice=error.advice) from error

    # --- the display -------------------------------------------------------------------------

    @_perform.register
    def _(self, effect: effects.Tell) -> None:
        self._tell(effect.kind, effect.reason, effect.claim, effect.card, effect.made)

    def _tell_waiting(self, reason: str, card: str | None = None) -> None:
        self._tell(EventKind.WAITING, reason, card=card)

    def _tell(
        self,
        kind: EventKind,
        reason: str = "",
        claim: Claim | None = None,
        card: str | None = None,
        made: Made | None = None,
    ) -> None:
        with_card = kind is not EventKind.WAITING and self._since
        if self._connection is not None:
            self._apdus = self._connection.apdus
        self._shop.tell(
            Event(
                kind,
                self._full_name,
                application=None if claim is None else claim.job,
                document=None if claim is None else claim.document,
                card=card,
                sod=None if made is None else made.sod,
                reason=reason or None,
                apdus=self._apdus if with_card else 0,
                seconds=time.monotonic() - self._since if with_card else 0.0,
            )
        )
        self._state.last = f"{kind}: {reason}" if reason else str(kind)


def _refuse() -> None:
    """Refuse to write: only what is on the card is looked at."""
    raise RejectCardError(CardFault.OTHER_DOCUMENT, "the card is not locked")
