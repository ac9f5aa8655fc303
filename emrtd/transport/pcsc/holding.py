"""Acquiring a card for this program alone, within a time limit.

While another program holds a transaction, SCardConnect and SCardBeginTransaction wait inside the
library without a limit, and SCardCancel does not end them.  They therefore run in a daemon thread,
and the caller waits for that thread; the process can end while it blocks.  If the caller stops
waiting, the thread is kept: the next caller for that reader waits for the same thread.  A thread
that acquires the card while no caller waits releases it at once.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

import msgspec

from emrtd.errors import TransportFault
from emrtd.transport.events import CardInReader
from emrtd.transport.pcsc.faults import fault_of, transport_error
from emrtd.transport.pcsc.library import (
    CardHandle,
    Code,
    Context,
    Disposition,
    PcscError,
    ReaderState,
)

_NOTICE_SECONDS: Final = 1.5
"""After this time the caller is told that another program holds the card (limit: 2 s)."""
_AGAIN_SECONDS: Final = 0.05
_PASSING: Final = {Code.SHARING_VIOLATION, Code.RESET_CARD}
"""Another program was faster: these codes lead to another try, on a new connection."""


class HeldCard(msgspec.Struct, frozen=True):
    """A card in a transaction, reset at its beginning, with the context and handle that hold it."""

    context: Context
    handle: CardHandle
    card: CardInReader

    def release(self, disposition: Disposition = Disposition.RESET) -> None:
        """Release the card and end its session: by default, reset it."""
        self.handle.disconnect(disposition)
        self.context.release()


def hold(reader: str, tell: Callable[[str], None], limit: float) -> HeldCard:
    """Hold the card in a reader; see `emrtd.transport.readers.connect`.

    `reader` is the full name.
    """
    attempt = _attempt_for(reader)
    try:
        if not attempt.done.wait(min(_NOTICE_SECONDS, limit)):
            error = transport_error(attempt.obstacle(), reader)
            tell(f"{error.message}; waiting for it, for {limit:.0f} s at most")
            if not attempt.done.wait(max(0.0, limit - _NOTICE_SECONDS)):
                raise transport_error(attempt.obstacle(), reader)
        return attempt.take()
    finally:
        attempt.leave()


_kept: dict[str, "_Attempt"] = {}
_lock = threading.Lock()


def _attempt_for(reader: str) -> "_Attempt":
    with _lock:
        attempt = _kept.pop(reader, None)
        if attempt is not None:
            attempt.wanted = True
            return attempt
    attempt = _Attempt(reader)
    attempt.start()
    return attempt


class _Attempt(threading.Thread):
    """A daemon thread that tries to acquire a card until it succeeds, fails or is abandoned."""

    def __init__(self, reader: str) -> None:
        super().__init__(name=f"holding {reader}", daemon=True)
        self.reader = reader
        self.done = threading.Event()
        self.wanted = True
        self._connected = False
        self._held: HeldCard | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        try:
            held = self._try_until_unwanted()
        except BaseException as error:  # noqa: BLE001 - raised where the caller waits
            held, self._failure = None, error
        with _lock:
            if _kept.get(self.reader) is self:
                del _kept[self.reader]
            if self.wanted:
                self._held, held = held, None
            self.done.set()
        if held is not None:
            held.release()

    def take(self) -> HeldCard:
        """Return the card, or raise the error of the attempt."""
        if isinstance(self._failure, PcscError):
            code = self._failure.code
            raise transport_error(fault_of(code), self.reader, code) from self._failure
        if self._failure is not None:
            raise self._failure
        held, self._held = self._held, None
        if held is None:
            raise transport_error(TransportFault.CARD_HELD, self.reader)
        return held

    def leave(self) -> None:
        """Stop waiting: a card that was not taken is released, now or when it is acquired."""
        with _lock:
            self.wanted = False
            if not self.done.is_set():
                _kept[self.reader] = self
            held, self._held = self._held, None
        if held is not None:
            held.release()

    def obstacle(self) -> TransportFault:
        """Return the likely cause of the delay: another program, or a card that does not answer.

        pcscd also says of a card that nobody holds that it is in use, while a handle of the card
        before it is open; hence the error says that another program may hold it.
        """
        if self._connected:
            return TransportFault.CARD_HELD
        try:
            with Context() as context:
                state = context.state(self.reader)
        except PcscError as error:
            return fault_of(error.code)
        return TransportFault.CARD_HELD if state.in_use else TransportFault.CARD_MUTE

    def _try_until_unwanted(self) -> HeldCard | None:
        while True:
            try:
                return self._try()
            except PcscError as error:
                if error.code not in _PASSING:
                    raise
            if self._is_unwanted():
                return None
            time.sleep(_AGAIN_SECONDS)

    def _try(self) -> HeldCard:
        """Try once, on a new connection; a connection that had an error is never used again."""
        context = Context()
        handle = None
        try:
            handle = context.connect(self.reader)
            self._connected = True
            handle.begin_transaction()
            handle.reset()  # discards what another program has selected or opened
            atr = handle.atr()
            card = _present(context.state(self.reader))
        except BaseException:
            self._connected = False
            if handle is not None:
                handle.disconnect(Disposition.LEAVE)
            context.release()
            raise
        return HeldCard(context, handle, CardInReader(card.identity, atr))

    def _is_unwanted(self) -> bool:
        """Whether no caller waits any more; if so, no later caller can find this attempt."""
        with _lock:
            if not self.wanted and _kept.get(self.reader) is self:
                del _kept[self.reader]
            return not self.wanted


def _present(state: ReaderState) -> CardInReader:
    if state.card is None:
        raise PcscError(Code.REMOVED_CARD)
    return state.card
