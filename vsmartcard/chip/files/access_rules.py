"""Who may read which file (Doc 9303-10, 3.11 and 4.6; Doc 9303-11, 4.2 and 7.1).

    until the chip is activated            every file, so that the station can read back; if it has
                                           transport keys and is of the kind iso7816-9, only in the
                                           station's session
    EF.ATR/INFO, EF.DIR, EF.CardAccess     always
    EF.CardSecurity and the rest of the MF after PACE
    files of the application               after PACE or Basic Access Control
    DG3, DG4 of a chip with trust points   after Terminal Authentication with the right to them
    a chip without chip access control     every file, except DG3 and DG4 as above
    the serial number                      like files of the application

No file can be written once the chip is activated: see `vsmartcard.chip.life_cycle`.
"""

from typing import Final

from emrtd.iso7816.directories import Directory
from emrtd.lds.files import FILES, FileID
from emrtd.pki.cvc.authorization import Right
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.protocols import terminal_authentication
from vsmartcard.chip.security_domain import BlankKind
from vsmartcard.chip.session import ChipAccess, Core

ALWAYS: Final = frozenset(
    FILES[file].identifier for file in (FileID.ATR_INFO, FileID.DIR, FileID.CARD_ACCESS)
)
"""Identifiers of the files of the MF that any terminal may read."""

SENSITIVE: Final = {
    FILES[FileID.DG3].identifier: Right.READ_DG3,
    FILES[FileID.DG4].identifier: Right.READ_DG4,
}
"""Files of the application that need Terminal Authentication: identifier and right."""


def has_access(core: Core) -> bool:
    """Whether the terminal may use the application: after chip access, or if none is needed."""
    if core.state.life_cycle is not LifeCycle.OPERATIONAL or core.state.keys.open:
        return True
    access = core.session.access
    return access is ChipAccess.BAC or access is ChipAccess.PACE


def may_read(core: Core, key: tuple[Directory, int]) -> bool:
    """Whether the terminal may select and read a file, whether or not the file exists."""
    directory, identifier = key
    if core.state.life_cycle is not LifeCycle.OPERATIONAL:
        domain = core.state.requires_station
        gated = domain is not None and domain.kind is BlankKind.ISO7816_9
        return not gated or core.session.station.channel is not None
    if directory is Directory.MASTER_FILE:
        allowed = identifier in ALWAYS or core.session.access is ChipAccess.PACE
    else:
        allowed = has_access(core)
    return (allowed or core.state.keys.open) and not _needs_right(core, key)


def _needs_right(core: Core, key: tuple[Directory, int]) -> bool:
    directory, identifier = key
    right = SENSITIVE.get(identifier) if directory is Directory.EMRTD else None
    if right is None or not core.state.keys.trust_points:
        return False
    return right not in terminal_authentication.rights(core)
