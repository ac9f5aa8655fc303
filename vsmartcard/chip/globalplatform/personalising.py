"""The commands of class 80 that a chip carries out: GET DATA, and those of the security domain.

PUT KEY, SET STATUS, INSTALL [for personalization] and STORE DATA with the data groupings of
`emrtd.globalplatform.emrtd_groupings` need the station's session; all but PUT KEY exist on chips of
the kind `globalplatform` only.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys
from emrtd.errors import ChipRefusalError
from emrtd.globalplatform import put_key
from emrtd.globalplatform.emrtd_groupings import FilePart, Grouping, KeyParts, NewFile
from emrtd.globalplatform.key_information import TEMPLATE
from emrtd.globalplatform.keys import StaticKeys
from emrtd.globalplatform.personalisation import (
    FOR_PERSONALISATION,
    INSTALL,
    LAST_BLOCK_NUMBER,
    STORE_DATA,
    StoreData,
    read_install,
)
from emrtd.globalplatform.security_domain import (
    CARD_IMAGE_NUMBER,
    CPLC,
    OF_THE_CARD,
    SET_STATUS,
    TERMINATED,
)
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.files import EMRTD_APPLICATION, MASTER_FILE
from emrtd.status_words import SW
from support.errors import ChipsealError
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.files.personalising import check_keys, require_usable
from vsmartcard.chip.life_cycle import Event, follow
from vsmartcard.chip.security_domain import BlankKind, SecurityDomain
from vsmartcard.chip.session import Core

_RESERVED: Final = frozenset({0x0000, MASTER_FILE, 0x3FFF, 0xFFFF})
_STATIC_KEYS: Final = 3


def carry_out(core: Core, command: CommandAPDU, domain: SecurityDomain) -> ResponseAPDU:
    """Carry out a plain command of class 80; raises `ChipRefusalError` to refuse it."""
    doing = f"instruction {command.ins:02X}"
    if command.cla != 0x80:
        raise ChipRefusalError(SW.CLASS_NOT_SUPPORTED, doing)
    if command.ins == INS.GET_DATA:
        return get_data(core, command, domain)
    instruction = _INSTRUCTIONS.get(command.ins)
    of_domain = domain.kind is BlankKind.GLOBALPLATFORM or command.ins == put_key.PUT_KEY
    if instruction is None or not of_domain:
        raise ChipRefusalError(SW.INSTRUCTION_NOT_SUPPORTED, doing)
    if core.session.station.channel is None:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, doing)
    before = core.state
    try:
        return instruction(core, command, domain)
    except BaseException as error:
        core.state = before
        if isinstance(error, ChipsealError) and not isinstance(error, ChipRefusalError):
            raise ChipRefusalError(SW.INCORRECT_DATA, doing) from None
        raise


def get_data(core: Core, command: CommandAPDU, domain: SecurityDomain) -> ResponseAPDU:
    """Return the card image number, the CPLC data or the key information."""
    tag = command.p1 << 8 | command.p2
    serial_number = core.state.hardware.serial_number
    if tag == CARD_IMAGE_NUMBER and serial_number and domain.kind is BlankKind.GLOBALPLATFORM:
        return ResponseAPDU(tlv.encode(CARD_IMAGE_NUMBER, serial_number))
    if tag == CPLC and domain.cplc:
        return ResponseAPDU(tlv.encode(CPLC, domain.cplc))
    if tag == TEMPLATE:
        size = len(domain.keys.enc)
        entries = (bytes((n, domain.key_version, put_key.AES_KEY, size)) for n in (1, 2, 3))
        return ResponseAPDU(tlv.encode(TEMPLATE, *(tlv.encode(0xC0, each) for each in entries)))
    raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, "GET DATA")


def _install(core: Core, command: CommandAPDU, _domain: SecurityDomain) -> ResponseAPDU:
    doing = "INSTALL [for personalization]"
    if command.p1 != FOR_PERSONALISATION or command.p2:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
    if read_install(command.data) != EMRTD_APPLICATION:
        raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, doing)
    station = replace(core.session.station, block=0, key_parts=KeyParts())
    core.session = core.session.with_station(station)
    return ResponseAPDU(b"\x00")


def _store_data(core: Core, command: CommandAPDU, domain: SecurityDomain) -> ResponseAPDU:
    station, doing = core.session.station, "STORE DATA"
    if station.block is None:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
    block = StoreData.read(command)
    if block.number != station.block:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
    if block.last is not any(each.identifier == Grouping.LOCK for each in block.groupings):
        raise ChipRefusalError(SW.INCORRECT_DATA, doing)
    for each in block.groupings:
        if block.encrypted is not (each.identifier == Grouping.KEYS):
            raise ChipRefusalError(SW.INCORRECT_DATA, doing)
        store = _GROUPINGS.get(each.identifier)
        if store is None:
            raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, doing)
        event = Event.ACTIVATE if each.identifier == Grouping.LOCK else Event.PERSONALISE
        after = follow(core.state.life_cycle, event, doing)
        store(core, each.value, domain)
        if after is not core.state.life_cycle:
            core.state = core.state.with_life_cycle(after)
    following = None if block.number == LAST_BLOCK_NUMBER else block.number + 1
    core.session = core.session.with_station(core.session.station.with_block(following))
    return ResponseAPDU()


def _put_key(core: Core, command: CommandAPDU, domain: SecurityDomain) -> ResponseAPDU:
    """Replace the whole key set; a chip has one."""
    new = put_key.receive_keys(command, domain.keys.dek)
    if command.p1 != domain.key_version:
        raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, "PUT KEY")
    if len(new.keys) != _STATIC_KEYS:
        raise ChipRefusalError(SW.INCORRECT_DATA, "PUT KEY")
    keys = StaticKeys(*new.keys)
    core.state = core.state.with_security_domain(domain.with_keys(keys, new.version))
    return ResponseAPDU(new.confirmation)


def _set_status(core: Core, command: CommandAPDU, _domain: SecurityDomain) -> ResponseAPDU:
    """Terminate the chip; it has no other life-cycle state that the station sets."""
    if (command.p1, command.p2) != (OF_THE_CARD, TERMINATED):
        raise ChipRefusalError(SW.INCORRECT_P1_P2, "SET STATUS")
    after = follow(core.state.life_cycle, Event.TERMINATE, "SET STATUS")
    core.state = core.state.with_life_cycle(after)
    return ResponseAPDU()


_INSTRUCTIONS: Final[Mapping[int, Callable[[Core, CommandAPDU, SecurityDomain], ResponseAPDU]]] = (
    MappingProxyType(
        {
            INSTALL: _install,
            STORE_DATA: _store_data,
            put_key.PUT_KEY: _put_key,
            SET_STATUS: _set_status,
        }
    )
)


def _create(core: Core, value: bytes, _domain: SecurityDomain) -> None:
    new = NewFile.read(value)
    if new.identifier in _RESERVED:
        raise ChipRefusalError(SW.INCORRECT_DATA, "STORE DATA")
    if new.size > core.state.hardware.memory:
        raise ChipRefusalError(SW.NOT_ENOUGH_MEMORY, "STORE DATA")
    short = new.short_identifier or None
    file = TransparentFile(new.directory, new.identifier, short, bytes(new.size))
    core.state = core.state.with_files(core.state.files.create(file))


def _write(core: Core, value: bytes, _domain: SecurityDomain) -> None:
    part = FilePart.read(value)
    file = core.state.files.find((part.directory, part.identifier))
    if file is None:
        raise ChipRefusalError(SW.FILE_NOT_FOUND, "STORE DATA")
    core.change_file(file.write(part.offset, part.octets))


def _store_keys(core: Core, value: bytes, domain: SecurityDomain) -> None:
    parts = core.session.station.key_parts.with_part(value)
    core.session = core.session.with_station(replace(core.session.station, key_parts=parts))
    whole = parts.whole(domain.keys.dek)
    if whole is not None:
        keys = ChipKeys.decode(whole.reveal())
        check_keys(keys, core)
        core.state = core.state.with_keys(keys)


def _lock(core: Core, value: bytes, _domain: SecurityDomain) -> None:
    if value:
        raise ChipRefusalError(SW.INCORRECT_DATA, "STORE DATA")
    require_usable(core)


_GROUPINGS: Final[Mapping[int, Callable[[Core, bytes, SecurityDomain], None]]] = MappingProxyType(
    {
        Grouping.CREATE: _create,
        Grouping.WRITE: _write,
        Grouping.KEYS: _store_keys,
        Grouping.LOCK: _lock,
    }
)
