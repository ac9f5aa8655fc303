"""A card that is personalised through its issuer security domain (GlobalPlatform).

SELECT of the security domain, SCP03, INSTALL [for personalization] and STORE DATA with the data
groupings of `emrtd.globalplatform.emrtd_groupings`; PUT KEY if the transport keys are replaced.
Files are read back in the eMRTD application with SELECT and READ BINARY.  Each change between the
two ends the session, so files are collected and written in one session, in as few blocks as they
need.
"""

from typing import Final

from emrtd.access.chip_keys import ChipKeys
from emrtd.errors import ChipRefusalError
from emrtd.globalplatform.emrtd_groupings import FilePart, Grouping, NewFile, key_groupings
from emrtd.globalplatform.personalisation import (
    LAST_BLOCK_NUMBER,
    DataGrouping,
    StoreData,
    install_for_personalisation,
    overhead,
)
from emrtd.globalplatform.security_domain import read_card_image_number, read_cplc, terminate_card
from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, T
from emrtd.lds.files import EMRTD_APPLICATION, ElementaryFile
from emrtd.status_words import SW
from personalise.station.cards.apdu_sizes import capabilities_for
from personalise.station.cards.channel import NoAuthenticationError, StationChannel
from personalise.station.cards.interface import Blank, Capabilities, CardIdentity, CardState
from personalise.station.cards.iso7816_9 import Iso7816Card, no_room
from personalise.station.key_sources.interface import KeySource
from personalise.station.outcomes import (
    CLOSE_OTHERS,
    CardFault,
    RejectApplicationError,
    RejectCardError,
    StopReaderError,
    TryAgainError,
)
from support.secret import Secret

_SHORT: Final = Capabilities()
_NEW_FILE_SIZE: Final = 10
"""Octets of a data grouping that creates a file."""
_UNKNOWN_COMMAND: Final = frozenset({SW.INSTRUCTION_NOT_SUPPORTED, SW.CLASS_NOT_SUPPORTED})
_UNKNOWN_DOMAIN: Final = _UNKNOWN_COMMAND | {SW.FILE_NOT_FOUND}
_REFUSED_GROUPINGS: Final = frozenset(
    {SW.INCORRECT_DATA, SW.REFERENCED_DATA_NOT_FOUND, SW.FUNCTION_NOT_SUPPORTED}
)


class GlobalPlatformCard:
    """A card of the kind `globalplatform`; satisfies `PersonalisableCard`.

    `_files` is the plain side of the card, which reads.  `_new` and `_parts` are what is to be
    created and written next, in order, `_done` the octets of the first part that are written
    already; `_block` is the number of the next block of STORE DATA.
    """

    def __init__(self, atr: bytes, capabilities: Capabilities, keys: KeySource) -> None:
        self._atr = atr
        self._files = Iso7816Card(atr, capabilities)
        self._security_domain = keys.settings.security_domain
        self._channel = StationChannel(keys, self._identity)
        self._blank = False
        self._directory = Directory.EMRTD
        self._selected: Directory | None = None
        self._new: list[tuple[ElementaryFile, int]] = []
        self._parts: list[FilePart] = []
        self._done = 0
        self._block = 0

    @property
    def capabilities(self) -> Capabilities:
        """What its answer to reset and its EF.ATR/INFO allow."""
        return self._files.capabilities

    def identity(self) -> Procedure[CardIdentity]:
        """GET DATA in the security domain, which a locked card does not show.

        A terminated card refuses SELECT, and answers GET DATA all the same (GPCS 2.3.1, 5.1.1.5).
        """
        self._selected = None
        response = yield self._select_security_domain()
        if response.sw not in {SW.OK, SW.CONDITIONS_NOT_SATISFIED}:
            return CardIdentity(self._atr)
        return (yield from self._identity())

    def _identity(self) -> Procedure[CardIdentity]:
        """Read the card image number, or else the CPLC data; the security domain is selected."""
        number = yield from read_card_image_number()
        if number is not None:
            return CardIdentity(self._atr, number)
        return CardIdentity(self._atr, cplc=(yield from read_cplc()))

    def begin(self) -> Procedure[CardState]:
        """Select the application, and read its life-cycle state from the control parameters."""
        self._channel.drop()
        state = yield from self._files.begin()
        self._blank, self._selected = state is CardState.EMPTY, Directory.EMRTD
        return state

    def channel(self, procedure: Procedure[T]) -> Procedure[T]:
        """Protect the commands of each session; the procedure opens one whenever it writes."""
        return self._channel.run(procedure)

    def select_directory(self, directory: Directory) -> Procedure[None]:
        """Work on this directory; it is selected on the card when a file is read."""
        self._directory = directory
        yield from ()

    def create(self, file: ElementaryFile, size: int) -> Procedure[bool]:
        """Create the file before the next write; on a card that is not blank, look for it first."""
        if not self._blank:
            yield from self._read_in(self._directory)
            try:
                exists = yield from self._files.has(file, size)
            except ChipRefusalError as error:
                if error.sw != SW.SECURITY_STATUS_NOT_SATISFIED:
                    raise
                raise RejectCardError(
                    CardFault.WRONG_KIND,
                    f"{error.message}: a card of the kind globalplatform lets every file be"
                    " selected until it is locked",
                    advice="use another card",
                ) from error
            if exists:
                return False
        self._new.append((file, size))
        return True

    def write(self, file: ElementaryFile, offset: int, content: bytes) -> Procedure[None]:
        """Write the file, or collect its octets: a card that is not blank is written at the end."""
        if content:
            self._parts.append(FilePart(file.directory, file.identifier, offset, content))
        if self._blank:
            yield from self._store_files(everything=False)

    def read(self, file: ElementaryFile, size: int) -> Procedure[bytes]:
        """READ BINARY, once everything that was collected for the file is written.

        On a blank card nothing is read before everything is written.
        """
        if self._blank or self._waits(file):
            yield from self._store_files(everything=True)
        yield from self._read_in(file.directory)
        try:
            return (yield from self._files.read(file, size))
        except ChipRefusalError as error:
            if error.sw not in _UNKNOWN_COMMAND:
                raise
            raise TryAgainError(  # the application knows READ BINARY
                f"{error.message}: another program uses the card", advice=CLOSE_OTHERS
            ) from error

    def find(self, file: ElementaryFile, directory: Directory) -> Procedure[bool]:
        """SELECT by the path from the MF, or by the identifier in the application."""
        if self._new or self._parts:
            yield from self._store_files(everything=True)
        if directory is Directory.EMRTD:
            yield from self._read_in(directory)
        else:
            self._leave()
        found = yield from self._files.find(file, directory)
        if found:
            self._selected = directory
        return found

    def put_keys(self, keys: ChipKeys) -> Procedure[None]:
        """Store all keys and passwords, encrypted under Key-DEK; they replace earlier ones.

        Then replace the transport keys if the key source says so.
        """
        yield from self._store_files(everything=True)
        while not (yield from self._put_all(keys)):
            pass  # once more, in shorter blocks
        yield from self._enter()
        yield from self._channel.replace_keys()

    def _put_all(self, keys: ChipKeys) -> Procedure[bool]:
        """Send all parts of the keys; return False if the card refuses extended length."""
        dek = yield from self._enter()
        groupings = list(key_groupings(Secret(keys.encode()), dek, self._room))
        if self._block + len(groupings) > LAST_BLOCK_NUMBER:
            self._block = LAST_BLOCK_NUMBER + 1  # the parts must follow one another
            yield from self._enter()
        for grouping in groupings:
            sw = yield from self._store(grouping, encrypted=True)
            if sw is None:
                return False
            if sw == SW.NOT_ENOUGH_MEMORY:
                raise no_room("the chip's keys", len(keys.encode()))
            if sw in _REFUSED_GROUPINGS:
                raise RejectApplicationError(
                    f"the card does not accept the chip's keys (it answered {sw:04X})",
                    advice="prepare the document with a chip profile that the card supports",
                )
            _require(sw, "storing the chip's keys")
        return True

    def lock(self) -> Procedure[None]:
        """Send the last block."""
        yield from self._enter()
        sw = yield from self._store(DataGrouping(Grouping.LOCK, b""), last=True)
        _require(SW.WRONG_LENGTH if sw is None else sw, "locking the card")
        self._leave()

    def terminate(self) -> Procedure[bool]:
        """SET STATUS of the card to TERMINATED; a locked card does not show its security domain."""
        return (yield from self._channel.run(self._terminate()))

    def _terminate(self) -> Procedure[bool]:
        yield from self._authenticate()
        response = yield terminate_card(self._security_domain)
        self._leave()
        return response.sw == SW.OK

    # --- the two sides of the card -----------------------------------------------------------

    def _read_in(self, directory: Directory) -> Procedure[None]:
        """Select a directory in plain, unless it is selected."""
        if self._selected is directory:
            return
        self._leave()
        yield from self._files.select_directory(directory)
        self._selected = directory

    def _leave(self) -> None:
        """Send plain commands from now on; the next SELECT ends the session on the card."""
        self._channel.drop()

    def _enter(self) -> Procedure[Secret]:
        """Open a session with the security domain, unless one is open; return Key-DEK."""
        if self._channel.session is None:
            yield from self._authenticate()
            self._block = LAST_BLOCK_NUMBER + 1
        if self._block > LAST_BLOCK_NUMBER:
            install = yield install_for_personalisation(EMRTD_APPLICATION)
            install.require("INSTALL [for personalization]")
            self._block = 0
        session = self._channel.session
        if session is None:
            raise AssertionError("the session was opened above")
        return session.keys.dek

    def _authenticate(self) -> Procedure[None]:
        """Select the security domain and open a session.

        A card that does not know INITIALIZE UPDATE is asked twice: another program may have
        selected another application after the security domain.
        """
        try:
            yield from self._open_session()
        except NoAuthenticationError:
            yield from self._open_session()

    def _open_session(self) -> Procedure[None]:
        self._selected = None
        response = yield self._select_security_domain()
        if response.sw in _UNKNOWN_DOMAIN:
            raise RejectCardError(
                CardFault.WRONG_KIND,
                "the card has no security domain to be personalised through: it is not a blank"
                " card of the kind globalplatform",
                advice="use another card",
            )
        response.require("selecting the security domain")
        yield from self._channel.open()

    def _select_security_domain(self) -> CommandAPDU:
        self._leave()
        return CommandAPDU(0x00, INS.SELECT, 0x04, 0x00, self._security_domain, SHORT_MAX_LE)

    # --- STORE DATA --------------------------------------------------------------------------

    def _waits(self, file: ElementaryFile) -> bool:
        key = file.directory, file.identifier
        created = any(each is file for each, _ in self._new)
        return created or any((each.directory, each.identifier) == key for each in self._parts)

    def _store_files(self, *, everything: bool) -> Procedure[None]:
        """Create what is to be created, then write: everything, or only what fills blocks."""
        while self._new:
            yield from self._enter()
            count = self._room // _NEW_FILE_SIZE
            files = self._new[:count]
            sw = yield from self._store(
                *(
                    NewFile(file.directory, file.identifier, file.short_identifier, size).grouping()
                    for file, size in files
                )
            )
            if sw == SW.NOT_ENOUGH_MEMORY:
                raise no_room("the document's files", sum(size for _, size in files))
            if sw is not None:
                _require(sw, "creating files")
                del self._new[:count]
        while self._parts and (everything or self._fill_a_block()):
            yield from self._enter()
            groupings, parts, done = self._first_block()
            sw = yield from self._store(*groupings)
            if sw is not None:
                _require(sw, "writing files")
                del self._parts[:parts]
                self._done = done

    def _fill_a_block(self) -> bool:
        waiting = sum(len(each.octets) for each in self._parts) - self._done
        return waiting >= self.capabilities.command

    def _first_block(self) -> tuple[list[DataGrouping], int, int]:
        """Return the groupings of the next block.

        Then the number of parts that are written with them, and how many octets of the part after
        these.
        """
        room, done, groupings = self._room, self._done, list[DataGrouping]()
        for number, part in enumerate(self._parts):
            piece = part.piece(done, room)
            if piece is None:
                return groupings, number, done
            grouping = piece.grouping()
            groupings.append(grouping)
            done += len(piece.octets)
            if done < len(part.octets):
                return groupings, number, done
            room -= overhead(len(grouping.value)) + len(grouping.value)
            done = 0
        return groupings, len(self._parts), 0

    @property
    def _room(self) -> int:
        """How many octets of data groupings a block holds."""
        return self._channel.command_capacity(self.capabilities.command)

    def _store(
        self, *groupings: DataGrouping, last: bool = False, encrypted: bool = False
    ) -> Procedure[int | None]:
        """Send the next block and return the status word.

        Returns None if the card refuses the length of an extended command: the block is then to be
        made again, shorter.  The card did not verify the command, so that the session is lost.
        """
        block = StoreData(self._block, groupings, last, encrypted)
        response = yield block.command()
        self._block += 1
        if response.sw == SW.WRONG_LENGTH and self.capabilities.command > _SHORT.command:
            self._files.capabilities = _SHORT
            self._leave()
            return None
        return response.sw


def _require(sw: int, doing: str) -> None:
    """Raise `ChipRefusalError` unless a block was stored."""
    ResponseAPDU(sw=sw).require(f"STORE DATA, {doing}")


def globalplatform_card(blank: Blank) -> GlobalPlatformCard:
    """Return the card for a blank: the kind of card `globalplatform`.

    Raises `StopReaderError` if the station has no transport keys.
    """
    if blank.keys is None:
        raise StopReaderError(
            "cards of the kind globalplatform require transport keys",
            advice="name them with --card-keys",
        )
    capabilities = capabilities_for(blank.atr, blank.files)
    return GlobalPlatformCard(blank.atr, capabilities, blank.keys)
