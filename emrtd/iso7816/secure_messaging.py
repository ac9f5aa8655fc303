"""Secure messaging, both sides (Doc 9303-11, 9.8; TR-03110-3, F).

Data is padded and encrypted, then authenticated with the send sequence counter (SSC) before it:

    command   [DO 85 | DO 87] [DO 97] DO 8E        response   [DO 85 | DO 87] DO 99 DO 8E

DO 87 contains the cryptogram if INS is even, DO 85 if it is odd.  The MAC is verified before
anything is decrypted or used.  After any error the session is over, with one exception that
`BareResponseError` describes.
"""

import hmac
from functools import cached_property
from typing import TYPE_CHECKING, Final

from emrtd import tlv
from emrtd.crypto.ciphers import MAC_SIZE, Cipher, pad, unpad
from emrtd.errors import ProtocolError
from emrtd.iso7816.apdu import (
    EXTENDED_MAX_LE,
    SHORT_MAX_DATA,
    SHORT_MAX_LE,
    CommandAPDU,
    ResponseAPDU,
)
from emrtd.iso7816.procedure import Procedure, T, through
from emrtd.status_words import SW, meaning
from support.errors import MalformedError
from support.reasons import Reason
from support.secret import Secret

if TYPE_CHECKING:
    from emrtd.crypto.session_ciphers import SessionCipher

SECURE_MESSAGING_BITS: Final = 0x0C
"""Bits 4 and 3 of CLA: secure messaging, with the command header authenticated."""

_CRYPTOGRAM_ODD_INS, _CRYPTOGRAM, _LE, _STATUS, _MAC = 0x85, 0x87, 0x97, 0x99, 0x8E
_PADDING_INDICATOR: Final = b"\x01"


class SecureMessagingError(ProtocolError):
    """Secure messaging failed, and the session is over.

    `reason` says what was wrong.  On the chip's side, `sw` is the status word to answer, in plain.
    """

    def __init__(self, reason: str, sw: int = SW.SM_DATA_OBJECT_INCORRECT) -> None:
        self.reason = reason
        self.sw = sw
        super().__init__(Reason("secure messaging: {reason}", reason=reason))


class BareResponseError(SecureMessagingError):
    """The chip answered outside secure messaging, with the status word `sw`, unauthenticated.

    Usually the chip has ended the session.  Some chips refuse a command of extended length (6700,
    6CXX) before they process secure messaging, and do not increment their SSC; the terminal's SSC
    is then reset to its value before the command.  Others answer every refusal in plain, but
    increment their SSC as for a protected response, and the terminal's SSC follows.  A reader may
    therefore try one more command; if the session is over, that command fails too.
    """

    def __init__(self, sw: int) -> None:
        super().__init__(
            Reason(
                "the chip answered {sw} ({meaning}) in plain inside a session",
                sw=f"{sw:04X}",
                meaning=meaning(sw),
            ),
            sw,
        )


class SecureMessaging:
    """One session: its keys, and its counter `ssc`, which starts at 0 except after BAC.

    A terminal calls `protect_command` and `unprotect_response` in turn, a chip `unprotect_command`
    and `protect_response`.
    """

    def __init__(self, cipher: Cipher, ks_enc: Secret, ks_mac: Secret, ssc: int = 0) -> None:
        self.cipher = cipher
        self._ks_enc = ks_enc
        self._ks_mac = ks_mac
        self.ssc = ssc
        self._odd_ins = self._extended = False

    # --- the terminal's side -----------------------------------------------------------------

    def protect_command(self, command: CommandAPDU) -> CommandAPDU:
        """Protect a command (9.8.4, figure 5); CLA bit 5 for chaining is not changed."""
        self._begin_command(command)
        objects = self._cryptogram(command.data)
        if command.ne is not None:
            size = 2 if command.is_extended else 1  # the largest Ne is coded as zeros
            objects += tlv.encode(_LE, (command.ne % (1 << 8 * size)).to_bytes(size, "big"))
        cla = command.cla | SECURE_MESSAGING_BITS
        header = bytes((cla, command.ins, command.p1, command.p2))
        data = objects + tlv.encode(_MAC, self._mac(header, objects))
        extended = command.is_extended or len(data) > SHORT_MAX_DATA
        ne = EXTENDED_MAX_LE if extended else SHORT_MAX_LE
        return CommandAPDU(cla, command.ins, command.p1, command.p2, data, ne, extended)

    def unprotect_response(self, response: ResponseAPDU) -> ResponseAPDU:
        """Verify and decrypt the response to the last command.

        Raises `BareResponseError` for a response without secure messaging, and
        `SecureMessagingError` unless the chip's side of this session made exactly this response.
        """
        if not response.data:
            is_of_length = response.sw == SW.WRONG_LENGTH or response.sw >> 8 == 0x6C
            self.ssc += -1 if is_of_length and self._extended else 1
            raise BareResponseError(response.sw)
        self.ssc += 1
        objects = self._verified(response.data, b"", {_CRYPTOGRAM, _CRYPTOGRAM_ODD_INS, _STATUS})
        if objects.get(_STATUS) != response.sw.to_bytes(2, "big"):
            raise SecureMessagingError(
                "DO 99 is missing, or is not the status word of the response"
            )
        return ResponseAPDU(self._plain(objects), response.sw)

    # --- the chip's side ---------------------------------------------------------------------

    def unprotect_command(self, command: CommandAPDU) -> CommandAPDU:
        """Verify and decrypt a command; the `sw` of an error is the chip's answer."""
        if command.cla & SECURE_MESSAGING_BITS != SECURE_MESSAGING_BITS:
            raise SecureMessagingError("the command is plain", SW.SM_DATA_OBJECT_MISSING)
        self._begin_command(command)
        cryptogram = _CRYPTOGRAM_ODD_INS if self._odd_ins else _CRYPTOGRAM
        objects = self._verified(command.data, command.header, {cryptogram, _LE})
        ne = None
        if (le := objects.get(_LE)) is not None:
            if len(le) > 2:
                raise SecureMessagingError("DO 97 has more than two octets")
            largest = EXTENDED_MAX_LE if len(le) == 2 else SHORT_MAX_LE
            ne = int.from_bytes(le, "big") or largest
        cla = command.cla & ~SECURE_MESSAGING_BITS
        plain = self._plain(objects)
        return CommandAPDU(cla, command.ins, command.p1, command.p2, plain, ne, command.is_extended)

    def protect_response(self, response: ResponseAPDU) -> ResponseAPDU:
        """Protect the response to the last command (9.8.4, figure 6)."""
        self.ssc += 1
        objects = self._cryptogram(response.data)
        objects += tlv.encode(_STATUS, response.sw.to_bytes(2, "big"))
        return ResponseAPDU(objects + tlv.encode(_MAC, self._mac(b"", objects)), response.sw)

    # --- both sides --------------------------------------------------------------------------

    def _begin_command(self, command: CommandAPDU) -> None:
        self.ssc += 1
        self._odd_ins, self._extended = bool(command.ins & 1), command.is_extended

    @cached_property
    def _keyed(self) -> "SessionCipher":
        from emrtd.crypto.session_ciphers import SessionCipher

        return SessionCipher(self.cipher, self._ks_enc, self._ks_mac)

    def _ssc_block(self, size: int) -> bytes:
        return (self.ssc % (1 << 8 * size)).to_bytes(size, "big")

    @property
    def _iv(self) -> bytes:
        if self.cipher is Cipher.TDES:
            return bytes(8)  # 9.8.6.1
        return self._keyed.encrypt_block(self._ssc_block(16))  # 9.8.7.1

    def _mac(self, header: bytes, objects: bytes) -> bytes:
        keyed = self._keyed
        size = keyed.block_size
        message = self._ssc_block(size)
        if header:
            message += pad(header, size)
        if objects:
            message += pad(objects, size)
        return keyed.mac_padded(message)

    def _cryptogram(self, data: bytes) -> bytes:
        if not data:
            return b""
        keyed = self._keyed
        encrypted = keyed.encrypt_cbc(self._iv, pad(data, keyed.block_size))
        if self._odd_ins:
            return tlv.encode(_CRYPTOGRAM_ODD_INS, encrypted)
        return tlv.encode(_CRYPTOGRAM, _PADDING_INDICATOR, encrypted)

    def _verified(self, octets: bytes, header: bytes, allowed: set[int]) -> dict[int, bytes]:
        """Return the data objects before DO 8E, by tag, after verifying their MAC."""
        try:
            objects = list(tlv.read_all(octets, "protected data field"))
        except MalformedError as error:
            raise SecureMessagingError(error.said) from None
        if not objects or objects[-1].tag != _MAC:
            raise SecureMessagingError(
                "DO 8E is missing or not the last", SW.SM_DATA_OBJECT_MISSING
            )
        mac = objects.pop().value
        authenticated = octets[: len(octets) - MAC_SIZE - 2]
        if not hmac.compare_digest(mac, self._mac(header, authenticated)):
            raise SecureMessagingError("the MAC is wrong")
        found = {each.tag: each.value for each in objects}
        if len(found) < len(objects) or not found.keys() <= allowed:
            raise SecureMessagingError("a data object occurs twice, or is not allowed here")
        return found

    def _plain(self, objects: dict[int, bytes]) -> bytes:
        cryptogram = objects.get(_CRYPTOGRAM_ODD_INS)
        if (value := objects.get(_CRYPTOGRAM)) is not None:
            if cryptogram is not None or not value.startswith(_PADDING_INDICATOR):
                raise SecureMessagingError(
                    "both DO 85 and DO 87 are present, or DO 87 has no padding indicator"
                )
            cryptogram = value[1:]
        if cryptogram is None:
            return b""
        keyed = self._keyed
        if not cryptogram or len(cryptogram) % keyed.block_size:
            raise SecureMessagingError("the cryptogram is not a number of whole blocks")
        padded = keyed.decrypt_cbc(self._iv, cryptogram)
        try:
            return unpad(padded, keyed.block_size)
        except MalformedError:
            raise SecureMessagingError("the padding of the decrypted data is wrong") from None


def secured(procedure: Procedure[T], session: SecureMessaging) -> Procedure[T]:
    """Run a procedure inside a session: its commands are protected, its responses verified."""

    def layer(command: CommandAPDU) -> Procedure[ResponseAPDU]:
        response = yield session.protect_command(command)
        return session.unprotect_response(response)

    return through(procedure, layer)
