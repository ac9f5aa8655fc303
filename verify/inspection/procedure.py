"""One inspection, from the first command to the last (Doc 9303-11, 4.2 and Appendix J.1)."""

import secrets
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.iso7816.life_cycle import read_control_parameters
from emrtd.iso7816.procedure import Procedure, Random, run
from emrtd.lds.com import Com
from emrtd.lds.files import EMRTD_APPLICATION, FILES, ElementaryFile, FileID, data_group
from emrtd.lds.security.sod import Sod
from emrtd.transport.connection import Connection
from emrtd.transport.trace import MeteredConnection
from support.errors import MalformedError
from verify.inspection.channel import Channel
from verify.inspection.events import Listener, guarded, ignore
from verify.inspection.faults import FAULTS_OF_CHIPS, fault_of
from verify.inspection.notes import Notes
from verify.inspection.opening import Credentials, Opener
from verify.inspection.proofs import prove_actively, prove_by_key_agreement
from verify.inspection.state import Stage
from verify.inspection.terminal import objection_to_reading, prove_right
from verify.judging.evidence import Evidence
from verify.judging.policy import BasicAccessControl


def inspect(
    credentials: Credentials,
    *,
    basic_access_control: BasicAccessControl = BasicAccessControl.FALLBACK,
    optical_mrz: str = "",
    terminal: TerminalCredentials | None = None,
    life_cycle_status: bool = True,
    random: Random = secrets.token_bytes,
    listener: Listener = ignore,
) -> Procedure[Evidence]:
    """Inspect one chip that has just been reset; return the evidence.

    `optical_mrz` is stored in the evidence, to be compared with DG1.  `terminal` holds the
    certificates and key of Terminal Authentication, which opens DG3 and DG4.
    `life_cycle_status`: whether the chip is asked for it, in one command after everything else.
    `listener` receives events as they happen; see `verify.inspection.events`.

    Raises `TransportError` if the card is removed; no behaviour of the chip raises anything.
    Raises `ListenerError` if the listener raises: the inspection then ends without evidence.
    """
    channel = Channel(Notes(), guarded(listener), random)
    opener = Opener(channel, credentials, basic_access_control, terminal)
    if (yield from opener.open()):
        files = yield from _read_lists(channel)
        for file in files:
            if not file.sensitive and file.file_id not in channel.notes.files:
                yield from channel.read(file)
        for prove in _PROOFS:
            yield from prove(channel, terminal)
        for file in files:
            if file.sensitive:
                yield from _read_sensitive(channel, file)
        if life_cycle_status and channel.state.stage is Stage.OPEN:
            yield from _ask_for_life_cycle(channel)
    return channel.notes.evidence(channel.state, optical_mrz)


_PROOFS: Final[tuple[Callable[[Channel, TerminalCredentials | None], Procedure[None]], ...]] = (
    lambda channel, _: prove_actively(channel),
    lambda channel, _: prove_by_key_agreement(channel),
    prove_right,
)
"""The authentication protocols, run after the files are read and before DG3 and DG4 are."""


def _read_sensitive(channel: Channel, file: ElementaryFile) -> Procedure[None]:
    """Read DG3 or DG4; record why not, without asking, if the chip would refuse."""
    objection = objection_to_reading(channel, file.file_id)
    if objection is None:
        yield from channel.read(file)
    else:
        channel.leave(file.file_id, objection)


def _ask_for_life_cycle(channel: Channel) -> Procedure[None]:
    """Record the control parameters of the application; a failure has no consequence.

    This is the last command, because some chips end the session at a second SELECT.
    """
    try:
        answer = yield from channel.carry(read_control_parameters(EMRTD_APPLICATION))
    except FAULTS_OF_CHIPS as error:
        channel.notes.control_parameters = fault_of(error)
    else:
        channel.notes.control_parameters = answer


def capture(
    connection: Connection,
    procedure: Procedure[Evidence],
    trace: Callable[[str], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Evidence:
    """Run an inspection over a connection; add ATR, counts and seconds to its evidence."""
    metered = MeteredConnection(connection, trace)
    began = clock()
    evidence = run(procedure, metered.transmit, metered.reset)
    session = evidence.session
    if session is not None:
        session = msgspec.structs.replace(
            session,
            atr=metered.atr,
            apdus=metered.apdus,
            octets=metered.octets,
            seconds=clock() - began,
        )
    return msgspec.structs.replace(evidence, session=session)


def _read_lists(channel: Channel) -> Procedure[tuple[ElementaryFile, ...]]:
    """Read EF.COM and EF.SOD; return the data groups to read.

    These are the data groups that EF.SOD lists, because that list is signed: removing DG15 from
    EF.COM has no effect.  The list in EF.COM is used only if EF.SOD cannot be read.
    """
    notes = channel.notes
    if FileID.COM not in notes.files:
        yield from channel.read(FILES[FileID.COM])
    octets = yield from channel.read(FILES[FileID.SOD])
    numbers: Iterable[int]
    try:
        if octets is not None:
            numbers = Sod.parse(octets).security_object.hashes
        else:
            numbers = Com.decode(notes.files[FileID.COM]).data_groups
    except (KeyError, MalformedError):
        numbers = (1, 2)
    return tuple(map(data_group, sorted(numbers)))
