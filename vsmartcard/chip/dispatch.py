"""Process command APDUs: framing, secure messaging and chaining, around the table of commands.

    octets > command > GET RESPONSE? > secure messaging > chain complete? > table > response

`Chip.process` answers any octets with a status word; it never raises.
"""

import secrets
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from emrtd.errors import ChipRefusalError
from emrtd.globalplatform.scp03 import CLA
from emrtd.iso7816.apdu import (
    EXTENDED_MAX_DATA,
    INS,
    SHORT_MAX_LE,
    CommandAPDU,
    ResponseAPDU,
)
from emrtd.iso7816.chaining import CHAINING_BIT
from emrtd.iso7816.procedure import Random
from emrtd.iso7816.secure_messaging import SECURE_MESSAGING_BITS, SecureMessagingError
from emrtd.status_words import SW
from support.errors import ChipsealError, MalformedError
from vsmartcard.chip.answer_to_reset import answer_to_reset
from vsmartcard.chip.commands import INSTRUCTIONS, Instructions, carry_out
from vsmartcard.chip.globalplatform import station_channel
from vsmartcard.chip.jmrtd_applet.commands import JMRTD_INSTRUCTIONS
from vsmartcard.chip.session import Core, Session
from vsmartcard.chip.state import ChipState

Memory = Callable[[ChipState, ChipState], ChipState]
"""Returns what the memory holds after a write, from what it held and what was written."""

_LOGICAL_CHANNEL_BITS: Final = 0x03
_STATION_SECURE_MESSAGING, _OTHER_SECURE_MESSAGING = 0x04, 0x08


def instructions_of(state: ChipState) -> Instructions:
    """Return the table of commands of a chip's kind."""
    return JMRTD_INSTRUCTIONS if state.is_jmrtd_applet else INSTRUCTIONS


class Chip:
    """A virtual eMRTD chip.

    It has no clock: like a real chip, it learns the date only from the certificates that it
    receives.  `state` is immutable and is replaced only inside `process`; a caller that saves it
    does so before it passes on the response.  `instructions` is the table of commands, by default
    that of the chip's kind.  `memory` makes a chip whose memory does not keep what is written.
    """

    def __init__(
        self,
        state: ChipState | None = None,
        *,
        random: Random = secrets.token_bytes,
        instructions: Instructions | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._memory = memory
        self._core = Core(ChipState.blank(random=random) if state is None else state, random)
        self._instructions = instructions or instructions_of(self._core.state)
        self._chain: CommandAPDU | None = None  # the part of a chain received so far
        self._unsent = b""  # the rest of a response, for GET RESPONSE

    @property
    def state(self) -> ChipState:
        """The chip's persistent state."""
        return self._core.state

    @property
    def atr(self) -> bytes:
        """The answer to reset (2 to 33 octets)."""
        return answer_to_reset(self._core)

    def reset(self) -> None:
        """Reset the chip: it forgets its session, with its keys and the selected file."""
        self._core.session = Session()
        self._chain, self._unsent = None, b""

    def process(self, octets: bytes) -> bytes:
        """Answer one command APDU, whatever its octets, with a response APDU (2 octets or more)."""
        before = self._core.state
        try:
            response = self._answer(octets)
        except Exception:  # noqa: BLE001 - a card answers an internal error with 6F00
            self.reset()
            response = ResponseAPDU(sw=SW.NO_PRECISE_DIAGNOSIS)
        if self._memory is not None and self._core.state is not before:
            self._core.state = self._memory(before, self._core.state)
        return response.encode()

    def _answer(self, octets: bytes) -> ResponseAPDU:
        try:
            command = CommandAPDU.decode(octets)
            domain = self._core.state.requires_station
            self._check_frame(command, len(octets), with_station=domain is not None)
        except MalformedError:
            self._end_secure_messaging()
            return ResponseAPDU(sw=SW.WRONG_LENGTH)
        except ChipRefusalError as refusal:
            if not octets[0] & SECURE_MESSAGING_BITS:
                self._end_secure_messaging()
            return ResponseAPDU(sw=refusal.sw)
        if command.ins == INS.GET_RESPONSE and self._unsent:
            return self._send(self._unsent, SW.OK, command)
        self._unsent = b""
        if self._core.session.secure_messaging is not None:
            response = self._answer_protected(command)
        elif domain is not None and not command.cla & _OTHER_SECURE_MESSAGING:
            response = station_channel.answer(self._core, command, domain, self._carry_out)
        elif command.cla & SECURE_MESSAGING_BITS:
            response = ResponseAPDU(sw=SW.SM_DATA_OBJECT_INCORRECT)  # there are no session keys
        else:
            response = self._carry_out(command)
            self._core.session = self._core.session.responded()
        return self._send(response.data, response.sw, command)

    def _check_frame(self, command: CommandAPDU, size: int, *, with_station: bool) -> None:
        cla = command.cla
        if with_station:
            cla &= ~(CLA | _STATION_SECURE_MESSAGING)
        elif self._core.state.is_jmrtd_applet:
            cla &= ~CLA
        if cla & 0xE0:
            raise ChipRefusalError(SW.CLASS_NOT_SUPPORTED, "CLA")
        if cla & _LOGICAL_CHANNEL_BITS:
            raise ChipRefusalError(SW.LOGICAL_CHANNEL_NOT_SUPPORTED, "CLA")
        if cla & SECURE_MESSAGING_BITS not in {0, SECURE_MESSAGING_BITS}:
            raise ChipRefusalError(SW.SECURE_MESSAGING_NOT_SUPPORTED, "CLA")
        too_long = size > self._core.limits.max_command
        if too_long or (command.extended and not self._core.limits.extended_length):
            raise ChipRefusalError(SW.WRONG_LENGTH, "Lc")

    # --- secure messaging --------------------------------------------------------------------

    def _answer_protected(self, protected: CommandAPDU) -> ResponseAPDU:
        """Answer inside a session; an error of secure messaging ends it, in plain (9.8.5)."""
        secure_messaging = self._core.session.secure_messaging
        if secure_messaging is None:
            raise AssertionError("only called inside a session")
        try:
            command = secure_messaging.unprotect_command(protected)
        except SecureMessagingError as error:
            self.reset()
            reading = protected.ins in {INS.SELECT, INS.READ_BINARY, INS.READ_BINARY_ODD}
            if reading and not protected.cla & SECURE_MESSAGING_BITS:  # 4.3.2
                return ResponseAPDU(sw=SW.SECURITY_STATUS_NOT_SATISFIED)
            return ResponseAPDU(sw=error.sw)
        response = secure_messaging.protect_response(self._carry_out(command))
        self._core.session = self._core.session.responded()
        return response

    def _end_secure_messaging(self) -> None:
        """End the session, with its access rights: a plain command in a session does so (9.8.3)."""
        if self._core.session.secure_messaging is not None:
            self.reset()

    # --- chaining ----------------------------------------------------------------------------

    def _carry_out(self, command: CommandAPDU) -> ResponseAPDU:
        """Carry out a plain command, or keep it until its chain is complete."""
        try:
            whole = self._chained(command)
            return (
                ResponseAPDU()
                if whole is None
                else carry_out(self._instructions, self._core, whole)
            )
        except ChipRefusalError as refusal:
            return ResponseAPDU(sw=refusal.sw)
        except ChipsealError:  # the data field is malformed
            return ResponseAPDU(sw=SW.INCORRECT_DATA)

    def _chained(self, command: CommandAPDU) -> CommandAPDU | None:
        """Return the command with the data of its whole chain; None while the chain continues.

        For GENERAL AUTHENTICATE the chaining bit links the steps of a protocol (Doc 9303-11,
        4.4.4.3), so each of its commands is complete.
        """
        chain, self._chain = self._chain, None
        plain = command
        if command.cla & CHAINING_BIT:
            plain = replace(command, cla=command.cla & ~CHAINING_BIT)
        if chain is not None:
            if chain.header != plain.header:
                raise ChipRefusalError(SW.LAST_COMMAND_EXPECTED, "command chaining")
            data = chain.data + plain.data
            if len(data) > EXTENDED_MAX_DATA:
                raise ChipRefusalError(SW.WRONG_LENGTH, "command chaining")
            plain = replace(plain, data=data)
        if command.cla & CHAINING_BIT and command.ins != INS.GENERAL_AUTHENTICATE:
            self._chain = plain
            return None
        return plain

    def _send(self, data: bytes, sw: int, command: CommandAPDU) -> ResponseAPDU:
        """Return as much as the buffer and Ne allow; keep the rest for GET RESPONSE."""
        room = self._core.limits.max_response - 2 if command.extended else SHORT_MAX_LE
        if command.ins == INS.GET_RESPONSE and command.ne is not None:
            room = min(room, command.ne)
        now, self._unsent = data[:room], data[room:]
        if self._unsent:
            sw = 0x6100 | min(len(self._unsent), 0xFF)
        return ResponseAPDU(now, sw)
