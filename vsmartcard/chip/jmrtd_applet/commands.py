"""The commands of the JMRTD passport applet on the virtual chip, in one table.

    blank > CREATE FILE, UPDATE BINARY, PUT DATA > PUT DATA DEAD (lock) > read by BAC

Anyone can personalise a blank.  Files are read only after Basic Access Control, before the lock
too.  There is no short EF identifier, no odd INS, no master file and no PACE; Chip Authentication
is MSE:Set KAT.  The security domain of the card can be selected at any time and returns CPLC data.
"""

from types import MappingProxyType
from typing import Final

from emrtd import tlv
from emrtd.errors import ChipRefusalError
from emrtd.globalplatform.scp03 import CLA
from emrtd.globalplatform.security_domain import CPLC, SECURITY_DOMAIN
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.lds.files import EMRTD_APPLICATION, FILES
from emrtd.status_words import SW
from vsmartcard.chip.commands import Instruction, Instructions
from vsmartcard.chip.files import reading
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.jmrtd_applet.keys import put_data
from vsmartcard.chip.jmrtd_applet.life_cycle import require_unlocked, with_personalisation
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.protocols import active_authentication, challenges, chip_authentication
from vsmartcard.chip.session import ChipAccess, Core, Session, StationSession

_BY_NAME: Final = 0x04
_NEW_FILE: Final = 0x63
_DATA_INVALID: Final = 0x6984
_LARGEST_FILE: Final = 0x7FFF
_SET_KAT: Final = (0x41, 0xA6)

IDENTIFIERS: Final = frozenset(
    file.identifier
    for file in FILES.values()
    if file.directory is Directory.EMRTD and file.number != 16
)
"""The files that the applet can hold."""
_SENSITIVE: Final = frozenset(file.identifier for file in FILES.values() if file.sensitive)


def select(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Select the applet or the security domain by name, or a file; P1-P2 are ignored for files."""
    name = command.data
    if command.p1 == _BY_NAME:
        if SECURITY_DOMAIN.startswith(name) and name:
            core.session = Session(station=StationSession(selected=True))
        elif EMRTD_APPLICATION.startswith(name) and name:
            station = StationSession()
            core.session = core.session.with_station(station).with_directory(Directory.EMRTD)
        else:
            raise ChipRefusalError(SW.FILE_NOT_FOUND, "SELECT")
        return ResponseAPDU()
    _require_applet(core)
    if core.state.life_cycle is LifeCycle.OPERATIONAL and core.session.access is ChipAccess.NONE:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, "SELECT")
    if len(name) != 2:
        raise ChipRefusalError(SW.WRONG_LENGTH, "SELECT")
    identifier = int.from_bytes(name, "big")
    if identifier in _SENSITIVE:  # not before Terminal Authentication
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, "SELECT")
    key = Directory.EMRTD, identifier
    if identifier not in IDENTIFIERS or core.state.files.find(key) is None:
        core.session = core.session.with_directory(Directory.EMRTD)
        raise ChipRefusalError(SW.FILE_NOT_FOUND, "SELECT")
    core.session = core.session.with_file(key)
    return ResponseAPDU()


def read_binary(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Read from the current file, after BAC; the last octets come without a warning."""
    _require_applet(core)
    if core.session.access is ChipAccess.NONE:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, "READ BINARY")
    _require_file(core, command)
    return ResponseAPDU(reading.read_binary(core, command).data)


def update_binary(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Write into the current file."""
    _require_applet(core)
    require_unlocked(core)
    file = _require_file(core, command)
    core.change_file(file.write(command.p1 << 8 | command.p2, command.data))
    return ResponseAPDU()


def create_file(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Create a file: 63 04, size, identifier.

    A file that exists keeps its octets, and may be created again with at most its size.
    """
    _require_applet(core)
    require_unlocked(core)
    data = command.data
    if len(data) < 6 or data[1] < 4:
        raise ChipRefusalError(SW.WRONG_LENGTH, "CREATE FILE")
    if data[0] != _NEW_FILE:
        raise ChipRefusalError(_DATA_INVALID, "CREATE FILE")
    size, identifier = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:6], "big")
    if identifier in _SENSITIVE:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, "CREATE FILE")
    if identifier not in IDENTIFIERS or size > _LARGEST_FILE:
        raise ChipRefusalError(SW.NO_PRECISE_DIAGNOSIS, "CREATE FILE")
    found = core.state.files.find((Directory.EMRTD, identifier))
    if found is None:
        file = TransparentFile(Directory.EMRTD, identifier, None, bytes(size))
        core.state = core.state.with_files(core.state.files.create(file))
    elif len(found.content) < size:
        raise ChipRefusalError(SW.NOT_ENOUGH_MEMORY, "CREATE FILE")
    else:
        content = found.content[:size]
        core.change_file(TransparentFile(Directory.EMRTD, identifier, None, content))
    with_personalisation(core)
    return ResponseAPDU()


def get_data(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Return the CPLC data, if the security domain is selected."""
    domain = core.state.security_domain
    if not core.session.station.selected or command.cla != CLA or domain is None:
        raise ChipRefusalError(SW.INSTRUCTION_NOT_SUPPORTED, "GET DATA")
    if command.p1 << 8 | command.p2 != CPLC or not domain.cplc:
        raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, "GET DATA")
    return ResponseAPDU(tlv.encode(CPLC, domain.cplc))


def manage_security_environment(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """MSE:Set KAT, which is the whole of Chip Authentication."""
    _require_applet(core)
    if not core.state.keys.chip_authentication:
        raise ChipRefusalError(SW.INSTRUCTION_NOT_SUPPORTED, "MSE:Set KAT")
    if (command.p1, command.p2) != _SET_KAT:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, "MANAGE SECURITY ENVIRONMENT")
    return chip_authentication.set_kat(core, command)


def internal_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Active Authentication, after BAC."""
    _require_applet(core)
    if core.session.access is ChipAccess.NONE or core.state.keys.active_authentication is None:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, "INTERNAL AUTHENTICATE")
    return active_authentication.internal_authenticate(core, command)


def _require_applet(core: Core) -> None:
    if core.session.directory is not Directory.EMRTD or core.session.station.selected:
        raise ChipRefusalError(SW.INSTRUCTION_NOT_SUPPORTED, "the applet is not selected")


def _require_file(core: Core, command: CommandAPDU) -> TransparentFile:
    file = core.state.files.find(core.session.file)
    if file is None:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, "no file is selected")
    if command.p1 & 0x80:  # an offset from 32,768
        raise ChipRefusalError(SW.NO_PRECISE_DIAGNOSIS, "the offset is negative")
    return file


JMRTD_INSTRUCTIONS: Final[Instructions] = MappingProxyType(
    {
        INS.SELECT: Instruction(select),
        INS.READ_BINARY: Instruction(read_binary),
        INS.GET_CHALLENGE: Instruction(challenges.get_challenge),
        INS.EXTERNAL_AUTHENTICATE: Instruction(challenges.external_authenticate),
        INS.INTERNAL_AUTHENTICATE: Instruction(internal_authenticate),
        INS.MANAGE_SECURITY_ENVIRONMENT: Instruction(manage_security_environment),
        INS.GET_DATA: Instruction(get_data),
        INS.CREATE_FILE: Instruction(create_file),
        INS.UPDATE_BINARY: Instruction(update_binary),
        INS.PUT_DATA: Instruction(put_data),
    }
)
"""The commands by instruction octet.

They change the life-cycle state themselves: PUT DATA personalises or locks, and a locked chip
answers 6985.
"""
