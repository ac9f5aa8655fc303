"""Terminal Authentication on the chip (Doc 9303-11, 7.1; version 2 of TR-03110-2, 3.3).

In version 1 the rights are effective after EXTERNAL AUTHENTICATE, in version 2 after the Chip
Authentication with the ephemeral key that the terminal announced.
"""

from typing import Final

from emrtd import tlv
from emrtd.access.terminal_authentication import VERIFY_CERTIFICATE, TerminalAuthenticationChip
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.pki.cvc.authorization import Chat, Right
from emrtd.status_words import SW
from vsmartcard.chip.session import ChipAccess, Core
from vsmartcard.chip.trust import store, trust_state

_DOING: Final = "Terminal Authentication"


def set_dst(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """MSE:Set DST: select the key that verifies the next certificate."""
    _chip(core).set_dst(command.data)
    return ResponseAPDU()


def perform_security_operation(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """PSO:Verify Certificate: verify it, and store any change to trust points and date."""
    if (command.p1, command.p2) != VERIFY_CERTIFICATE:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, "PERFORM SECURITY OPERATION")
    chip = _chip(core)
    before = chip.state
    chip.verify_certificate(command.data)
    if chip.state != before:
        store(core, chip.state)
    return ResponseAPDU()


def set_at(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """MSE:Set AT: select the terminal's key; with an ephemeral key this is version 2."""
    _chip(core).set_at(command.data)
    return ResponseAPDU()


def challenge(core: Core) -> bytes:
    """Return r_IC, for GET CHALLENGE inside a session."""
    return _begun(core).challenge()


def external_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Authenticate the terminal; possible once in a session."""
    _begun(core).authenticate(command.data)
    return ResponseAPDU()


def rights(core: Core) -> Right:
    """Return the effective rights of the terminal in the present session."""
    chip = core.session.terminal_authentication
    return Right(0) if chip is None or chip.effective is None else chip.effective.rights


def shown_key(core: Core) -> bytes | None:
    """Return the compressed key announced for Chip Authentication 2; None for version 1."""
    chip = core.session.terminal_authentication
    return None if chip is None or chip.effective is not None else chip.compressed_key


def _begun(core: Core) -> TerminalAuthenticationChip:
    if core.session.terminal_authentication is None:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, _DOING)
    return core.session.terminal_authentication


def _chip(core: Core) -> TerminalAuthenticationChip:
    if core.session.access not in {ChipAccess.BAC, ChipAccess.PACE}:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, _DOING)
    chip = core.session.terminal_authentication
    if chip is None:
        chip = TerminalAuthenticationChip(
            trust_state(core), _identifier(core), confined=_confined(core), random=core.random
        )
        core.session = core.session.with_terminal_authentication(chip)
    return chip


def _identifier(core: Core) -> bytes:
    """Return ID_IC (7.1.2): the chip's public key of PACE, or the document number after BAC."""
    result = core.session.pace_result
    if result is not None:
        return result.variant.group.compress(result.chip_public_key)
    identifier = core.state.keys.document_identifier
    if identifier is None:
        raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, _DOING)
    return identifier.reveal()


def _confined(core: Core) -> Chat | None:
    """Return the authorization to which the terminal has limited itself in PACE, if any."""
    result = core.session.pace_result
    if result is None or result.chat is None:
        return None
    return Chat.read(tlv.read(result.chat, _DOING))
