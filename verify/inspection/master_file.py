"""Read the files in the master file that need no password, before the chip is opened."""

from typing import Final

from emrtd.iso7816.apdu import SHORT_MAX_LE
from emrtd.iso7816.procedure import Procedure
from emrtd.iso7816.selecting import select_master_file
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import SecurityInfos
from support.errors import MalformedError
from verify.inspection.channel import Channel
from verify.inspection.faults import FAULTS_OF_CHIPS, fault_of
from verify.judging.evidence import Step

_SHORT_RESPONSE: Final = SHORT_MAX_LE + 2


def read_master_file(channel: Channel) -> Procedure[SecurityInfos | None]:
    """Read EF.CardAccess, EF.ATR/INFO and EF.DIR; return the SecurityInfos of the first, or None.

    If EF.CardAccess is not found, the master file may not be selected: in an application that is
    selected by default, its short identifier selects EF.CVCA.
    """
    file = FILES[FileID.CARD_ACCESS]
    octets = yield from channel.read_optional(file)
    if octets is None or octets[0] != file.tag:
        channel.notes.files.pop(FileID.CARD_ACCESS, None)
        yield from _select_master_file(channel)
        octets = yield from channel.read(file, expected=False)
    yield from _learn_buffers(channel)
    yield from channel.read_optional(FILES[FileID.DIR])  # some chips keep it closed
    if octets is None:
        return None
    try:
        return CardAccess.decode(octets).security_infos
    except MalformedError as error:
        channel.fail(Step.CARD_ACCESS, fault_of(error))
        return None


def _select_master_file(channel: Channel) -> Procedure[None]:
    """Select the master file; a refusal is recorded and does not end the inspection."""
    try:
        yield from channel.carry(select_master_file())
    except FAULTS_OF_CHIPS as error:
        channel.fail(Step.MASTER_FILE, fault_of(error))


def _learn_buffers(channel: Channel) -> Procedure[None]:
    octets = yield from channel.read_optional(FILES[FileID.ATR_INFO])
    if octets is None:
        return
    try:
        info = AtrInfo.decode(octets)
    except MalformedError:
        return  # lds.structure reports it
    largest, capabilities = info.max_response, info.capabilities or Capability(0)
    channel.takes_chains = largest is None and Capability.COMMAND_CHAINING in capabilities
    if largest is not None and largest > _SHORT_RESPONSE:
        channel.reader.set_buffer(largest - 2)
