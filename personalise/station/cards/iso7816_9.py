"""A card personalised with the interindustry commands of ISO/IEC 7816-9 and 7816-4.

CREATE FILE with file control parameters, UPDATE BINARY, PUT DATA for keys and passwords,
ACTIVATE FILE to lock, and TERMINATE CARD USAGE for a rejected card.  SELECT by the path from the MF
(P1 = 08) checks where a file is.  GET DATA reads the serial number, if the card has one.

Station and card authenticate each other by SCP03 with the card's transport keys, and every command
until the lock is protected.  A card that has no such keys takes commands from anyone; it is written
only with the published test key or without keys, and must be stored securely.
"""

from typing import Final

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys
from emrtd.iso7816 import odd_ins
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.chaining import with_command_chaining
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, T, exchange
from emrtd.iso7816.serial_number import read_serial_number
from emrtd.lds.files import APPLICATIONS, EMRTD_APPLICATION, ElementaryFile
from emrtd.status_words import SW
from personalise.station.cards.apdu_sizes import capabilities_for
from personalise.station.cards.channel import NoAuthenticationError, StationChannel
from personalise.station.cards.interface import Blank, Capabilities, CardIdentity, CardState
from personalise.station.key_sources.interface import KeySource
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    StopReaderError,
    another_document,
)
from support.errors import MalformedError

_SHORT: Final = Capabilities()
_RETURN_CONTROL_PARAMETERS: Final = 0x04
_ANY_LENGTH: Final = 256
_CHILD_EF: Final = 0x02
_PATH_FROM_MASTER_FILE: Final = 0x08

_LIFE_CYCLES: Final = {0x01: CardState.EMPTY, 0x03: CardState.IN_PERSONALISATION}
"""Values of the life-cycle status octet (ISO/IEC 7816-4, 7.4.10); the others are coded by bits."""


_REFUSED_KEYS: Final = frozenset(
    {SW.INCORRECT_DATA, SW.FUNCTION_NOT_SUPPORTED, SW.REFERENCED_DATA_NOT_FOUND}
)
"""Answers to PUT DATA that mean that the keys are at fault, not the card."""

_OTHER_CREATE_FILE: Final = frozenset(
    {SW.INSTRUCTION_NOT_SUPPORTED, SW.CLASS_NOT_SUPPORTED, SW.REFERENCE_DATA_NOT_USABLE}
)
"""Answers to CREATE FILE of cards of another kind; the last one is the JMRTD applet's."""


class Iso7816Card:
    """A card that supports these commands; satisfies `PersonalisableCard`.

    `capabilities` are what its answer to reset and its EF.ATR/INFO allow.  After a card refuses an
    extended command with 6700, it is sent short commands only.  Without a key source the station
    does not authenticate.
    """

    def __init__(
        self, atr: bytes, capabilities: Capabilities = _SHORT, keys: KeySource | None = None
    ) -> None:
        self._atr = atr
        self.capabilities = capabilities
        self._current: ElementaryFile | None = None
        self._directory = Directory.EMRTD
        self._keys = keys
        self._channel = None if keys is None else StationChannel(keys, self.identity)

    def identity(self) -> Procedure[CardIdentity]:
        """GET DATA for the serial number; without one the card is identified by its ATR only."""
        serial_number = yield from read_serial_number()
        return CardIdentity(self._atr, serial_number)

    def channel(self, procedure: Procedure[T]) -> Procedure[T]:
        """Authenticate, and protect each command; see `StationChannel`."""
        channel = self._channel
        if channel is None or self._keys is None:
            return (yield from procedure)
        try:
            yield from channel.open()
        except NoAuthenticationError:
            if not self._keys.is_test:
                raise
        return (yield from channel.run(procedure))

    def begin(self) -> Procedure[CardState]:
        """Select the application, and read its life-cycle state from the control parameters."""
        self._current = None
        response = yield CommandAPDU(
            0x00, INS.SELECT, 0x04, _RETURN_CONTROL_PARAMETERS, EMRTD_APPLICATION, _ANY_LENGTH
        )
        if response.sw == SW.CONDITIONS_NOT_SATISFIED:
            return CardState.TERMINATED
        if response.sw in {SW.INCORRECT_P1_P2, SW.FUNCTION_NOT_SUPPORTED}:
            yield from self.select_directory(Directory.EMRTD)
            return CardState.IN_PERSONALISATION  # unknown: a later refusal will show it
        if response.sw in {SW.FILE_NOT_FOUND, SW.INSTRUCTION_NOT_SUPPORTED, SW.CLASS_NOT_SUPPORTED}:
            raise RejectCardError(
                CardFault.WRONG_KIND,
                "the card has no eMRTD application: it is not a blank card of this kind",
                advice="use another card",
            )
        data = response.require("selecting the eMRTD application")
        return _life_cycle(_control_parameters(data).get(0x8A))

    def select_directory(self, directory: Directory) -> Procedure[None]:
        """Select the application by its identifier (AID), or the master file."""
        self._current, self._directory = None, directory
        if directory is Directory.MASTER_FILE:
            command = CommandAPDU(0x00, INS.SELECT, 0x00, 0x0C, b"\x3f\x00")
        else:
            command = CommandAPDU(0x00, INS.SELECT, 0x04, 0x0C, APPLICATIONS[directory])
        response = yield command
        response.require(
            "selecting the MF"
            if directory is Directory.MASTER_FILE
            else "selecting the application"
        )

    def create(self, file: ElementaryFile, size: int) -> Procedure[bool]:
        """CREATE FILE with size, identifier and short identifier."""
        parameters = tlv.encode(
            0x62,
            tlv.encode(0x80, size.to_bytes(max(2, (size.bit_length() + 7) // 8), "big")),
            tlv.encode(0x82, b"\x01"),  # a working EF, transparent
            tlv.encode(0x83, file.identifier.to_bytes(2, "big")),
            tlv.encode(0x88, bytes((file.short_identifier << 3,))),
        )
        response = yield CommandAPDU(0x00, INS.CREATE_FILE, data=parameters)
        if response.sw == SW.FILE_ALREADY_EXISTS:
            yield from self.has(file, size)
            return False
        if response.sw == SW.NOT_ENOUGH_MEMORY:
            raise no_room(str(file.file_id), size)
        if response.sw in _OTHER_CREATE_FILE:
            raise RejectCardError(
                CardFault.WRONG_KIND,
                f"the card does not know this CREATE FILE (it answered {response.sw:04X}): it is"
                " not a blank card of the kind iso7816-9",
                advice="use another card",
            )
        if response.sw == SW.SECURITY_STATUS_NOT_SATISFIED and self._channel is None:
            raise StopReaderError(
                "the card takes commands only from a station with its transport keys",
                advice="name them with --card-keys",
            )
        response.require(f"creating {file.file_id}")
        self._current = file
        return True

    def write(self, file: ElementaryFile, offset: int, content: bytes) -> Procedure[None]:
        """UPDATE BINARY: by short identifier where that selects the file, odd INS from 32,768."""
        done = 0
        while done < len(content):
            position = offset + done
            yield from self._address(file, position)
            odd = position >= odd_ins.FIRST_OFFSET
            room = self._command_capacity
            if odd:
                room -= len(odd_ins.encode_offset(position)) + odd_ins.OVERHEAD
            part = content[done : done + room]
            if not odd:
                part = part[: odd_ins.FIRST_OFFSET - position]
            response = yield self._update(file, position, part)
            if response.sw == SW.WRONG_LENGTH and self.capabilities != _SHORT:
                yield from self._use_short_commands()
                continue
            response.require(f"writing {file.file_id}")
            self._current = file
            done += len(part)

    def read(self, file: ElementaryFile, size: int) -> Procedure[bytes]:
        """READ BINARY until `size` octets have been read."""
        content = b""
        while len(content) < size:
            yield from self._address(file, len(content))
            response = yield self._read(file, len(content), size - len(content))
            if response.sw == SW.WRONG_LENGTH and self.capabilities != _SHORT:
                yield from self._use_short_commands()
                continue
            data = response.require(f"reading back {file.file_id}", SW.END_OF_FILE)
            if len(content) >= odd_ins.FIRST_OFFSET:
                data = odd_ins.decode_answer(data, f"{file.file_id}, read back")
            if not data:
                raise MalformedError(file.file_id, f"ends after {len(content)} of {size} octets")
            self._current = file
            content += data
        return content[:size]

    def find(self, file: ElementaryFile, directory: Directory) -> Procedure[bool]:
        """SELECT by the path from the MF, or by the identifier in the application."""
        if directory is not Directory.MASTER_FILE:
            yield from self.select_directory(directory)
        self._current = None
        p1 = _PATH_FROM_MASTER_FILE if directory is Directory.MASTER_FILE else _CHILD_EF
        response = yield CommandAPDU(0x00, INS.SELECT, p1, 0x0C, file.identifier.to_bytes(2, "big"))
        if response.sw == SW.FILE_NOT_FOUND:
            return False
        warnings = SW.FILE_DEACTIVATED, SW.SECURITY_STATUS_NOT_SATISFIED
        response.require(f"selecting the file {file.identifier:04X}", *warnings)
        self._current = file
        return True

    def put_keys(self, keys: ChipKeys) -> Procedure[None]:
        """PUT DATA for each data object, the tag in P1-P2; chained if longer than one command.

        Then PUT KEY if the key source replaces the transport keys.
        """
        for tag, value in keys.data_objects():
            command = CommandAPDU(0x00, INS.PUT_DATA, tag >> 8, tag & 0xFF, value.reveal())
            room = self._command_capacity
            response = yield from with_command_chaining(exchange(command), room)
            if response.sw == SW.NOT_ENOUGH_MEMORY:
                raise RejectCardError(
                    CardFault.NO_ROOM,
                    "the card has no room for the chip's keys",
                    advice="use a card with more memory",
                )
            if response.sw in _REFUSED_KEYS:
                raise RejectApplicationError(
                    f"cards of this kind do not accept the data object {tag:02X} of the chip's keys"
                    f" (the card answered {response.sw:04X})",
                    advice="prepare the document with a chip profile that the card supports",
                )
            response.require("storing the chip's keys")
        if self._channel is not None:
            yield from self._channel.replace_keys()

    def lock(self) -> Procedure[None]:
        """ACTIVATE FILE."""
        response = yield CommandAPDU(0x00, INS.ACTIVATE_FILE)
        response.require("locking the card")
        self._current = None

    def terminate(self) -> Procedure[bool]:
        """TERMINATE CARD USAGE; a locked card refuses it."""
        return (yield from self.channel(self._terminate()))

    def _terminate(self) -> Procedure[bool]:
        response = yield CommandAPDU(0x00, INS.TERMINATE_CARD_USAGE)
        self._current = None
        return response.sw == SW.OK

    def has(self, file: ElementaryFile, size: int) -> Procedure[bool]:
        """SELECT a file in the current directory; return False if it does not exist.

        Raises `RejectCardError` if it has another size.
        """
        response = yield CommandAPDU(
            0x00,
            INS.SELECT,
            0x02,
            _RETURN_CONTROL_PARAMETERS,
            file.identifier.to_bytes(2, "big"),
            _ANY_LENGTH,
        )
        if response.sw == SW.FILE_NOT_FOUND:
            return False
        parameters = _control_parameters(response.require(f"selecting {file.file_id}"))
        found = parameters.get(0x80)
        if found is not None and int.from_bytes(found.value, "big") != size:
            raise another_document(file.file_id)
        self._current = file
        return True

    def _address(self, file: ElementaryFile, position: int) -> Procedure[None]:
        """SELECT the file, unless it is current or its short identifier will select it."""
        if self._current is file or position < 0x100:
            return
        response = yield CommandAPDU(
            0x00, INS.SELECT, 0x02, 0x0C, file.identifier.to_bytes(2, "big")
        )
        response.require(f"selecting {file.file_id}")
        self._current = file

    def _update(self, file: ElementaryFile, position: int, part: bytes) -> CommandAPDU:
        if position >= odd_ins.FIRST_OFFSET:
            data = odd_ins.encode_offset(position) + odd_ins.encode_data(part)
            return CommandAPDU(0x00, INS.UPDATE_BINARY_ODD, data=data)
        p1, p2 = self._even_address(file, position)
        return CommandAPDU(0x00, INS.UPDATE_BINARY, p1, p2, part)

    def _read(self, file: ElementaryFile, position: int, wanted: int) -> CommandAPDU:
        capacity = self._response_capacity
        ne = min(wanted, capacity)
        if position >= odd_ins.FIRST_OFFSET:
            ne = min(wanted + odd_ins.OVERHEAD, capacity)
            offset = odd_ins.encode_offset(position)
            return CommandAPDU(0x00, INS.READ_BINARY_ODD, data=offset, ne=ne)
        p1, p2 = self._even_address(file, position)
        return CommandAPDU(0x00, INS.READ_BINARY, p1, p2, ne=ne)

    @property
    def _command_capacity(self) -> int:
        room = self.capabilities.command
        return room if self._channel is None else self._channel.command_capacity(room)

    @property
    def _response_capacity(self) -> int:
        room = self.capabilities.response
        return room if self._channel is None else self._channel.response_capacity(room)

    def _use_short_commands(self) -> Procedure[None]:
        """Send no more extended commands, after the card has refused the length of one.

        A card refuses the length before it verifies the command, so that the session is lost.
        """
        self.capabilities = _SHORT
        if self._channel is not None and self._channel.session is not None:
            yield from self._channel.open()
            yield from self.select_directory(self._directory)

    def _even_address(self, file: ElementaryFile, position: int) -> tuple[int, int]:
        """Return P1-P2: an offset in the current file, or a short identifier and a small offset."""
        if self._current is file:
            return divmod(position, 256)
        return 0x80 | file.short_identifier, position


def iso7816_card(blank: Blank) -> Iso7816Card:
    """Return the card for a blank: the kind of card `iso7816-9`."""
    return Iso7816Card(blank.atr, capabilities_for(blank.atr, blank.files), blank.keys)


def no_room(what: str, size: int) -> RejectCardError:
    """Return the error for a card that has no room for something of `size` octets."""
    return RejectCardError(
        CardFault.NO_ROOM,
        f"the card has no room for {what} ({size:,} octets)",
        advice="use a card with more memory, or a chip profile with smaller images",
    )


def _control_parameters(data: bytes) -> tlv.DataObjects:
    """Return the file control parameters in the answer to SELECT; empty without a template."""
    if not data:
        return tlv.read_all(b"", "answer to SELECT")
    template = tlv.read(data, "answer to SELECT")
    return template.children() if template.tag in {0x62, 0x6F} else tlv.read_all(b"", "")


def _life_cycle(octet: tlv.DataObject | None) -> CardState:
    if octet is None or len(octet.value) != 1:
        return CardState.IN_PERSONALISATION  # unknown: a later refusal will show it
    value = octet.value[0]
    if value & 0xFC == 0x0C:
        return CardState.TERMINATED
    if value & 0xFC == 0x04:
        return CardState.LOCKED
    return _LIFE_CYCLES.get(value, CardState.IN_PERSONALISATION)
