"""Basic Access Control on the chip (Doc 9303-11, 4.3.4)."""

from typing import Final

from emrtd.access.bac import BacChip
from emrtd.access.passwords import PasswordType
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.chip.session import Core

_DOING: Final = "Basic Access Control"


def challenge(core: Core) -> bytes:
    """Return RND.IC; 6985 on a chip without MRZ or without BAC, and in the MF."""
    mrz = core.state.keys.password(PasswordType.MRZ)
    possible = core.state.keys.basic_access_control and not core.session.in_master_file
    if mrz is None or not possible:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, _DOING)
    bac = BacChip(mrz.password, random=core.random)
    core.session = core.session.with_bac(bac)
    return bac.challenge()


def external_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Authenticate the terminal by its knowledge of the MRZ, and answer its challenge."""
    if core.session.bac is None:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, _DOING)
    data, secure_messaging = core.session.bac.authenticate(command.data)
    core.session = core.session.opened_by_bac(secure_messaging)
    return ResponseAPDU(data)
