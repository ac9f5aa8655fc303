"""Convert the errors of an inspection to the faults that evidence stores."""

from typing import Final

from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.secure_messaging import BareResponseError, SecureMessagingError
from support.errors import ChipsealError, MalformedError
from support.reasons import joined
from verify.judging.faults import (
    BareAnswer,
    Exhausted,
    Fault,
    Malformed,
    NotTried,
    Refused,
    SessionBroken,
    Unsuitable,
    Violated,
    describe,
)

FAULTS_OF_CHIPS: Final = (ChipRefusalError, MalformedError, ProtocolError)
"""The errors that a chip can cause; `TransportError` comes from the reader or a removed card."""


class StoppedError(ProtocolError):
    """The inspection goes no further with this chip; `fault` says why."""

    def __init__(self, fault: NotTried | Exhausted) -> None:
        self.fault = fault
        super().__init__(describe(fault))


def fault_of(error: ChipsealError) -> Fault:
    """Return the fault that holds the fields of an error."""
    fault: Fault
    match error:
        case StoppedError():
            fault = error.fault
        case ChipRefusalError():
            fault = Refused(error.sw, error.doing)
        case BareResponseError():
            fault = BareAnswer(error.sw)
        case SecureMessagingError():
            fault = SessionBroken(error.reason)
        case MalformedError():
            fault = Malformed(error.what, error.reason, error.offset)
        case ProtocolError():
            fault = Violated(error.said)
        case _:
            fault = Unsuitable(joined("; ", filter(None, (error.said, error.advice))))
    return fault
