"""Chips that lie: clones without the keys, and relays to a chip that has keys of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from emrtd.access.passwords import Password
from emrtd.crypto.ciphers import Cipher
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.secure_messaging import SECURE_MESSAGING_BITS
from emrtd.lds.files import FILES, FileID
from support.secret import Secret
from tests.verify.documents import Document
from tests.vsmartcard.cards import personalised
from vsmartcard.chip.processing import Chip

DROPPED = b"\x69\x88"
"""What a chip answers that has ended its session."""

NOT_FOUND = b"\x6a\x82"
"""What a chip answers that has no such file or application."""

_SELECT_BY_NAME = 0x04
_ASKS_FOR_NONCE = b"\x7c\x00"
_NONCE_BEGINS = 4  # 7C 12 80 10


class Processing(Protocol):
    """Whatever answers commands."""

    def process(self, octets: bytes) -> bytes: ...


def password_of(document: Document) -> Password:
    return Password.from_mrz_information(document.how.information)


def clone_of(document: Document, **files: bytes) -> "Clone":
    """All the files of a document, and its passwords, on a chip that has none of its keys."""
    static = document.keys.chip_authentication[0]
    stolen = replace(
        document.keys,
        chip_authentication=(replace(static, private=Secret(b"\x07" * len(static.private))),),
        active_authentication=None,
    )
    named = {FileID(name): octets for name, octets in files.items()}
    return Clone(personalised(document.files | named, stolen))


@dataclass
class Clone:
    """A copy that drops its session rather than answer one of these instructions in it."""

    chip: Chip
    silent: frozenset[int] = frozenset({INS.MANAGE_SECURITY_ENVIRONMENT, INS.INTERNAL_AUTHENTICATE})

    def process(self, octets: bytes) -> bytes:
        command = CommandAPDU.decode(octets)
        if _is_protected(command) and command.ins in self.silent:
            return DROPPED
        return self.chip.process(octets)


@dataclass
class Relay:
    """Opens a genuine chip in the name of another document, and then changes places with a clone.

    The thief knows both passwords.  PACE goes through to the genuine chip, its nonce encrypted
    anew, so that this chip proves itself; the session is then dropped, and the clone is opened.
    """

    genuine: Document
    victim: Document
    clone: Processing
    dropping: bool = True
    stage: int = 1
    chip: Chip = field(init=False)

    def __post_init__(self) -> None:
        self.chip = personalised(self.genuine.files, self.genuine.keys)

    def process(self, octets: bytes) -> bytes:
        command = CommandAPDU.decode(octets)
        if self.stage == 1:
            response = self.chip.process(octets)
            if command.data == _ASKS_FOR_NONCE and command.ins == INS.GENERAL_AUTHENTICATE:
                return self._with_nonce_for_victim(response)
            by_name = command.ins == INS.SELECT and command.p1 == _SELECT_BY_NAME
            if self.dropping and by_name and _is_protected(command):
                self.stage = 2
            return response
        if self.stage == 2:
            self.stage = 3
            return DROPPED
        return self.clone.process(octets)

    def _with_nonce_for_victim(self, response: bytes) -> bytes:
        zero, encrypted = bytes(16), response[_NONCE_BEGINS:-2]
        key = password_of(self.genuine).key(Cipher.AES128)
        nonce = Cipher.AES128.decrypt_cbc(key, zero, encrypted)
        key = password_of(self.victim).key(Cipher.AES128)
        again = Cipher.AES128.encrypt_cbc(key, zero, nonce)
        return response[:_NONCE_BEGINS] + again + response[-2:]


class DenyingRelay(Relay):
    """Opens a genuine chip too, and then denies in plain that there is an application or a file.

    The terminal gives up that session of its own accord, and resets the chip; `clone` is next.
    """

    def process(self, octets: bytes) -> bytes:
        command = CommandAPDU.decode(octets)
        if self.stage == 1 and _is_protected(command):
            by_name = command.ins == INS.SELECT and command.p1 == _SELECT_BY_NAME
            self.stage = 2 if by_name else 1
        if self.stage == 1:
            return super().process(octets)
        return NOT_FOUND if _is_protected(command) else self.clone.process(octets)


@dataclass
class Open:
    """A chip without access control, which has no keys and gives its files to anyone."""

    files: Mapping[FileID, bytes]
    selected: bytes = b""

    def process(self, octets: bytes) -> bytes:
        command = CommandAPDU.decode(octets)
        if command.ins == INS.SELECT:
            return b"\x90\x00"
        if command.ins != INS.READ_BINARY:
            return b"\x6d\x00"
        at = command.p1 << 8 | command.p2
        if command.p1 & 0x80:
            found = [id_ for id_ in self.files if _is_named(id_, command.p1 & 0x1F)]
            if not found:
                return NOT_FOUND
            self.selected, at = self.files[found[0]], command.p2
        return self.selected[at : at + (command.ne or 0)] + b"\x90\x00"


def _is_named(file_id: FileID, short: int) -> bool:
    return FILES[file_id].directory is Directory.EMRTD and FILES[file_id].short_identifier == short


def _is_protected(command: CommandAPDU) -> bool:
    return command.cla & SECURE_MESSAGING_BITS == SECURE_MESSAGING_BITS
