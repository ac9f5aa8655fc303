"""Which error becomes which outcome and exit status."""

import pytest

from emrtd.errors import ChipRefusalError, ProtocolError, TransportError, TransportFault
from emrtd.iso7816.secure_messaging import BareResponseError
from emrtd.status_words import SW
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    StopReaderError,
    TryAgainError,
    WriteError,
    outcome_of,
)
from support.errors import ChipsealError, MalformedError, MisuseError
from support.records import FieldError


@pytest.mark.parametrize(
    ("error", "outcome", "status"),
    [
        (ChipRefusalError(SW.EXECUTION_ERROR, "writing DG1"), RejectCardError, 65),
        (ChipRefusalError(SW.FILE_NOT_FOUND, "writing DG1"), TryAgainError, 69),
        (ChipRefusalError(SW.NO_CURRENT_EF, "writing DG1"), TryAgainError, 69),
        (ProtocolError("x"), RejectCardError, 65),
        (BareResponseError(0x6982), RejectCardError, 65),
        (MalformedError("answer to SELECT", "x"), RejectCardError, 65),
        (MisuseError("x"), RejectApplicationError, 64),
        (FieldError("application.json", "x", "y"), RejectApplicationError, 64),
        (TransportError("x"), TryAgainError, 69),
        (StopReaderError("x"), StopReaderError, 69),
        (RejectCardError(CardFault.NO_ROOM, "x"), RejectCardError, 65),
    ],
)
def test_an_error_is_decided_by_its_type(
    error: ChipsealError, outcome: type[WriteError], status: int
) -> None:
    found = outcome_of(error)
    assert type(found) is outcome
    assert found.exit_status == status
    assert found.message.startswith(error.message)


_OF_TRANSPORT = {
    TransportFault.NO_SERVICE: (StopReaderError, StopReaderError),
    TransportFault.SERVICE_GONE: (TryAgainError, TryAgainError),
    TransportFault.NO_READER: (StopReaderError, StopReaderError),
    TransportFault.READER_GONE: (StopReaderError, StopReaderError),
    TransportFault.NO_CARD: (TryAgainError, TryAgainError),
    TransportFault.CARD_REMOVED: (TryAgainError, TryAgainError),
    TransportFault.CARD_RESET: (TryAgainError, TryAgainError),
    TransportFault.CARD_HELD: (TryAgainError, TryAgainError),
    TransportFault.CARD_MUTE: (RejectCardError, TryAgainError),
    TransportFault.EXTENDED_LENGTH: (StopReaderError, StopReaderError),
    TransportFault.OTHER: (TryAgainError, TryAgainError),
}
"""The outcome of each transport fault for a blank card, and for a partly written one."""


@pytest.mark.parametrize("fault", TransportFault)
def test_a_transport_fault_is_decided_by_its_value(fault: TransportFault) -> None:
    error = TransportError("the words of the transport", fault, advice="do this")
    for begun in (False, True):
        found = outcome_of(error, begun=begun)
        assert type(found) is _OF_TRANSPORT[fault][begun]
        assert found.message == error.message
        if not isinstance(found, RejectCardError):
            assert found.advice == error.advice
    unfinished = outcome_of(error, begun=True, resumable=False)
    assert isinstance(unfinished, RejectCardError)
    assert unfinished.fault is CardFault.CANNOT_FINISH


def test_a_write_error_is_returned_unchanged() -> None:
    error = RejectCardError(CardFault.NO_ROOM, "no room", advice="take a larger one")
    assert outcome_of(error, begun=True, resumable=False) is error
    assert str(error) == "no room; take a larger one"


def test_a_card_that_cannot_be_resumed_is_tried_again_only_while_it_is_blank() -> None:
    left = TransportError("the card left")
    assert isinstance(outcome_of(left, begun=False, resumable=False), TryAgainError)
    begun = outcome_of(left, begun=True, resumable=False)
    assert isinstance(begun, RejectCardError)
    assert begun.fault is CardFault.CANNOT_FINISH


def test_each_outcome_has_its_own_kind() -> None:
    kinds = [each.kind for each in WriteError.__subclasses__()]
    assert sorted(kinds) == ["reject-application", "reject-card", "stop-reader", "try-again"]
