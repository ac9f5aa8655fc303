"""The commands of the chip, in one table.

The table is an argument of `Chip`.  To make a chip that behaves differently, give it another table,
made with `instead`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.chip.files import data_objects, personalising, reading, selecting
from vsmartcard.chip.life_cycle import Event, follow
from vsmartcard.chip.protocols import (
    active_authentication,
    challenges,
    pace,
    security_environment,
    terminal_authentication,
)
from vsmartcard.chip.security_domain import BlankKind
from vsmartcard.chip.session import Core

CarryOut = Callable[[Core, CommandAPDU], ResponseAPDU]
"""Carries out one whole, plain command; raises `ChipRefusalError` to refuse it."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """The function that carries out a command, and the life-cycle event that the command is."""

    carry_out: CarryOut
    event: Event = Event.USE


def _nothing_to_fetch(_core: Core, _command: CommandAPDU) -> ResponseAPDU:
    raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, "GET RESPONSE")


Instructions = Mapping[int, Instruction]
"""The commands of a chip, by instruction octet."""

INSTRUCTIONS: Final[Instructions] = MappingProxyType(
    {
        INS.SELECT: Instruction(selecting.select),
        INS.READ_BINARY: Instruction(reading.read_binary),
        INS.READ_BINARY_ODD: Instruction(reading.read_binary_odd),
        INS.GET_CHALLENGE: Instruction(challenges.get_challenge),
        INS.EXTERNAL_AUTHENTICATE: Instruction(challenges.external_authenticate),
        INS.INTERNAL_AUTHENTICATE: Instruction(active_authentication.internal_authenticate),
        INS.MANAGE_SECURITY_ENVIRONMENT: Instruction(
            security_environment.manage_security_environment
        ),
        INS.GENERAL_AUTHENTICATE: Instruction(security_environment.general_authenticate),
        INS.PERFORM_SECURITY_OPERATION: Instruction(
            terminal_authentication.perform_security_operation
        ),
        INS.RESET_RETRY_COUNTER: Instruction(pace.reset_retry_counter),
        INS.GET_DATA: Instruction(data_objects.get_data, Event.IDENTIFY),
        INS.GET_RESPONSE: Instruction(_nothing_to_fetch),
        INS.CREATE_FILE: Instruction(personalising.create_file, Event.PERSONALISE),
        INS.UPDATE_BINARY: Instruction(personalising.update_binary, Event.PERSONALISE),
        INS.UPDATE_BINARY_ODD: Instruction(personalising.update_binary_odd, Event.PERSONALISE),
        INS.PUT_DATA: Instruction(personalising.put_data, Event.PERSONALISE),
        INS.ACTIVATE_FILE: Instruction(personalising.activate_file, Event.ACTIVATE),
        INS.TERMINATE_CARD_USAGE: Instruction(personalising.terminate_card_usage, Event.TERMINATE),
    }
)
"""`vsmartcard.chip.dispatch` handles chaining, and GET RESPONSE while there is data to fetch."""


def instead(
    ins: int, change: Callable[[CarryOut], CarryOut], instructions: Instructions = INSTRUCTIONS
) -> Instructions:
    """Return a table in which one instruction is carried out differently.

    `change` receives the function that carries it out in `instructions`, and returns the new one.
    The event stays the same.
    """
    known = instructions[ins]
    changed = Instruction(change(known.carry_out), known.event)
    return MappingProxyType({**instructions, ins: changed})


def carry_out(instructions: Instructions, core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Carry out one whole, plain command with a table; raises `ChipRefusalError` to refuse it.

    The life-cycle state changes only if the command succeeds.
    """
    instruction = instructions.get(command.ins)
    if instruction is None:
        raise ChipRefusalError(SW.INSTRUCTION_NOT_SUPPORTED, f"instruction {command.ins:02X}")
    event = instruction.event
    if event is not Event.USE and event is not Event.IDENTIFY:
        _require_station(core, command)
    before = core.state.life_cycle
    after = follow(before, event, f"instruction {command.ins:02X}")
    response = instruction.carry_out(core, command)
    if after is not before:
        core.state = core.state.with_life_cycle(after)
    return response


def _require_station(core: Core, command: CommandAPDU) -> None:
    """Refuse to be personalised by anyone but the station that has the transport keys."""
    domain, doing = core.state.requires_station, f"instruction {command.ins:02X}"
    if domain is None:
        return
    if domain.kind is BlankKind.GLOBALPLATFORM:
        raise ChipRefusalError(SW.INSTRUCTION_NOT_SUPPORTED, doing)
    if core.session.station.channel is None:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, doing)
