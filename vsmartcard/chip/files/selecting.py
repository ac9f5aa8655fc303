"""SELECT, in every form that terminals use (ISO/IEC 7816-4, 11.2.2; Doc 9303-10, 3.6)."""

from typing import Final

from emrtd import tlv
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.lds.files import APPLICATIONS, MASTER_FILE
from emrtd.status_words import SW
from vsmartcard.chip.files.access_rules import may_read
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.session import Core

_BY_FILE_ID, _CHILD_DF, _CHILD_EF, _PARENT, _BY_NAME, _PATH_FROM_MF, _PATH = 0, 1, 2, 3, 4, 8, 9
_SHORTEST_NAME: Final = 5  # ISO/IEC 7816-4, 12.2.3: the RID of an AID cut on its right
_FCI, _FCP, _NO_DATA = 0x00, 0x04, 0x0C
_TEMPLATES: Final = {_FCI: 0x6F, _FCP: 0x62, _NO_DATA: None}

_DOING: Final = "SELECT"


def select(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Select the MF, the application or an EF; return file control information on request."""
    if command.p2 & 0xF3 or command.p2 not in _TEMPLATES:
        only_one = command.p2 & 0xF0 == 0 and command.p2 & 0x03  # last, next or previous
        raise ChipRefusalError(SW.FILE_NOT_FOUND if only_one else SW.INCORRECT_P1_P2, _DOING)
    target = _target(core, command)
    if isinstance(target, Directory):
        core.session = core.session.with_directory(target)
        control = _directory_control(core, target)
    else:
        core.session = core.session.with_file(target.key)
        control = file_control(core, target)
    template = _TEMPLATES[command.p2]
    if template is None or command.ne is None:
        return ResponseAPDU()
    return ResponseAPDU(tlv.encode(template, control)[: command.ne])


def _target(core: Core, command: CommandAPDU) -> Directory | TransparentFile:
    match command.p1:
        case 0x03 if not command.data:
            return Directory.MASTER_FILE
        case 0x04:
            return _by_name(command.data)
        case 0x00 if command.data in {b"", MASTER_FILE.to_bytes(2, "big")}:
            return Directory.MASTER_FILE
        case 0x00 | 0x02 | 0x09 if len(command.data) == 2:
            return _file(core, core.session.directory, command.data)
        case 0x08 if len(command.data) == 2:
            return _file(core, Directory.MASTER_FILE, command.data)
        case 0x00 | 0x02 | 0x03:
            raise ChipRefusalError(SW.LC_INCONSISTENT, _DOING)
        case 0x01 | 0x08 | 0x09:  # the application has no file identifier
            raise ChipRefusalError(SW.FILE_NOT_FOUND, _DOING)
        case _:
            raise ChipRefusalError(SW.INCORRECT_P1_P2, _DOING)


def _by_name(name: bytes) -> Directory:
    if len(name) >= _SHORTEST_NAME:
        for directory, aid in APPLICATIONS.items():
            if aid.startswith(name):
                return directory
    raise ChipRefusalError(SW.FILE_NOT_FOUND, _DOING)


def _file(core: Core, directory: Directory, data: bytes) -> TransparentFile:
    """Return the file; 6982 if it may not be read, whether or not it exists in the application."""
    key = directory, int.from_bytes(data, "big")
    if directory is Directory.MASTER_FILE and core.state.files.find(key) is None:
        raise ChipRefusalError(SW.FILE_NOT_FOUND, _DOING)
    if not may_read(core, key):
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, _DOING)
    file = core.state.files.find(key)
    if file is None:
        raise ChipRefusalError(SW.FILE_NOT_FOUND, _DOING)
    return file


def _directory_control(core: Core, directory: Directory) -> bytes:
    if directory is Directory.MASTER_FILE:
        name = tlv.encode(0x83, MASTER_FILE.to_bytes(2, "big"))
    else:
        name = tlv.encode(0x84, APPLICATIONS[directory])
    return (
        tlv.encode(0x82, b"\x38")  # a DF
        + name
        + tlv.encode(0x8A, bytes((core.state.life_cycle,)))
    )


def file_control(core: Core, file: TransparentFile) -> bytes:
    """Return the file control parameters of an EF (ISO/IEC 7816-4, table 10), without 62 or 6F."""
    short = b"" if file.short_identifier is None else bytes((file.short_identifier << 3,))
    return (
        tlv.encode(0x80, len(file.content).to_bytes(max(2, _octets(len(file.content))), "big"))
        + tlv.encode(0x82, b"\x01")  # a working EF, transparent
        + tlv.encode(0x83, file.identifier.to_bytes(2, "big"))
        + tlv.encode(0x88, short)
        + tlv.encode(0x8A, bytes((core.state.life_cycle,)))
    )


def _octets(number: int) -> int:
    return (number.bit_length() + 7) // 8
