"""Mutual authentication with the station, and its secure channel (SCP03).

    INITIALIZE UPDATE, EXTERNAL AUTHENTICATE > channel open > every command protected

A chip without transport keys, or one that is locked, refuses the class 80.  A chip of the kind
`iso7816-9` answers itself, whatever is selected; on one of the kind `globalplatform` the issuer
security domain must be selected, and a plain SELECT leaves it and ends the session.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emrtd import tlv
from emrtd.errors import ChipRefusalError
from emrtd.globalplatform.scp03 import CLA, INITIALIZE_UPDATE, Scp03Card
from emrtd.globalplatform.secure_channel import SecureChannelError, is_protected
from emrtd.globalplatform.security_domain import SECURITY_DOMAIN
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.files import EMRTD_APPLICATION
from emrtd.status_words import SW
from vsmartcard.chip.globalplatform import personalising
from vsmartcard.chip.security_domain import BlankKind, SecurityDomain
from vsmartcard.chip.session import Core, Session, StationSession

_BY_NAME: Final = 0x04
_SHORTEST_NAME: Final = 5
_NO_DATA: Final = 0x0C
_HANDSHAKE: Final = frozenset({INITIALIZE_UPDATE, int(INS.EXTERNAL_AUTHENTICATE)})

CarryOut = Callable[[CommandAPDU], ResponseAPDU]
"""Carries out a plain command of class 00."""


def answer(
    core: Core, command: CommandAPDU, domain: SecurityDomain, carry_out: CarryOut
) -> ResponseAPDU:
    """Answer a command to a chip that has a security domain and is not locked."""
    try:
        return _answer(core, command, domain, carry_out)
    except ChipRefusalError as refusal:
        return ResponseAPDU(sw=refusal.sw)
    except SecureChannelError as error:
        core.session = core.session.with_station(
            StationSession(selected=core.session.station.selected)
        )
        return ResponseAPDU(sw=error.sw)


def _answer(
    core: Core, command: CommandAPDU, domain: SecurityDomain, carry_out: CarryOut
) -> ResponseAPDU:
    on_security_domain = domain.kind is BlankKind.GLOBALPLATFORM
    if on_security_domain and command.ins == INS.SELECT and command.cla == 0x00:
        selected = _selects_security_domain(command)
        if selected or core.session.station.selected:
            core.session = Session(station=StationSession(selected=selected))
        return _select_security_domain(command) if selected else carry_out(command)
    station = core.session.station
    if command.ins in _HANDSHAKE and command.cla & CLA:
        if on_security_domain and not station.selected:
            raise ChipRefusalError(SW.CLASS_NOT_SUPPORTED, "class 80")
        if command.ins == INITIALIZE_UPDATE:
            return _initialize_update(core, command, domain)
        return _external_authenticate(core, command, domain)
    if station.channel is None:
        if is_protected(command.cla):
            raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, "no session")
        return _carry_out(core, command, domain, carry_out)
    plain = station.channel.unprotect_command(command)
    try:
        response = _carry_out(core, plain, domain, carry_out)
    except ChipRefusalError as refusal:
        response = ResponseAPDU(sw=refusal.sw)
    if core.state.requires_station is None:  # locked or terminated: the session has ended
        core.session = Session()
    return station.channel.protect_response(response)


def _carry_out(
    core: Core, command: CommandAPDU, domain: SecurityDomain, carry_out: CarryOut
) -> ResponseAPDU:
    """Carry out a plain command, whichever class it has."""
    if command.cla & CLA:
        return personalising.carry_out(core, command, domain)
    if core.session.station.selected:
        if command.ins == INS.GET_DATA:  # of either class (GPCS, 11.3.2)
            return personalising.get_data(core, command, domain)
        raise ChipRefusalError(SW.INSTRUCTION_NOT_SUPPORTED, "the security domain")
    return carry_out(command)


def _selects_security_domain(command: CommandAPDU) -> bool:
    name = command.data
    return (
        command.p1 == _BY_NAME and len(name) >= _SHORTEST_NAME and SECURITY_DOMAIN.startswith(name)
    )


def _select_security_domain(command: CommandAPDU) -> ResponseAPDU:
    """Return the file control information (GPCS, 11.9.3.1)."""
    if command.p2 == _NO_DATA or command.ne is None:
        return ResponseAPDU()
    longest = tlv.encode(0xA5, tlv.encode(0x9F65, b"\xff"))
    return ResponseAPDU(tlv.encode(0x6F, tlv.encode(0x84, SECURITY_DOMAIN), longest))


def _initialize_update(core: Core, command: CommandAPDU, domain: SecurityDomain) -> ResponseAPDU:
    """Begin; the session that was open ends, and the attempt is counted in the chip's state."""
    selected = core.session.station.selected
    core.session = core.session.with_station(StationSession(selected=selected))
    key_set = domain.key_set
    card = Scp03Card(
        [key_set],
        domain.variant,
        aid=SECURITY_DOMAIN if selected else EMRTD_APPLICATION,
        diversification_data=domain.diversification_data,
        counts_empty_commands=domain.counts_empty_commands,
        random=core.random,
    )
    data = card.initialize_update(command)
    core.state = core.state.with_security_domain(domain.after(key_set))
    core.session = core.session.with_station(
        StationSession(selected=selected, card=card, key_set=key_set)
    )
    return ResponseAPDU(data)


def _external_authenticate(
    core: Core, command: CommandAPDU, domain: SecurityDomain
) -> ResponseAPDU:
    station = core.session.station
    core.session = core.session.with_station(StationSession(selected=station.selected))
    if station.card is None or station.key_set is None:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, "EXTERNAL AUTHENTICATE")
    channel = station.card.external_authenticate(command)
    core.state = core.state.with_security_domain(domain.after(station.key_set))
    core.session = core.session.with_station(replace(station, card=None, channel=channel))
    return ResponseAPDU()
