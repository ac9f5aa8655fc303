"""What goes wrong between a terminal and a chip: a refusal, a broken protocol, a broken wire.

What is wrong with an argument or with octets is in `support.errors`.
"""

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


class TransportError(ChipsealError):
    """No reader, no card, no pcscd, or the card left in the middle of a command."""

    kind = "transport"
    exit_status: ClassVar[ExitStatus] = ExitStatus.NO_CARD
