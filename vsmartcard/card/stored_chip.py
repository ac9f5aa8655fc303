"""A chip whose state is saved before each response."""

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path

from emrtd.iso7816.procedure import Random
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.commands import Instructions
from vsmartcard.chip.dispatch import Chip, Memory, instructions_of
from vsmartcard.chip.security_domain import TransportKeys
from vsmartcard.chip.state import ChipState, Hardware


class StoredChip:
    """The chip of a state file; a blank one if the file does not exist.

    The blank has this hardware and these transport keys; without them anyone can personalise it.
    `state`, if given, is the chip instead of a blank one; `change` returns the table of commands,
    from that of the chip's kind.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        hardware: Hardware | None = None,
        transport: TransportKeys | None = None,
        state: ChipState | None = None,
        random: Random = secrets.token_bytes,
        change: Callable[[Instructions], Instructions] = lambda instructions: instructions,
        memory: Memory | None = None,
    ) -> None:
        self._file = None if path is None else StateFile(path)
        stored = None if self._file is None else self._file.state
        state = stored or state
        if state is None:
            state = ChipState.blank(hardware, random=random, transport=transport)
        instructions = change(instructions_of(state))
        self._make = partial(Chip, random=random, instructions=instructions, memory=memory)
        self._chip = self._make(state)

    @property
    def state(self) -> ChipState:
        """The chip's persistent state."""
        return self._chip.state

    @property
    def atr(self) -> bytes:
        """The answer to reset (2 to 33 octets)."""
        return self._chip.atr

    def reset(self) -> None:
        """Reset the chip: it forgets its session."""
        self._chip.reset()

    def process(self, octets: bytes) -> bytes:
        """Carry out a command, save the state if it changed, and return the response.

        If the state cannot be saved, raises `OSError` or `TransportError`; the chip is then reset,
        with the state from before the command.
        """
        before = self._chip.state
        response = self._chip.process(octets)
        if self._file is not None and self._chip.state is not before:
            try:
                self._file.save(self._chip.state)
            except BaseException:
                self._chip = self._make(before)
                raise
        return response

    def close(self) -> None:
        """Power the chip off and release the file."""
        self._chip.reset()
        if self._file is not None:
            self._file.close()
