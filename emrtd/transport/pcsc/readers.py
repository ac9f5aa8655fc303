"""Which PC/SC readers there are, and which of them a name means."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.pcsc.faults import fault_of, transport_error
from emrtd.transport.pcsc.library import Context, PcscError


def names() -> list[str]:
    """Names of the PC/SC readers; raises `TransportError` where no daemon answers."""
    with open_context() as context:
        return context.readers()


def occupancy() -> dict[str, bool]:
    """Names of the PC/SC readers, each with whether a card is in it; `TransportError` as above."""
    with open_context() as context:
        states = context.states(context.readers())
    return {name: state.card is not None for name, state in states.items()}


@contextmanager
def open_context() -> Iterator[Context]:
    """A context of one's own; its errors, and that of a daemon that does not run, are ours."""
    try:
        with Context() as context:
            yield context
    except PcscError as error:
        fault = fault_of(error.code)
        if fault is TransportFault.SERVICE_GONE:
            fault = TransportFault.NO_SERVICE
        raise transport_error(fault, code=error.code) from error


def matching(name: str, readers: Sequence[str]) -> list[str]:
    """The readers that a name can mean: the one that has it, or those that contain it."""
    return [reader for reader in readers if reader == name] or [
        reader for reader in readers if name in reader
    ]


def select(name: str, readers: Sequence[str]) -> str:
    """The one reader that a name means, empty: the only one; `TransportFault.NO_READER` if none."""
    found = matching(name, readers)
    if len(found) == 1:
        return found[0]
    if found:
        what = f"more than one reader has {name!r} in its name" if name else "no reader is named"
    else:
        what = f"there is no reader {name!r}" if name else "there is no reader"
    if listed := "; ".join(found or readers):
        advice = f"name one of: {listed}"
    else:
        advice = "PC/SC has none at all: plug one in, or `vsmartcard readers up` for virtual ones"
    raise TransportError(what, TransportFault.NO_READER, advice=advice)
