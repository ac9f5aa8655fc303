"""How the chip's side of a protocol answers what it cannot read or does not accept."""

from collections.abc import Iterator
from contextlib import contextmanager

from emrtd.errors import ChipRefusalError, ProtocolError
from support.errors import MalformedError, MisuseError


@contextmanager
def refusing(sw: int, doing: str) -> Iterator[None]:
    """Answer with status word `sw` whatever proves malformed or wrong inside."""
    try:
        yield
    except (MalformedError, MisuseError, ProtocolError):
        raise ChipRefusalError(sw, doing) from None
