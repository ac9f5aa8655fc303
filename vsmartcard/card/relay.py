"""Relays: a genuine chip opened in the name of another document, whose clone then takes its place.

The thief knows the passwords of both documents.
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
    """PACE with AES-128 goes through to a genuine chip, its nonce encrypted anew.

    `genuine` and `victim` are the passwords of the genuine chip beneath and of the document that
    the terminal is shown.
    """

    def __init__(self, card: Card, genuine: Password, victim: Password) -> None:
        super().__init__(card)
        self._genuine = genuine
        self._victim = victim

    def process(self, octets: bytes) -> bytes:
        """The chip's answer, in which the victim's password opens the nonce."""
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
    """Changes places with `clone` once the application is selected: the session is dropped.

    `dropped` says whether that has happened.
    """

    def __init__(self, card: Card, genuine: Password, victim: Password, clone: Card) -> None:
        super().__init__(card, genuine, victim)
        self._clone = clone
        self._selected = False
        self.dropped = False

    def process(self, octets: bytes) -> bytes:
        """The genuine chip's answer; 6988 once; then the clone's."""
        if self.dropped:
            return self._clone.process(octets)
        if self._selected:
            self.dropped = True
            return _DROPPED
        command = CommandAPDU.decode(octets)
        self._selected = protected(command) and selects_application(command)
        return super().process(octets)


class DenyingRelay(PaceRelay):
    """Denies in plain that there is an application or a file, so that the terminal itself gives up.

    The protected commands of the session are answered 6A82 from the selection of the application
    on, plain ones by `clone`.  `denied` says whether that has begun.
    """

    def __init__(self, card: Card, genuine: Password, victim: Password, clone: Card) -> None:
        super().__init__(card, genuine, victim)
        self._clone = clone
        self.denied = False

    def process(self, octets: bytes) -> bytes:
        """The genuine chip's answer; 6A82 or the clone's once it denies."""
        command = CommandAPDU.decode(octets)
        self.denied = self.denied or (protected(command) and selects_application(command))
        if not self.denied:
            return super().process(octets)
        return _NOT_FOUND if protected(command) else self._clone.process(octets)
