"""What goes wrong between a terminal and a chip: a refusal, a broken protocol, a broken wire.

What is wrong with an argument or with octets is in `support.errors`.
"""

from enum import Enum, unique
from typing import ClassVar

from emrtd.status_words import meaning
from support.errors import ChipsealError, ExitStatus


class ChipRefusalError(ChipsealError):
    """The chip answered with a status word that ends what was being done.

    Raised by the terminal side of a protocol when it receives such an answer, and by the chip
    side when it gives it.  `sw` is the status word (two octets), `doing` says what was asked.
    """

    kind = "chip-refusal"

    def __init__(self, sw: int, doing: str) -> None:
        self.sw = sw
        self.doing = doing
        super().__init__(f"{doing}: the chip answered {sw:04X} ({meaning(sw)})")


class ProtocolError(ChipsealError):
    """The other side broke a protocol or failed to prove what it claims; nothing it said counts.

    A wrong MAC or token, a bare answer inside secure messaging, a point off the curve.
    """

    kind = "protocol"


@unique
class TransportFault(Enum):
    """What went wrong on the wire; the value is the `kind` that scripts read."""

    NO_SERVICE = "no-service"
    """No PC/SC service answers."""
    SERVICE_GONE = "service-gone"
    """The PC/SC service stopped or was restarted; every connection of its is dead."""
    NO_READER = "no-reader"
    """No reader has that name, or more than one has."""
    READER_GONE = "reader-gone"
    """The reader was unplugged."""
    NO_CARD = "no-card"
    """There is no card in the reader."""
    CARD_REMOVED = "card-removed"
    """The card was taken out, or another one is in its place."""
    CARD_RESET = "card-reset"
    """Another program reset the card: what was selected or opened is lost."""
    CARD_HELD = "card-held"
    """Another program holds the card."""
    CARD_MUTE = "card-mute"
    """The card is in the reader and does not answer."""
    OTHER = "transport"


class TransportError(ChipsealError):
    """No reader, no card, no pcscd, or the card left in the middle of a command.

    `fault` says which of these, `reader` is the reader's name where one is known.  Nothing more is
    sent on a connection that raised it: connect again.
    """

    exit_status: ClassVar[ExitStatus] = ExitStatus.NO_CARD

    def __init__(
        self,
        message: str,
        fault: TransportFault = TransportFault.OTHER,
        *,
        reader: str = "",
        advice: str = "",
    ) -> None:
        self.fault = fault
        self.reader = reader
        self.kind = fault.value
        super().__init__(message, advice=advice)
