"""MANAGE SECURITY ENVIRONMENT and GENERAL AUTHENTICATE: select a protocol, and run it.

P1-P2 select the protocol (Doc 9303-11, 4.4.4.1, 6.2.4 and 7.1.5); GENERAL AUTHENTICATE continues
the one that was selected last.
"""

from collections.abc import Callable
from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.chip.protocols import chip_authentication, pace, terminal_authentication
from vsmartcard.chip.session import Core, Protocol

TEMPLATES: Final[dict[tuple[int, int], Callable[[Core, CommandAPDU], ResponseAPDU]]] = {
    (0xC1, 0xA4): pace.select,
    (0x41, 0xA6): chip_authentication.set_kat,
    (0x41, 0xA4): chip_authentication.set_at,
    (0x81, 0xB6): terminal_authentication.set_dst,
    (0x81, 0xA4): terminal_authentication.set_at,
}
"""The functions of MANAGE SECURITY ENVIRONMENT, by P1-P2."""

STEPS: Final[dict[Protocol, Callable[[Core, CommandAPDU], ResponseAPDU]]] = {
    Protocol.PACE: pace.general_authenticate,
    Protocol.CHIP_AUTHENTICATION: chip_authentication.general_authenticate,
}
"""The functions of GENERAL AUTHENTICATE, by the selected protocol."""


def manage_security_environment(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Select a protocol and its keys."""
    set_template = TEMPLATES.get((command.p1, command.p2))
    if set_template is None:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, "MANAGE SECURITY ENVIRONMENT")
    return set_template(core, command)


def general_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Carry out the next step of the selected protocol."""
    doing = "GENERAL AUTHENTICATE"
    if command.p1 or command.p2:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
    selected = core.session.selected
    if selected is None:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
    return STEPS[selected](core, command)
