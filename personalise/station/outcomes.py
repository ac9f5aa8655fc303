"""The outcomes for a card and its application when the document could not be written.

Every error while a card is written becomes one of four types, so that a station decides by type
what to do next:

    RejectCardError         take this card out of use; the document may be written to another card
    RejectApplicationError  the image or the application is at fault: no card can be written
    StopReaderError         this reader cannot be used, whatever card is in it
    TryAgainError           write the same image to the same card again to finish it

`outcome_of` defines which error becomes which.
"""

from enum import StrEnum, unique
from typing import ClassVar, Final

from emrtd.errors import ChipRefusalError, ProtocolError, TransportError, TransportFault
from emrtd.status_words import SW
from support.errors import ChipsealError, ExitStatus, MalformedError

TAKE_ANOTHER_CARD: Final = "take the card out of use, and write the image to another"
CLOSE_OTHERS: Final = "close the other program, and write the same image to this card again"


@unique
class CardFault(StrEnum):
    """Why a card is rejected."""

    WRONG_KIND = "wrong-kind"
    """It is not a blank card of the kind that the image is for."""
    TERMINATED = "terminated"
    OTHER_DOCUMENT = "other-document"
    """It holds another document, or part of one."""
    NO_ROOM = "no-room"
    CANNOT_FINISH = "cannot-finish"
    """It is partly written and its kind cannot be resumed, or a file is in a wrong directory."""
    DOES_NOT_KEEP = "does-not-keep"
    """What was written does not read back."""
    DOES_NOT_LOCK = "does-not-lock"
    """It reports that it is locked, but files can be read without a password."""
    DOES_NOT_OPEN = "does-not-open"
    """It is locked, and an inspection system cannot open it with the document's own passwords."""
    REFUSES = "refuses"
    """It refused a command that cards of this kind support."""
    BREAKS_PROTOCOL = "breaks-protocol"
    """Its answers violate the protocol."""
    WRONG_KEYS = "wrong-keys"
    """It has other transport keys than the station: it is of another batch."""
    TEST_CARD = "test-card"
    """It has the published test key, and the station has keys of production cards."""
    NOT_A_TEST_CARD = "not-a-test-card"
    """It does not have the published test key, and the station has no other."""
    KEYS_BLOCKED = "keys-blocked"
    """It is locked by failed authentications."""
    MUTE = "mute"
    """It does not answer."""


KEY_FAULTS: Final = frozenset(
    {CardFault.WRONG_KEYS, CardFault.TEST_CARD, CardFault.NOT_A_TEST_CARD, CardFault.KEYS_BLOCKED}
)
"""Faults of cards whose transport keys are not the station's."""


class WriteError(ChipsealError):
    """The document could not be written to the card; always one of the four below."""


class RejectCardError(WriteError):
    """The document cannot be written to this card; `fault` is the reason.

    `may_read_as_good`: all of the document is on the card, which could not be terminated, so that
    an inspection may accept it.
    """

    kind = "reject-card"
    exit_status: ClassVar[ExitStatus] = ExitStatus.UNFIT_CARD

    def __init__(
        self,
        fault: CardFault,
        message: str,
        *,
        advice: str = TAKE_ANOTHER_CARD,
        may_read_as_good: bool = False,
    ) -> None:
        self.fault = fault
        self.may_read_as_good = may_read_as_good
        super().__init__(message, advice=advice)

    def with_whole_document(self, *, terminated: bool) -> "RejectCardError":
        """Return this error for a card that holds all of the document."""
        if terminated:
            problem = f"{self.message}; the card was terminated"
            return RejectCardError(self.fault, problem, advice=self.advice)
        return RejectCardError(
            self.fault,
            f"{self.message}; the card may still be read as a good one",
            advice="destroy the card, then write the image to another",
            may_read_as_good=True,
        )


class RejectApplicationError(WriteError):
    """The image cannot be written to any card: damaged, or not supported by its kind of card."""

    kind = "reject-application"


class StopReaderError(WriteError):
    """The reader cannot be used, whatever card is in it.

    `comes_back`: the reader was unplugged, or its service stopped; it may be plugged in again.
    """

    kind = "stop-reader"
    exit_status: ClassVar[ExitStatus] = ExitStatus.NO_CARD

    def __init__(self, message: str, *, advice: str = "", comes_back: bool = False) -> None:
        self.comes_back = comes_back
        super().__init__(message, advice=advice)


class TryAgainError(WriteError):
    """Writing was interrupted; writing the same image to the same card again finishes it."""

    kind = "try-again"
    exit_status: ClassVar[ExitStatus] = ExitStatus.NO_CARD


def another_document(name: str) -> RejectCardError:
    """Return the error for a card that is partly written with another document.

    `name` is the file that differs.
    """
    return RejectCardError(
        CardFault.OTHER_DOCUMENT,
        f"the card is partly written with another document ({name} differs)",
        advice="finish that document with its own image, or use a blank card",
    )


_SELECTION_LOST: Final = frozenset({SW.FILE_NOT_FOUND, SW.NO_CURRENT_EF})
"""Answers for a file that this run has created or found: another program selected another file."""

_OF_THE_READER: Final = frozenset(
    {
        TransportFault.NO_SERVICE,
        TransportFault.NO_READER,
        TransportFault.READER_GONE,
        TransportFault.EXTENDED_LENGTH,
    }
)
"""Transport faults that do not depend on the card: another one would fail as well.

After every other fault the card is in the reader, or can be put back: it was removed or reset, is
held by another program, or the PC/SC service was restarted.
"""


def outcome_of(error: ChipsealError, *, begun: bool = False, resumable: bool = True) -> WriteError:
    """Return the outcome of an error for the card and its application.

    `begun` means that the card may be partly written, `resumable` that a partly written card of its
    kind can be finished.  A partly written card that cannot be finished is rejected, even if the
    reader is gone too.
    """
    if isinstance(error, TransportError):
        outcome = _outcome_of_transport(error, begun=begun)
    else:
        outcome = _by_type(error)
    is_unfinished = begun and not resumable
    if is_unfinished and isinstance(outcome, TryAgainError | StopReaderError):
        problem = f"{outcome.message}, and a card of this kind cannot be resumed"
        return RejectCardError(CardFault.CANNOT_FINISH, problem)
    return outcome


def _outcome_of_transport(error: TransportError, *, begun: bool) -> WriteError:
    if error.fault in _OF_THE_READER:
        comes_back = error.fault is not TransportFault.EXTENDED_LENGTH
        return StopReaderError(error.message, advice=error.advice, comes_back=comes_back)
    if error.fault is TransportFault.CARD_MUTE and not begun:
        return RejectCardError(CardFault.MUTE, error.message)
    return TryAgainError(error.message, advice=error.advice)


def _by_type(error: ChipsealError) -> WriteError:
    match error:
        case WriteError():
            return error
        case ChipRefusalError() if error.sw in _SELECTION_LOST:
            problem = f"{error.message}: another program uses the card"
            return TryAgainError(problem, advice=CLOSE_OTHERS)
        case ChipRefusalError():
            return RejectCardError(CardFault.REFUSES, error.message)
        case ProtocolError() | MalformedError():
            return RejectCardError(CardFault.BREAKS_PROTOCOL, error.message)
        case _:
            return RejectApplicationError(error.message, advice=error.advice)
