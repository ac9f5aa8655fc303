"""Relays: PACE runs with a genuine chip, then a clone of another document takes its place.

The attacker knows the passwords of both documents.
"""

from emrtd.access.passwords import Password
from emrtd.crypto.ciphers import Cipher
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.card.conditions import protected, selects_application
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Layer

_ASKS_FOR_NONCE = b"\x7c\x00"
_NONCE_BEGINS = 4  # 7C 12 80 10
_DROPPED = ResponseAPDU(sw=SW.SM_DATA_OBJECT_INCORRECT).encode()
_NOT_FOUND = ResponseAPDU(sw=SW.FILE_NOT_FOUND).encode()


class PaceRelay(Layer):
    """Relays PACE with AES-128 to a genuine chip; encrypts the nonce under the victim's password.

    `genuine` is the password of the chip beneath, `victim` that of the document that the holder
    shows to the terminal.
    """

    def __init__(self, card: Card, genuine: Password, victim: Password) -> None:
        super().__init__(card)
        self._genuine = genuine
        self._victim = victim

    def process(self, octets: bytes) -> bytes:
        """Return the chip's response, with the nonce encrypted under the victim's password."""
        command, response = CommandAPDU.decode(octets), super().process(octets)
        if command.ins == INS.GENERAL_AUTHENTICATE and command.data == _ASKS_FOR_NONCE:
            return self._with_nonce_for_victim(response)
        return response

    def _with_nonce_for_victim(self, response: bytes) -> bytes:
        zero, encrypted = bytes(16), response[_NONCE_BEGINS:-2]
        nonce = Cipher.AES128.decrypt_cbc(self._genuine.key(Cipher.AES128), zero, encrypted)
        again = Cipher.AES128.encrypt_cbc(self._victim.key(Cipher.AES128), zero, nonce)
        return response[:_NONCE_BEGINS] + again + response[-2:]


class DroppingRelay(PaceRelay):
    """Drops the session once the application is selected; from then on `clone` answers.

    `dropped`: whether this has happened.
    """

    def __init__(self, card: Card, genuine: Password, victim: Password, clone: Card) -> None:
        super().__init__(card, genuine, victim)
        self._clone = clone
        self._selected = False
        self.dropped = False

    def process(self, octets: bytes) -> bytes:
        """Return the genuine chip's response; then 6988 once; then the clone's responses."""
        if self.dropped:
            return self._clone.process(octets)
        if self._selected:
            self.dropped = True
            return _DROPPED
        command = CommandAPDU.decode(octets)
        self._selected = protected(command) and selects_application(command)
        return super().process(octets)


class DenyingRelay(PaceRelay):
    """Answers in plain that the application does not exist, so that the terminal gives up.

    From the selection of the application, protected commands are answered 6A82, and `clone` answers
    plain commands.  `denied`: whether this has begun.
    """

    def __init__(self, card: Card, genuine: Password, victim: Password, clone: Card) -> None:
        super().__init__(card, genuine, victim)
        self._clone = clone
        self.denied = False

    def process(self, octets: bytes) -> bytes:
        """Return the genuine chip's response; once denied, 6A82 or the clone's response."""
        command = CommandAPDU.decode(octets)
        self.denied = self.denied or (protected(command) and selects_application(command))
        if not self.denied:
            return super().process(octets)
        return _NOT_FOUND if protected(command) else self._clone.process(octets)
