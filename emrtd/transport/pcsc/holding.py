"""Getting a card for one program alone, with a limit to the wait.

While another program holds a transaction, SCardConnect and SCardBeginTransaction wait inside the
library without a limit, and SCardCancel does not end them.  So they run in a thread of their own,
which the caller waits for; a process can end while such a thread waits.  One that nobody waits for
any more is kept, so that the next caller for that reader waits for it and no second one is begun;
if the card comes while nobody waits, it is let go at once.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emrtd.errors import TransportFault
from emrtd.transport.events import CardInReader
from emrtd.transport.pcsc.faults import fault_of, transport_error
from emrtd.transport.pcsc.library import Card, Code, Context, PcscError, ReaderState

_NOTICE_SECONDS: Final = 1.5
"""When the caller is told that another program holds the card: within 2 s."""
_AGAIN_SECONDS: Final = 0.05
_PASSING: Final = {Code.SHARING_VIOLATION, Code.RESET_CARD}
"""Another program was quicker: tried again with a connection of its own."""


@dataclass(frozen=True, slots=True)
class HeldCard:
    """A card in a transaction, freshly reset; the context and the handle are the holder's."""

    context: Context
    handle: Card
    card: CardInReader

    def release(self) -> None:
        """Let the card go; it is reset, so that nothing of a session is left on it."""
        self.handle.disconnect(reset=True)
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
    """Tries to get a card until it has it, fails, or nobody wants it; a daemon thread."""

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
        """The card; raises what went wrong."""
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
        """Stop waiting: what was not taken is let go, now or when it comes."""
        with _lock:
            self.wanted = False
            if not self.done.is_set():
                _kept[self.reader] = self
            held, self._held = self._held, None
        if held is not None:
            held.release()

    def obstacle(self) -> TransportFault:
        """What stands in the way: another program, or a reader that does not answer."""
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
        """One try, on a connection of its own: nothing goes on with one that had an error."""
        context = Context()
        handle = None
        try:
            handle = context.connect(self.reader)
            self._connected = True
            handle.begin_transaction()
            handle.reset()  # what another program has selected or opened is gone
            atr = handle.atr()
            card = _present(context.state(self.reader))
        except BaseException:
            self._connected = False
            if handle is not None:
                handle.disconnect(reset=False)
            context.release()
            raise
        return HeldCard(context, handle, CardInReader(card.identity, atr))

    def _is_unwanted(self) -> bool:
        """Whether nobody waits for this attempt any more; from then on nobody can again."""
        with _lock:
            if not self.wanted and _kept.get(self.reader) is self:
                del _kept[self.reader]
            return not self.wanted


def _present(state: ReaderState) -> CardInReader:
    if state.card is None:
        raise PcscError(Code.REMOVED_CARD)
    return state.card
