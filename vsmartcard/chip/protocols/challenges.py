"""GET CHALLENGE and EXTERNAL AUTHENTICATE, which two protocols use.

Before chip access they are Basic Access Control (Doc 9303-11, 4.3.4); inside a session they are the
last two commands of Terminal Authentication (7.1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import SHORT_MAX_LE, CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.chip.protocols import basic_access_control, terminal_authentication
from vsmartcard.chip.session import ChipAccess, Core

_CHALLENGE_SIZE: Final = 8


@dataclass(frozen=True, slots=True)
class Authentication:
    """A protocol of two commands: a challenge of 8 octets, and the terminal's answer to it."""

    challenge: Callable[[Core], bytes]
    external_authenticate: Callable[[Core, CommandAPDU], ResponseAPDU]


_BASIC_ACCESS_CONTROL: Final = Authentication(
    basic_access_control.challenge, basic_access_control.external_authenticate
)
_TERMINAL_AUTHENTICATION: Final = Authentication(
    terminal_authentication.challenge, terminal_authentication.external_authenticate
)

AUTHENTICATIONS: Final = {
    ChipAccess.NONE: _BASIC_ACCESS_CONTROL,
    ChipAccess.BAC: _TERMINAL_AUTHENTICATION,
    ChipAccess.PACE: _TERMINAL_AUTHENTICATION,
    ChipAccess.PIN_MANAGEMENT: _TERMINAL_AUTHENTICATION,
}
"""The protocol of the two commands, by the chip access procedure that was done."""


def get_challenge(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Return 8 random octets, for the next EXTERNAL AUTHENTICATE."""
    doing = "GET CHALLENGE"
    _check_parameters(command, doing)
    if command.data or command.ne is None:
        raise ChipRefusalError(SW.WRONG_LENGTH, doing)
    if command.ne not in {_CHALLENGE_SIZE, SHORT_MAX_LE}:
        raise ChipRefusalError(0x6C00 | _CHALLENGE_SIZE, doing)
    return ResponseAPDU(AUTHENTICATIONS[core.session.access].challenge(core))


def external_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Authenticate the terminal: by Basic Access Control, or by Terminal Authentication."""
    _check_parameters(command, "EXTERNAL AUTHENTICATE")
    return AUTHENTICATIONS[core.session.access].external_authenticate(core, command)


def _check_parameters(command: CommandAPDU, doing: str) -> None:
    if command.p1 or command.p2:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
