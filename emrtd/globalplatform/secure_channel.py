"""The secure messaging of SCP03, both sides (Amendment D, 6.2.4 to 6.2.7).

    command   [data, encrypted] C-MAC        response   [data, encrypted] R-MAC

A C-MAC covers the chaining value (the whole C-MAC of the command before), the header and the data,
an R-MAC the chaining value, the data and the status word.  The MAC is verified before anything is
decrypted.  SCP03 does not protect: Le and the logical channel of a command; the responses of a
session without R-MAC; a status word other than 9000, 62XX and 63XX, which comes without data.
"""

import hmac
from typing import Final

from emrtd.crypto.ciphers import pad, unpad
from emrtd.errors import ProtocolError
from emrtd.globalplatform.derivation import SessionKeys
from emrtd.globalplatform.keys import cipher_of
from emrtd.globalplatform.parameters import Mode, SecurityLevel
from emrtd.iso7816.apdu import EXTENDED_MAX_DATA, SHORT_MAX_DATA, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import Procedure, T, through
from emrtd.status_words import SW
from support.errors import MalformedError, MisuseError

_BLOCK: Final = 16
_COUNTER_OF_RESPONSE: Final = 0x80 << 8 * (_BLOCK - 1)
"""The first octet, 80, of the counter block of a response (6.2.7)."""

_FURTHER_CLASS: Final = 0x40
"""Bit 7 of CLA: logical channels 4 to 19, whose secure messaging bit is another (GPCS, 11.1.4)."""

_ANY_SECURE_MESSAGING: Final = _FURTHER_CLASS | 0x2C
"""A class without these bits is plain."""

_PLAIN, _PROTECTED = 0x00, 0x04
_OK: Final = ResponseAPDU()


class SecureChannelError(ProtocolError):
    """The secure messaging of SCP03 failed, and the session is over.

    `reason` says what was wrong.  On the card's side, `sw` is the status word to answer, in plain.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.sw = SW.SECURITY_STATUS_NOT_SATISFIED
        super().__init__(f"SCP03: {reason}", advice="authenticate again before any other command")


class SecureChannel:
    """One session: its keys, its chaining value (16 octets), and its encryption counter.

    A terminal calls `protect_command` and `unprotect_response` in turn, a card `unprotect_command`
    and `protect_response`.  After a `SecureChannelError` each of them raises another one.

    `counts_empty_commands` is false for cards whose encryption counter, against 6.2.6, does not
    move for a command without data.
    """

    def __init__(
        self,
        keys: SessionKeys,
        mode: Mode,
        level: SecurityLevel,
        chaining_value: bytes,
        *,
        counts_empty_commands: bool = True,
    ) -> None:
        self.mode = mode
        self.level = level
        self._keys = keys
        self._cipher = cipher_of(keys.enc)
        self._chaining_value = chaining_value
        self._counts_empty_commands = counts_empty_commands
        self._counter = 0
        self._over = False
        self._encrypts_commands = level.encrypts_commands  # the level is slow to ask
        self._authenticates_responses = level.authenticates_responses
        self._encrypts_responses = level.encrypts_responses
        self._most_data = self.command_capacity(EXTENDED_MAX_DATA)

    def command_capacity(self, max_data: int = SHORT_MAX_DATA) -> int:
        """Return how much data a command carries if its protected data has `max_data` octets."""
        return _capacity(max_data - self.mode, encrypted=self._encrypts_commands)

    def response_capacity(self, max_data: int) -> int:
        """Return how much data a response carries if its protected data has `max_data` octets."""
        if not self._authenticates_responses:
            return max_data
        return _capacity(max_data - self.mode, encrypted=self._encrypts_responses)

    # --- the terminal's side -----------------------------------------------------------------

    def protect_command(self, command: CommandAPDU, least_ne: int | None = None) -> CommandAPDU:
        """Encrypt and authenticate a command; Le stays as it is (6.2.4, 6.2.6).

        `least_ne` is the Ne of a command that has none: a response with an R-MAC has data.
        A command whose protected data exceeds 255 octets becomes one of extended length.  Raises
        `MisuseError`, before anything changes, for more data than `command_capacity` allows.
        """
        if self._over:
            raise SecureChannelError("the session is over, after an earlier error")
        cla, data = command.cla, command.data
        if cla & _ANY_SECURE_MESSAGING and _secure_messaging(cla) != _PLAIN:
            raise MisuseError(f"class {cla:02X} is not one of a plain command")
        if len(data) > self._most_data:
            raise MisuseError(
                f"a command under SCP03 carries at most {self._most_data} octets of data"
            )
        if data:
            self._counter += 1
            if self._encrypts_commands:
                data = self._cipher.encrypt_cbc(self._keys.enc, self._icv(), pad(data, _BLOCK))
        elif self._counts_empty_commands:
            self._counter += 1
        head, extended = mac_head(command, len(data), self.mode)
        mac = self._chaining_value = self._cipher.cmac(
            self._keys.mac, self._chaining_value, head, data
        )
        return CommandAPDU(
            cla | (0x20 if cla & _FURTHER_CLASS else 0x04),
            command.ins,
            command.p1,
            command.p2,
            data + mac[: self.mode],
            command.ne or least_ne,
            extended,
        )

    def unprotect_response(self, response: ResponseAPDU) -> ResponseAPDU:
        """Verify and decrypt the response to the last command.

        A status word other than 9000, 62XX and 63XX comes without R-MAC (6.2.5).  It is returned,
        but it is not authenticated.  Raises `SecureChannelError` unless the card's side of this
        session made exactly this response.
        """
        if self._over:
            raise SecureChannelError("the session is over, after an earlier error")
        if not self._authenticates_responses:
            return response
        sw, data = response.sw, response.data
        if sw != SW.OK and not _has_r_mac(sw):
            if data:
                raise self._failure(f"the card sends data with the status word {sw:04X}")
            return response
        data, mac = data[: -self.mode], data[-self.mode :]
        if not hmac.compare_digest(mac, self._r_mac(data, sw)):
            raise self._failure("the R-MAC of the response is missing or wrong")
        if not data:
            return _OK if sw == SW.OK else ResponseAPDU(sw=sw)
        if self._encrypts_responses:
            data = self._decrypt(data, of_response=True)
        return ResponseAPDU(data, sw)

    # --- the card's side ---------------------------------------------------------------------

    def unprotect_command(self, command: CommandAPDU) -> CommandAPDU:
        """Verify and decrypt a command; the `sw` of a `SecureChannelError` is the card's answer."""
        if self._over:
            raise SecureChannelError("the session is over, after an earlier error")
        if not is_protected(command.cla):
            raise self._failure("the command is plain")
        data, mac = command.data[: -self.mode], command.data[-self.mode :]
        if data or self._counts_empty_commands:
            self._counter += 1
        head, extended = mac_head(command, len(data), self.mode)
        expected = self._cipher.cmac(self._keys.mac, self._chaining_value, head, data)
        if not hmac.compare_digest(mac, expected[: self.mode]):
            raise self._failure("the C-MAC of the command is missing or wrong")
        self._chaining_value = expected
        if data and self._encrypts_commands:
            data = self._decrypt(data, of_response=False)
        cla = command.cla & ~(0x20 if command.cla & _FURTHER_CLASS else 0x04)
        return CommandAPDU(
            cla, command.ins, command.p1, command.p2, data, command.ne, extended or command.extended
        )

    def protect_response(self, response: ResponseAPDU) -> ResponseAPDU:
        """Protect the response to the last command (6.2.5, 6.2.7).

        If the status word is an error, only the status word remains.
        """
        if self._over:
            raise SecureChannelError("the session is over, after an earlier error")
        if not self._authenticates_responses:
            return response
        data = response.data
        if response.sw != SW.OK and not _has_r_mac(response.sw):
            return ResponseAPDU(sw=response.sw) if data else response
        if data and self._encrypts_responses:
            icv = self._icv(_COUNTER_OF_RESPONSE)
            data = self._cipher.encrypt_cbc(self._keys.enc, icv, pad(data, _BLOCK))
        return ResponseAPDU(data + self._r_mac(data, response.sw), response.sw)

    # --- both sides --------------------------------------------------------------------------

    def _failure(self, reason: str) -> SecureChannelError:
        self._over = True
        return SecureChannelError(reason)

    def _icv(self, first: int = 0) -> bytes:
        block = (first + self._counter).to_bytes(_BLOCK, "big")
        return self._cipher.encrypt_block(self._keys.enc, block)

    def _r_mac(self, data: bytes, sw: int) -> bytes:
        octets = sw.to_bytes(2, "big")
        return self._cipher.cmac(self._keys.rmac, self._chaining_value, data, octets)[: self.mode]

    def _decrypt(self, data: bytes, *, of_response: bool) -> bytes:
        if len(data) % _BLOCK:
            raise self._failure("the encrypted data is not a number of whole blocks")
        icv = self._icv(_COUNTER_OF_RESPONSE if of_response else 0)
        try:
            return unpad(self._cipher.decrypt_cbc(self._keys.enc, icv, data), _BLOCK)
        except MalformedError:
            raise self._failure("the padding of the decrypted data is wrong") from None


def secured(procedure: Procedure[T], channel: SecureChannel) -> Procedure[T]:
    """Run a procedure inside a session: its commands are protected, its responses verified."""

    def layer(command: CommandAPDU) -> Procedure[ResponseAPDU]:
        response = yield channel.protect_command(command)
        return channel.unprotect_response(response)

    return through(procedure, layer)


def is_protected(cla: int) -> bool:
    """Whether the class announces the secure messaging of GlobalPlatform (GPCS, 11.1.4)."""
    return _secure_messaging(cla) == _PROTECTED


def mac_head(command: CommandAPDU, data_size: int, mac_size: int) -> tuple[bytes, bool]:
    """Return what the C-MAC covers before the data, and whether Lc is extended (6.2.4).

    After the chaining value, that is CLA with the secure messaging bit of GlobalPlatform and
    logical channel 0, INS, P1, P2, and Lc with the MAC in it.  The data, which is encrypted
    already, has `data_size` octets.
    """
    size = data_size + mac_size
    cla = command.cla & 0x90 | 0x04
    if size > SHORT_MAX_DATA or command.is_extended:
        header = (cla, command.ins, command.p1, command.p2, 0, size >> 8, size & 0xFF)
        return bytes(header), True
    return bytes((cla, command.ins, command.p1, command.p2, size)), False


def _secure_messaging(cla: int) -> int:
    """Return what the class says of secure messaging, in bits 4 and 3 (tables 11-11 and 11-12).

    A class with bit 6 set and bit 7 clear is reserved; it counts as neither plain nor protected.
    """
    if cla & _FURTHER_CLASS:
        return _PROTECTED if cla & 0x20 else _PLAIN
    return cla & 0x2C


def _has_r_mac(sw: int) -> bool:
    return sw == SW.OK or sw >> 8 in {0x62, 0x63}


def _capacity(size: int, *, encrypted: bool) -> int:
    return size // _BLOCK * _BLOCK - 1 if encrypted else size  # padding takes an octet at least
