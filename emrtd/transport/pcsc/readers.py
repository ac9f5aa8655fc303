"""The PC/SC readers, and which of them a name means."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.pcsc.faults import fault_of, transport_error
from emrtd.transport.pcsc.library import Context, PcscError


def names() -> list[str]:
    """Return the names of the PC/SC readers; raise `TransportError` if no daemon answers."""
    with open_context() as context:
        return context.readers()


def occupancy() -> dict[str, bool]:
    """Return, for each PC/SC reader, whether it holds a card; raises as `names` does."""
    with open_context() as context:
        states = context.states(context.readers())
    return {name: state.card is not None for name, state in states.items()}


@contextmanager
def open_context() -> Iterator[Context]:
    """Open a context for a `with` block; every `PcscError` in it becomes a `TransportError`."""
    try:
        with Context() as context:
            yield context
    except PcscError as error:
        fault = fault_of(error.code)
        if fault is TransportFault.SERVICE_GONE:
            fault = TransportFault.NO_SERVICE
        raise transport_error(fault, code=error.code) from error


def matching(name: str, readers: Sequence[str]) -> list[str]:
    """Return the reader with exactly this name, or else those whose names contain it."""
    return [reader for reader in readers if reader == name] or [
        reader for reader in readers if name in reader
    ]


def select(name: str, readers: Sequence[str]) -> str:
    """Return the reader that a name means; raise `TransportError` (NO_READER) unless it is one.

    An empty name means the only reader.
    """
    found = matching(name, readers)
    if len(found) == 1:
        return found[0]
    if found:
        what = (
            f"{name!r} is part of the names of several readers"
            if name
            else "there are several readers"
        )
    else:
        what = f"there is no reader {name!r}" if name else "there is no reader"
    if listed := "; ".join(found or readers):
        advice = f"choose one with --reader: {listed}"
    else:
        advice = "plug one in, or start virtual ones with `vsmartcard readers up`"
    raise TransportError(what, TransportFault.NO_READER, advice=advice)
