"""Errors between a terminal and a chip: refusals, protocol errors, transport errors.

Errors about arguments and malformed octets are in `support.errors`.
"""

from enum import Enum, unique
from typing import ClassVar

from emrtd.status_words import meaning
from support.errors import ChipsealError, ExitStatus
from support.reasons import Reason


class ChipRefusalError(ChipsealError):
    """The chip refused a command with a status word.

    The terminal's side of a protocol raises it when it receives the status word, the chip's side
    when it has to answer with it.  `sw` is the status word (two octets), `doing` the operation.
    """

    kind = "chip-refusal"

    def __init__(self, sw: int, doing: str, *, advice: str = "") -> None:
        self.sw = sw
        self.doing = doing
        super().__init__(
            Reason(
                "{doing}: the chip answered {sw} ({meaning})",
                doing=doing,
                sw=f"{sw:04X}",
                meaning=meaning(sw),
            ),
            advice=advice,
        )


class LongCommandRefusedError(ChipRefusalError):
    """The chip refused a command of extended length, whatever its status word."""


class ProtocolError(ChipsealError):
    """The other side broke a protocol or failed to prove what it claims; do not use its data.

    Examples: a wrong MAC or token, a bare answer inside secure messaging, a point off the curve.
    """

    kind = "protocol"


@unique
class TransportFault(Enum):
    """The kind of a transport error; the value is the `kind` that scripts read."""

    NO_SERVICE = "no-service"
    """No PC/SC service answers."""
    SERVICE_GONE = "service-gone"
    """The PC/SC service stopped or was restarted; all of its connections are lost."""
    NO_READER = "no-reader"
    """No reader has that name, or more than one has."""
    READER_GONE = "reader-gone"
    """The reader was unplugged."""
    NO_CARD = "no-card"
    """There is no card in the reader."""
    CARD_REMOVED = "card-removed"
    """The card was removed, or another one is in its place."""
    CARD_RESET = "card-reset"
    """Another program reset the card; selections and sessions are lost."""
    CARD_HELD = "card-held"
    """Another program has exclusive access to the card."""
    CARD_MUTE = "card-mute"
    """The card is in the reader and does not answer."""
    EXTENDED_LENGTH = "extended-length"
    """A command of extended length had no answer: reader or card does not support it."""
    OTHER = "transport"


class TransportError(ChipsealError):
    """No reader, no card, no pcscd, or the card was removed during a command.

    `fault` is the kind of error, `reader` the name of the reader if one is known.  A connection
    that raised it sends nothing more: connect again.
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
