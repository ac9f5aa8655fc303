"""What becomes of a card and its application when the document could not be written.

Whatever goes wrong while a card is written ends as one of four types, so that a station decides by
type what to do next:

    RejectCardError         this card cannot take the document; the application may have another
    RejectApplicationError  the image or the application is at fault, and would be with any card
    StopReaderError         no card in this reader would fare better
    TryAgainError           the same image to the same card: it is finished

`outcome_of` says which errors become which.
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
    """It is no blank of the kind that the image is for."""
    TERMINATED = "terminated"
    OTHER_DOCUMENT = "other-document"
    """Another document is on it, or was begun on it."""
    NO_ROOM = "no-room"
    CANNOT_FINISH = "cannot-finish"
    """It was begun, and this kind of card cannot be resumed, or files are where none may be."""
    DOES_NOT_KEEP = "does-not-keep"
    """What was written does not read back."""
    DOES_NOT_LOCK = "does-not-lock"
    """It says that it is locked, and shows files without a password."""
    REFUSES = "refuses"
    """It refused a command that a card of this kind takes."""
    BREAKS_PROTOCOL = "breaks-protocol"
    """Its answers are not what the protocol has."""
    MUTE = "mute"
    """It does not answer at all."""


class WriteError(ChipsealError):
    """The document could not be written to the card; always one of the four below."""


class RejectCardError(WriteError):
    """This card cannot take the document; `fault` says why."""

    kind = "reject-card"
    exit_status: ClassVar[ExitStatus] = ExitStatus.UNFIT_CARD

    def __init__(self, fault: CardFault, message: str, *, advice: str = TAKE_ANOTHER_CARD) -> None:
        self.fault = fault
        super().__init__(message, advice=advice)


class RejectApplicationError(WriteError):
    """The image cannot be written to any card: it is damaged, or asks for what the kind lacks."""

    kind = "reject-application"


class StopReaderError(WriteError):
    """The reader cannot go on, whatever card is in it."""

    kind = "stop-reader"
    exit_status: ClassVar[ExitStatus] = ExitStatus.NO_CARD


class TryAgainError(WriteError):
    """The same image, written to the same card again, is finished; the card is as it was left."""

    kind = "try-again"
    exit_status: ClassVar[ExitStatus] = ExitStatus.NO_CARD


def another_document(name: str) -> RejectCardError:
    """Make the error for a card that holds the beginnings of something else, by the file `name`."""
    return RejectCardError(
        CardFault.OTHER_DOCUMENT,
        f"the card holds the beginnings of another document ({name} differs)",
        advice="finish that one with its own image, or take a blank card",
    )


_SELECTION_LOST: Final = frozenset({SW.FILE_NOT_FOUND, SW.NO_CURRENT_EF})
"""What a card answers for a file that this run has created or found: another program selected."""

_READER_LOST: Final = frozenset(
    {TransportFault.NO_SERVICE, TransportFault.NO_READER, TransportFault.READER_GONE}
)
"""Faults of the wire that no card changes.

After all others the card is, or will be, in the reader again: it left, was reset, is held by
another program, or the PC/SC service was restarted.
"""


def outcome_of(error: ChipsealError, *, begun: bool = False, resumable: bool = True) -> WriteError:
    """Decide what an error means for the card and its application.

    `begun` says that something may be on the card already, and `resumable` that a card of its kind
    can then be finished.  A reader that is gone takes a card with it that cannot be finished: it is
    rejected first.
    """
    if isinstance(error, TransportError):
        outcome = _outcome_of_wire(error, begun=begun)
    else:
        outcome = _by_type(error)
    is_unfinished = begun and not resumable
    if is_unfinished and isinstance(outcome, TryAgainError | StopReaderError):
        problem = f"{outcome.message}, and a card of this kind cannot be resumed"
        return RejectCardError(CardFault.CANNOT_FINISH, problem)
    return outcome


def _outcome_of_wire(error: TransportError, *, begun: bool) -> WriteError:
    if error.fault in _READER_LOST:
        return StopReaderError(error.message, advice=error.advice)
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
