"""How the chip's side of a protocol refuses malformed or wrong data."""

from collections.abc import Iterator
from contextlib import contextmanager

from emrtd.errors import ChipRefusalError, ProtocolError
from support.errors import MalformedError, MisuseError


@contextmanager
def refusing(sw: int, doing: str) -> Iterator[None]:
    """Raise `ChipRefusalError` with `sw` in place of an error about malformed or wrong data."""
    try:
        yield
    except (MalformedError, MisuseError, ProtocolError):
        raise ChipRefusalError(sw, doing) from None
