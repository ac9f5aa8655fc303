"""GET DATA: the chip's serial number (ISO/IEC 7816-4, 11.4.3; `emrtd.iso7816.serial_number`)."""

from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.serial_number import SERIAL_NUMBER
from emrtd.status_words import SW
from vsmartcard.chip.files.access_rules import has_access
from vsmartcard.chip.session import Core

_DOING: Final = "GET DATA"


def get_data(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Return the serial number: of a chip for a holder only after chip access, else always."""
    if command.data or command.ne is None:
        raise ChipRefusalError(SW.WRONG_LENGTH, _DOING)
    if not has_access(core):
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, _DOING)
    value = core.state.hardware.serial_number
    if command.p1 << 8 | command.p2 != SERIAL_NUMBER or not value:
        raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, _DOING)
    if command.ne < len(value):
        raise ChipRefusalError(0x6C00 | len(value), _DOING)
    return ResponseAPDU(value)
