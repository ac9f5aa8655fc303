"""Makers of a forger's cards: a layer over a chip, or a chip with another table."""

from collections.abc import Callable

from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.files import FILES, FileID
from vsmartcard.card.interface import Card
from vsmartcard.card.lies import in_session
from vsmartcard.chip.commands import CarryOut, Instructions, instead
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.session import Core
from vsmartcard.forging.forgery import Build


def layered(layer: Callable[[Card], Card]) -> Build:
    """Return what makes a chip with a layer over it."""
    return lambda state, random: layer(Chip(state, random=random))


def with_table(instructions: Instructions) -> Build:
    """Return what makes a chip with this table of instructions."""
    return lambda state, random: Chip(state, random=random, instructions=instructions)


def refused(sw: int) -> Callable[[CarryOut], CarryOut]:
    """Return a change of an instruction: inside a session, this status word."""
    return in_session(lambda _: lambda _core, _command: ResponseAPDU(sw=sw))


def denying(file_id: FileID, sw: int) -> Instructions:
    """Return a table that denies one file inside a session, however it is addressed."""
    file = FILES[file_id]

    def select(carry_out: CarryOut) -> CarryOut:
        def answer(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if command.data == file.identifier.to_bytes(2, "big"):
                return ResponseAPDU(sw=sw)
            return carry_out(core, command)

        return answer

    def read(carry_out: CarryOut) -> CarryOut:
        def answer(core: Core, command: CommandAPDU) -> ResponseAPDU:
            if command.p1 == 0x80 | file.short_identifier:
                return ResponseAPDU(sw=sw)
            return carry_out(core, command)

        return answer

    table = instead(INS.SELECT, in_session(select))
    return instead(INS.READ_BINARY, in_session(read), table)
