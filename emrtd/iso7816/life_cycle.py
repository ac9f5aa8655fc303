"""The life-cycle status of an application, from its control parameters (ISO/IEC 7816-4, 7.4.10)."""

from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from emrtd import tlv

if TYPE_CHECKING:
    from emrtd.iso7816.procedure import Procedure

_FILE_CONTROL_PARAMETERS: Final = 0x04  # P2: first occurrence, return FCP
_TEMPLATES: Final = (0x62, 0x6F)
"""FCP, and the file control information that some chips return in its place."""
_STATUS: Final = 0x8A
_WHAT: Final = "file control parameters"


@unique
class LifeCycleStatus(Enum):
    """The states that ISO/IEC 7816-4, table 14 defines."""

    CREATION = "creation"
    INITIALISATION = "initialisation"
    OPERATIONAL = "operational"
    DEACTIVATED = "operational, deactivated"
    TERMINATED = "terminated"


def read_control_parameters(aid: bytes) -> "Procedure[bytes]":
    """Select an application and return its control parameters, as the chip encodes them.

    This changes nothing on the chip.  Raises `ChipRefusalError` if the chip refuses.
    """
    from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU

    response = yield CommandAPDU(
        0x00, INS.SELECT, 0x04, _FILE_CONTROL_PARAMETERS, aid, SHORT_MAX_LE
    )
    return response.require("selecting the application for its file control parameters")


def life_cycle_status(octets: bytes) -> LifeCycleStatus | None:
    """Return the status in control parameters (data object 62 or 6F).

    None if they have no status, or one that the standard does not define.  Raises `MalformedError`
    if the octets are not a data object.
    """
    if not octets:
        return None
    template = tlv.read(octets, _WHAT)
    if template.tag not in _TEMPLATES:
        return None
    status = template.children().get(_STATUS)
    return None if status is None or len(status.value) != 1 else _meaning(status.value[0])


def _meaning(status: int) -> LifeCycleStatus | None:
    match status:
        case 0x01:
            return LifeCycleStatus.CREATION
        case 0x03:
            return LifeCycleStatus.INITIALISATION
        case 0x05 | 0x07:
            return LifeCycleStatus.OPERATIONAL
        case 0x04 | 0x06:
            return LifeCycleStatus.DEACTIVATED
        case 0x0C | 0x0D | 0x0E | 0x0F:
            return LifeCycleStatus.TERMINATED
    return None
