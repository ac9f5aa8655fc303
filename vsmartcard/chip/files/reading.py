"""READ BINARY, by offset, by short identifier and with odd INS (Doc 9303-10, 3.6.3 to 3.6.6)."""

from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.iso7816 import odd_ins
from emrtd.iso7816.apdu import EXTENDED_MAX_LE, SHORT_MAX_LE, CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.chip.files.access_rules import may_read
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.session import Core

_DOING: Final = "READ BINARY"


def read_binary(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Read from the current EF, or from the EF with a short identifier, which becomes current."""
    if command.data:
        raise ChipRefusalError(SW.WRONG_LENGTH, _DOING)
    file, offset = addressed_file(core, command, _DOING)
    requested = _ne(command)
    data = file.read(offset, min(requested, core.response_room(command)))
    return ResponseAPDU(data, _status(command, file, offset, len(data), requested))


def read_binary_odd(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Read with the offset in DO 54; the response is a DO 53, and Ne counts the whole DO."""
    file = addressed_file_odd(core, command, _DOING)
    offset = odd_ins.decode_offset(command.data)
    requested = odd_ins.capacity(min(_ne(command), core.response_room(command)))
    if requested is None:
        raise ChipRefusalError(SW.WRONG_LENGTH, _DOING)
    data = file.read(offset, requested)
    status = _status(command, file, offset, len(data), requested)
    return ResponseAPDU(odd_ins.encode_data(data), status)


def addressed_file(core: Core, command: CommandAPDU, doing: str) -> tuple[TransparentFile, int]:
    """Return the file and offset in P1-P2 of an even INS; the file becomes current."""
    if not command.p1 & 0x80:
        return _current_file(core, doing), command.p1 << 8 | command.p2
    if command.p1 & 0x60:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
    return _file_by_short_identifier(core, command.p1 & 0x1F, doing), command.p2


def addressed_file_odd(core: Core, command: CommandAPDU, doing: str) -> TransparentFile:
    """Return the file in P1-P2 of an odd INS (Doc 9303-10, table 7); it becomes current."""
    identifier = command.p1 << 8 | command.p2
    if identifier == 0:
        return _current_file(core, doing)
    if identifier < 0x1F:
        return _file_by_short_identifier(core, identifier, doing)
    key = core.session.directory, identifier
    return _granted(core, core.state.files.find(key), key[1], doing)


def _current_file(core: Core, doing: str) -> TransparentFile:
    file = core.state.files.find(core.session.file)
    if file is None:
        raise ChipRefusalError(SW.NO_CURRENT_EF, doing)
    return _granted(core, file, file.identifier, doing)


def _file_by_short_identifier(core: Core, short_identifier: int, doing: str) -> TransparentFile:
    file = core.state.files.find_short(core.session.directory, short_identifier)
    return _granted(core, file, None if file is None else file.identifier, doing)


def _granted(
    core: Core, file: TransparentFile | None, identifier: int | None, doing: str
) -> TransparentFile:
    """Make a file current and return it; 6982 if it may not be read, 6A82 if it does not exist.

    Before chip access, a file of the application that does not exist is also refused with 6982, so
    that the answer does not reveal which files exist.
    """
    key = core.session.directory, identifier or 0
    if not may_read(core, key) and (file is not None or not core.session.in_master_file):
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, doing)
    if file is None:
        raise ChipRefusalError(SW.FILE_NOT_FOUND, doing)
    core.session = core.session.with_file(file.key)
    return file


def _ne(command: CommandAPDU) -> int:
    if command.ne is None:
        raise ChipRefusalError(SW.WRONG_LENGTH, _DOING)
    return command.ne


def _status(
    command: CommandAPDU, file: TransparentFile, offset: int, read: int, requested: int
) -> int:
    """Return 6282 if the file ended before Ne octets, unless Le of zeros asked for all of it."""
    all_of_it = command.ne == (EXTENDED_MAX_LE if command.extended else SHORT_MAX_LE)
    ended = offset + read == len(file.content) and read < requested
    return SW.END_OF_FILE if ended and not all_of_it else SW.OK
