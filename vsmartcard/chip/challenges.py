"""GET CHALLENGE and EXTERNAL AUTHENTICATE: Basic Access Control (Doc 9303-11, 4.3.4).

Inside a session the same two commands end Terminal Authentication.
"""

from typing import Final

from emrtd.access.bac import BacChip
from emrtd.access.passwords import PasswordType
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import SHORT_MAX_LE, CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.chip import terminal_authentication
from vsmartcard.chip.session import ChipAccess, Core

_CHALLENGE_SIZE: Final = 8


def get_challenge(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Give a random number of 8 octets, for the next EXTERNAL AUTHENTICATE."""
    doing = "GET CHALLENGE"
    _check_parameters(command, doing)
    if command.data or command.ne is None:
        raise ChipRefusalError(SW.WRONG_LENGTH, doing)
    if command.ne not in {_CHALLENGE_SIZE, SHORT_MAX_LE}:
        raise ChipRefusalError(0x6C00 | _CHALLENGE_SIZE, doing)
    if core.session.access is not ChipAccess.NONE:
        return ResponseAPDU(terminal_authentication.challenge(core))
    core.session.bac = _basic_access_control(core, doing)
    return ResponseAPDU(core.session.bac.challenge())


def external_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Authenticate the terminal: in a session its rights, before one its knowledge of the MRZ."""
    doing = "EXTERNAL AUTHENTICATE"
    _check_parameters(command, doing)
    if core.session.access is not ChipAccess.NONE:
        return terminal_authentication.external_authenticate(core, command)
    if core.session.bac is None:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
    data, secure_messaging = core.session.bac.authenticate(command.data)
    core.session.bac = None
    core.session.access = ChipAccess.BAC
    core.session.next_secure_messaging = secure_messaging
    return ResponseAPDU(data)


def _basic_access_control(core: Core, doing: str) -> BacChip:
    mrz = core.state.keys.password(PasswordType.MRZ)
    possible = core.state.keys.basic_access_control and not core.session.in_master_file
    if mrz is None or not possible:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
    return BacChip(mrz.password, random=core.random)


def _check_parameters(command: CommandAPDU, doing: str) -> None:
    if command.p1 or command.p2:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
