"""A card with the JMRTD passport applet, which anyone can personalise until it is locked.

CREATE FILE, SELECT and UPDATE BINARY for files, PUT DATA for keys and for the lock.  READ BINARY
requires Basic Access Control before the lock too, so files are read back after it.

A partly written card is written again from the beginning: a file that exists may be created again
with at most its size.  Such a card must not be of another document: it must have no file that this
document lacks, and once it has an MRZ, open with that of the document and hold its EF.SOD.
"""

from collections.abc import Mapping
from typing import Final

from emrtd.access.chip_keys import ChipKeys
from emrtd.access.opening import ByBac, open_application
from emrtd.access.passwords import Password
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.globalplatform.security_domain import SECURITY_DOMAIN, read_cplc
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, Reset, T
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import secured
from emrtd.iso7816.selecting import select_file
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import EMRTD_APPLICATION, FILES, ElementaryFile, FileID
from emrtd.mrz import Mrz
from emrtd.status_words import SW
from personalise.station.cards.channel import NoAuthenticationError
from personalise.station.cards.interface import Blank, Capabilities, CardIdentity, CardState
from personalise.station.cards.iso7816_9 import no_room
from personalise.station.cards.jmrtd_applet_keys import (
    LOCK,
    PERSONALISED,
    TRUST_POINT,
    key_commands,
    put_data,
    unsupported,
)
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    another_document,
)
from support.errors import MalformedError

LARGEST_FILE: Final = 0x7FFF
"""Octets of the largest file: the applet's sizes and offsets are signed 16-bit numbers."""

_CAPABILITIES: Final = Capabilities(
    resumable=True, master_file=False, reads_back=False, short_identifiers=False
)
_NEW_FILE: Final = 0x63
_NO_TAG: Final = 0x0000
_FULL: Final = frozenset({SW.NOT_ENOUGH_MEMORY, SW.NO_PRECISE_DIAGNOSIS, 0x0005})
"""Answers of a full card; 0005 is the reason NO_RESOURCE of a Java Card exception, as status word.
"""
_CHALLENGE_SIZE: Final = 8
_DG16: Final = 16
_APPLICATION_FILES: Final = tuple(
    file
    for file in FILES.values()
    if file.directory is Directory.EMRTD and not file.sensitive and file.number != _DG16
)
"""The files that the applet can hold; DG3 and DG4 only after Terminal Authentication."""


class JmrtdAppletCard:
    """A card with the applet; satisfies `PersonalisableCard`.

    `files` are those of the document, empty if a card is only looked at; `mrz` is that of its DG1.
    """

    capabilities = _CAPABILITIES

    def __init__(self, blank: Blank, mrz: Mrz | None) -> None:
        self._blank = blank
        self._mrz = mrz
        self._current: ElementaryFile | None = None
        self._begun = False

    def identity(self) -> Procedure[CardIdentity]:
        """GET DATA for the CPLC data in the security domain; the applet itself has no number."""
        keys = self._blank.keys
        security_domain = SECURITY_DOMAIN if keys is None else keys.settings.security_domain
        response = yield CommandAPDU(0x00, INS.SELECT, 0x04, 0x0C, security_domain)
        if response.sw != SW.OK:
            return CardIdentity(self._blank.atr)
        return CardIdentity(self._blank.atr, cplc=(yield from read_cplc()))

    def begin(self) -> Procedure[CardState]:
        """Select the applet, and find out its state, which no command returns.

        PUT DATA of no tag is refused with 6A86, and by a locked applet with 6985.  Raises
        `RejectCardError` if a card that is not locked holds part of another document.
        """
        self._current = None
        response = yield CommandAPDU(0x00, INS.SELECT, 0x04, 0x0C, EMRTD_APPLICATION)
        if response.sw != SW.OK:
            raise _wrong_kind("the card has no eMRTD application")
        response = yield put_data(_NO_TAG)
        match response.sw:
            case SW.CONDITIONS_NOT_SATISFIED:
                return CardState.LOCKED
            case SW.NO_CURRENT_EF:  # of the fork: "command not allowed"
                return (yield from self._begin_personalised())
            case SW.INCORRECT_P1_P2:
                pass
            case _:
                raise _wrong_kind("the card's application is not the JMRTD applet")
        self._begun = yield from self._has_any(FileID.COM, FileID.DG1)
        if not self._begun:
            return CardState.EMPTY
        if self._blank.files:
            yield from self._require_own_document()
        return CardState.IN_PERSONALISATION

    def channel(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run the procedure as it is: the applet authenticates nobody.

        Raises `RejectCardError` if the station has keys of production cards.
        """
        if self._blank.keys is not None and not self._blank.keys.is_test:
            raise NoAuthenticationError
        return (yield from procedure)

    def select_directory(self, directory: Directory) -> Procedure[None]:
        """Do nothing: the applet is selected."""
        if directory is not Directory.EMRTD:
            raise AssertionError("the capabilities exclude a master file")
        yield from ()

    def create(self, file: ElementaryFile, size: int) -> Procedure[bool]:
        """CREATE FILE; a file that exists is written again in full, so this returns True."""
        data = bytes((_NEW_FILE, 4)) + size.to_bytes(2, "big") + file.identifier.to_bytes(2, "big")
        response = yield CommandAPDU(0x00, INS.CREATE_FILE, data=data)
        if response.sw == SW.NOT_ENOUGH_MEMORY and self._begun:
            raise another_document(file.file_id)
        if response.sw in _FULL:
            raise no_room(str(file.file_id), size)
        response.require(f"creating {file.file_id}")
        return True

    def write(self, file: ElementaryFile, offset: int, content: bytes) -> Procedure[None]:
        """SELECT the file unless it is current, and UPDATE BINARY."""
        if self._current is not file:
            sw = yield from select_file(file.identifier)
            ResponseAPDU(sw=sw).require(f"selecting {file.file_id}")
            self._current = file
        room = self.capabilities.command
        for at in range(0, len(content), room):
            p1, p2 = divmod(offset + at, 256)
            response = yield CommandAPDU(0x00, INS.UPDATE_BINARY, p1, p2, content[at : at + room])
            response.require(f"writing {file.file_id}")

    def read(self, file: ElementaryFile, size: int) -> Procedure[bytes]:
        """Never called: the capabilities exclude it."""
        raise AssertionError(f"{file.file_id} cannot be read back, {size} octets")

    def find(self, file: ElementaryFile, directory: Directory) -> Procedure[bool]:
        """Never called: the capabilities exclude a master file."""
        raise AssertionError(f"{file.file_id} is not looked for in {directory}")

    def put_keys(self, keys: ChipKeys) -> Procedure[None]:
        """PUT DATA for each key; a resumed card keeps the trust point that it has."""
        for command in key_commands(keys, self._document_mrz):
            response = yield command
            tag = command.p1 << 8 | command.p2
            if tag == TRUST_POINT and self._begun and response.sw == SW.CONDITIONS_NOT_SATISFIED:
                continue
            if response.sw == SW.INSTRUCTION_NOT_SUPPORTED:
                raise _wrong_kind(f"the applet was built without the key of PUT DATA {tag:04X}")
            response.require(f"storing the chip's keys (PUT DATA {tag:04X})")

    def lock(self) -> Procedure[None]:
        """PUT DATA DEAD; the fork requires DEAF before it, and refuses it with 6985."""
        response = yield put_data(LOCK)
        if response.sw == SW.CONDITIONS_NOT_SATISFIED:
            (yield put_data(PERSONALISED)).require("ending personalisation")
            response = yield put_data(LOCK)
        response.require("locking the card")
        self._current = None

    def terminate(self) -> Procedure[bool]:
        """Return False: the applet has no such command."""
        yield from ()
        return False

    # --- a card that is partly written -------------------------------------------------------

    @property
    def _document_mrz(self) -> Mrz:
        if self._mrz is None:
            raise RejectApplicationError("the image has no DG1", advice="prepare it again")
        return self._mrz

    def _begin_personalised(self) -> Procedure[CardState]:
        """Lock a card of the fork that was torn out between the two commands of `lock`.

        All of its document is on it, so what it holds is checked after the lock.
        """
        if not self._blank.files:
            return CardState.IN_PERSONALISATION
        (yield put_data(LOCK)).require("locking the card")
        return CardState.LOCKED

    def _require_own_document(self) -> Procedure[None]:
        """Raise `RejectCardError` if the card holds part of another document.

        A card without an MRZ, which GET CHALLENGE shows, cannot be read and has no whole document.
        """
        for file in _APPLICATION_FILES:
            if file.file_id not in self._blank.files and (yield from self._has_any(file.file_id)):
                raise another_document(file.file_id)
        response = yield CommandAPDU(0x00, INS.GET_CHALLENGE, ne=_CHALLENGE_SIZE)
        if response.sw != SW.OK:
            return
        password = Password.from_mrz_information(self._document_mrz.information)
        begun = yield from _read_security_object(password)
        yield Reset()
        yield CommandAPDU(0x00, INS.SELECT, 0x04, 0x0C, EMRTD_APPLICATION)
        if not _is_begun_from(begun, self._blank.files[FileID.SOD]):
            raise another_document(FileID.SOD)

    def _has_any(self, *files: FileID) -> Procedure[bool]:
        for file_id in files:
            sw = yield from select_file(FILES[file_id].identifier)
            if sw == SW.OK:
                return True
            if sw != SW.FILE_NOT_FOUND:
                ResponseAPDU(sw=sw).require(f"looking for {file_id}")
        return False


def _read_security_object(password: Password) -> Procedure[bytes | None]:
    """Return EF.SOD of a card that is not locked, with zeros where it was not written.

    None if the card does not open with this password, or its EF.SOD was not begun.
    """
    try:
        session = yield from open_application(ByBac(password))
        reader = FileReader(cipher_block=session.cipher.block_size)
        address = FILES[FileID.SOD].address
        return (yield from secured(reader.read(address, by_identifier=True), session))
    except MalformedError:
        return b""
    except (ChipRefusalError, ProtocolError):
        return None


def _is_begun_from(found: bytes | None, content: bytes) -> bool:
    return found is not None and content.startswith(found.rstrip(b"\0"))


def jmrtd_applet_card(blank: Blank) -> JmrtdAppletCard:
    """Return the card for a blank: the kind of card `jmrtd-applet`.

    Raises `RejectApplicationError` for a document that the applet cannot hold.
    """
    mrz = None
    if blank.files:
        require_supported(blank.files)
        mrz = DataGroup1.decode(blank.files[FileID.DG1]).mrz
        if blank.chip_keys is not None:
            key_commands(blank.chip_keys, mrz)
    return JmrtdAppletCard(blank, mrz)


def require_supported(files: Mapping[FileID, bytes]) -> None:
    """Raise `RejectApplicationError` for a file that the applet cannot hold."""
    if FileID.DG1 not in files:
        raise RejectApplicationError("the image has no DG1", advice="prepare it again")
    if FileID.CARD_ACCESS in files:
        raise unsupported("EF.CardAccess: it does not support PACE")
    for file_id, content in files.items():
        file = FILES[file_id]
        if file.sensitive:
            raise unsupported(f"{file_id}: it creates it only after Terminal Authentication")
        if file.number == _DG16:
            raise unsupported(file_id)
        if file.directory is Directory.EMRTD and len(content) > LARGEST_FILE:
            raise unsupported(f"{file_id} of {len(content):,} octets: the most is {LARGEST_FILE:,}")


def _wrong_kind(problem: str) -> RejectCardError:
    return RejectCardError(
        CardFault.WRONG_KIND,
        f"{problem}: it is not a blank card of the kind jmrtd-applet",
        advice="use another card",
    )
