"""A virtual chip in this very process: the reader `virtual:FILE`, without a daemon."""

from pathlib import Path
from typing import Self

from emrtd.errors import TransportError
from support.errors import MisuseError
from vsmartcard.card.stored_chip import StoredChip


class InProcessConnection:
    """A connection to the virtual chip of one state file; satisfies `emrtd`'s `Connection`."""

    def __init__(self, address: str) -> None:
        if not address:
            raise MisuseError("virtual: names no file; write virtual:FILE")
        self.reader = f"virtual:{address}"
        self._chip: StoredChip | None = StoredChip(Path(address))
        self.atr = self._chip.atr

    def transmit(self, command: bytes) -> bytes:
        """Send a command; `TransportError` once closed, or where the state cannot be saved."""
        try:
            return self._inserted.process(command)
        except OSError as error:
            self.close()
            raise TransportError(
                f"{self.reader}: the chip's state cannot be saved ({error.strerror}); the card is "
                "as it was before the last command"
            ) from error

    def reset(self) -> None:
        """Power the chip up anew; `TransportError` once closed."""
        self._inserted.reset()

    @property
    def _inserted(self) -> StoredChip:
        if self._chip is None:
            raise TransportError(f"{self.reader}: the connection is closed; connect again")
        return self._chip

    def close(self) -> None:
        """Take the chip out of its reader; it forgets its session."""
        if self._chip is not None:
            self._chip.close()
            self._chip = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def connect(address: str) -> InProcessConnection:
    """Connect to the chip of a state file: a blank one where there is no such file."""
    return InProcessConnection(address)
