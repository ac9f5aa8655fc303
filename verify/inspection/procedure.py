"""One inspection, from the first command to the last (Doc 9303-11, 4.2 and Appendix J.1)."""

import secrets
import time
from collections.abc import Callable

import msgspec

from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.iso7816.procedure import Procedure, Random, run
from emrtd.lds.com import Com
from emrtd.lds.files import FILES, ElementaryFile, FileID, data_group
from emrtd.lds.security.sod import Sod
from emrtd.transport.connection import Connection
from emrtd.transport.trace import MeteredConnection
from support.errors import MalformedError
from verify.inspection.channel import Channel, Notes
from verify.inspection.opening import Credentials, Opener
from verify.inspection.proofs import prove_actively, prove_by_key_agreement
from verify.inspection.terminal import objection_to_reading, prove_right
from verify.judging.evidence import Evidence
from verify.judging.policy import BasicAccessControl


def inspect(
    credentials: Credentials,
    *,
    basic_access_control: BasicAccessControl = BasicAccessControl.FALLBACK,
    optical_mrz: str = "",
    terminal: TerminalCredentials | None = None,
    random: Random = secrets.token_bytes,
) -> Procedure[Evidence]:
    """Inspect one chip, from its reset on.

    `optical_mrz` goes into the evidence, to be compared with DG1; `terminal` is what opens
    sensitive data, where there is a right to it.  Raises `TransportError` where
    the card leaves, and nothing else for whatever the chip does.
    """
    channel, notes = Channel(), Notes()
    opener = Opener(channel, notes, credentials, basic_access_control, terminal, random)
    if (yield from opener.open()):
        numbers = yield from _read_lists(channel, notes)
        for number in numbers:
            file = data_group(number)
            if not file.sensitive and file.file_id not in notes.files:
                yield from channel.read(file, notes)
        yield from prove_actively(channel, notes, random)
        if notes.chip_authentication is None:  # version 2 has come before all else
            chip_authentication = yield from prove_by_key_agreement(channel, notes, random)
            yield from prove_right(channel, notes, terminal, chip_authentication)
        for file in map(data_group, numbers):
            if file.sensitive:  # last: Terminal Authentication comes before
                yield from _read_sensitive(channel, notes, file)
    return notes.evidence(optical_mrz)


def _read_sensitive(channel: Channel, notes: Notes, file: ElementaryFile) -> Procedure[None]:
    """Read DG3 or DG4; where the chip would refuse it, do not even ask."""
    objection = objection_to_reading(notes, file.file_id)
    if objection is None:
        yield from channel.read(file, notes)
    else:
        notes.unread[file.file_id] = objection


def capture(
    connection: Connection,
    procedure: Procedure[Evidence],
    trace: Callable[[str], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Evidence:
    """Run an inspection over a connection; adds ATR, commands, octets and time to the evidence."""
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


def _read_lists(channel: Channel, notes: Notes) -> Procedure[tuple[int, ...]]:
    """Read EF.COM and EF.SOD; return the data groups to read.

    It is the signed list that counts: who strips DG15 from EF.COM strips nothing.  Only where there
    is no EF.SOD to be read does EF.COM say what to capture.
    """
    if FileID.COM not in notes.files:
        yield from channel.read(FILES[FileID.COM], notes)
    octets = yield from channel.read(FILES[FileID.SOD], notes)
    try:
        if octets is not None:
            return tuple(sorted(Sod.parse(octets).security_object.hashes))
        return tuple(sorted(Com.decode(notes.files[FileID.COM]).data_groups))
    except (KeyError, MalformedError):
        return (1, 2)
