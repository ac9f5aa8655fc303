"""The commands of the personalisation station (ISO/IEC 7816-9; ISO/IEC 7816-4, 11.3 and 11.4).

The data of CREATE FILE are file control parameters: 62 with 80 the size (1 to 4 octets), 83 the
identifier (2 octets) and 88 the short identifier in the upper five bits of an octet, or empty for
none.  Without 88 the short identifier is the last five bits of the identifier.  82, the file
descriptor, is optional and must be 01.
The data of PUT DATA are a key of `emrtd.access.chip_keys`, with its tag in P1-P2.
"""

from typing import Final

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys
from emrtd.access.passwords import PasswordType
from emrtd.crypto.private_keys import load_private_key
from emrtd.errors import ChipRefusalError
from emrtd.iso7816 import odd_ins
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.lds.files import FILES, MASTER_FILE, FileID
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.status_words import SW
from emrtd.tlv import DataObject
from support.errors import MisuseError
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.files.reading import addressed_file, addressed_file_odd
from vsmartcard.chip.protocols.chip_authentication import group_of
from vsmartcard.chip.session import Core
from vsmartcard.chip.trust import trust_state

_WRITING: Final = "UPDATE BINARY"
_CONTROL_PARAMETERS: Final = 0x62
_TRANSPARENT: Final = 0x01
_RESERVED: Final = {0x0000, MASTER_FILE, 0x3FFF, 0xFFFF}  # ISO/IEC 7816-4, 7.3.1.2
_CARD_ACCESS: Final = (Directory.MASTER_FILE, FILES[FileID.CARD_ACCESS].identifier)


def create_file(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Create a transparent EF of zeros in the current directory, and make it the current EF."""
    _require_no_parameters(command, "CREATE FILE")
    fields = tlv.read_expected(command.data, _CONTROL_PARAMETERS, "data field").children()
    descriptor = fields.get(0x82)
    if descriptor is not None and descriptor.value[:1] != bytes((_TRANSPARENT,)):
        raise descriptor.malformed("is not that of a transparent file")
    size, identifier = _number(fields.one(0x80), 4), _number(fields.one(0x83), 2)
    if identifier in _RESERVED:
        raise fields.one(0x83).malformed("is reserved")
    if size > core.state.hardware.memory:  # before that much memory is allocated here
        raise ChipRefusalError(SW.NOT_ENOUGH_MEMORY, "CREATE FILE")
    file = TransparentFile(
        core.session.directory,
        identifier,
        _short_identifier(fields.get(0x88), identifier),
        bytes(size),
    )
    core.state = core.state.with_files(core.state.files.create(file))
    core.session = core.session.with_file(file.key)
    return ResponseAPDU()


def update_binary(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Write octets into the current EF, or into the EF with a short identifier."""
    file, offset = addressed_file(core, command, _WRITING)
    if not command.data:
        raise ChipRefusalError(SW.WRONG_LENGTH, _WRITING)
    core.change_file(file.write(offset, command.data))
    return ResponseAPDU()


def update_binary_odd(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Write with the offset in DO 54 and the octets in DO 53 (Doc 9303-10, 3.8.1)."""
    file = addressed_file_odd(core, command, _WRITING)
    data = odd_ins.decode_data(command.data)
    core.change_file(file.write(odd_ins.decode_offset(command.data), data))
    return ResponseAPDU()


def put_data(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Store one data object of the chip's keys; it replaces one with the same reference."""
    tag = command.p1 << 8 | command.p2
    if not core.state.keys.is_known(tag):
        raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, "PUT DATA")
    keys = core.state.keys.with_data_object(tag, command.data)
    check_keys(keys, core)
    core.state = core.state.with_keys(keys)
    return ResponseAPDU()


def activate_file(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Lock the whole chip irreversibly; 6985 if no terminal could ever open it."""
    _require_no_parameters(command, "ACTIVATE FILE")
    require_usable(core)
    return ResponseAPDU()


def require_usable(core: Core) -> None:
    """Refuse to lock a chip (6985) that no terminal could ever open."""
    keys = core.state.keys
    by_bac = keys.basic_access_control and keys.password(PasswordType.MRZ) is not None
    by_pace = bool(keys.passwords) and core.state.files.find(_CARD_ACCESS) is not None
    if not (keys.open or by_bac or by_pace):
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, "locking the chip")
    trust_state(core)  # refuses trust points that contradict each other


def terminate_card_usage(_core: Core, command: CommandAPDU) -> ResponseAPDU:
    """End the life of a chip that failed in personalisation."""
    _require_no_parameters(command, "TERMINATE CARD USAGE")
    return ResponseAPDU()


def check_keys(keys: ChipKeys, core: Core) -> None:
    """Refuse keys that the chip could not use later, while the station can still react."""
    for key in keys.chip_authentication:
        number = int.from_bytes(key.private.reveal(), "big")
        if not 0 < number < group_of(key.public_key).order:
            raise MisuseError("the private key is not in the range of its group")
    active = keys.active_authentication
    if active is not None and active is not core.state.keys.active_authentication:
        load_private_key(active.private)
    for certificate in keys.trust_points:
        CvCertificate.decode(certificate)


def _require_no_parameters(command: CommandAPDU, doing: str) -> None:
    if command.p1 or command.p2:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)


def _short_identifier(data_object: DataObject | None, identifier: int) -> int | None:
    if data_object is None:
        implied = identifier & 0x1F
        return implied if 0 < implied < 0x1F else None
    if not data_object.value:
        return None
    octet = _number(data_object, 1)
    if octet & 0x07 or not 0 < octet >> 3 < 0x1F:
        raise data_object.malformed("is not a short identifier: 1 to 30, in the upper five bits")
    return octet >> 3


def _number(data_object: DataObject, size: int) -> int:
    if not 1 <= len(data_object.value) <= size:
        raise data_object.malformed(f"is not a number of 1 to {size} octets")
    return int.from_bytes(data_object.value, "big")
