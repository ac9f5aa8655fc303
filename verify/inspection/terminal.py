"""Terminal Authentication: prove this terminal's right to read DG3 and DG4 (Doc 9303-11, 7.1)."""

from collections.abc import Iterable, Iterator
from typing import Final

from emrtd.access.terminal_authentication import (
    TerminalCredentials,
    authenticate,
    identifier_of_document,
)
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import FILES, ElementaryFile, FileID
from emrtd.lds.security.security_infos import TerminalAuthenticationInfo
from emrtd.pki.cvc.authorization import Right
from emrtd.pki.cvc.certificates import CvCertificate
from support.errors import MalformedError, MisuseError
from verify.inspection import events
from verify.inspection.channel import Channel
from verify.inspection.faults import FAULTS_OF_CHIPS, fault_of
from verify.inspection.notes import Notes
from verify.judging.evidence import Step, TerminalAuthenticationTranscript
from verify.judging.faults import Fault, NotTried, Why

_RIGHTS: Final = {FileID.DG3: Right.READ_DG3, FileID.DG4: Right.READ_DG4}


def prove_right(channel: Channel, credentials: TerminalCredentials | None) -> Procedure[None]:
    """Run Terminal Authentication, if the chip offers it and there are credentials.

    If the General Authentication Procedure has run before, this does nothing.
    """
    info = _offered(channel.notes)
    if info is None or credentials is None or channel.state.chip_authentication is not None:
        return
    channel.tell(events.Proving(events.AuthenticationProtocol.TERMINAL_AUTHENTICATION))
    transcript = yield from _authenticate(channel, credentials, info)
    channel.show(terminal_authentication=transcript)
    channel.tell(
        events.Proved(events.AuthenticationProtocol.TERMINAL_AUTHENTICATION, transcript.refusal)
    )


def _authenticate(
    channel: Channel, credentials: TerminalCredentials, info: TerminalAuthenticationInfo
) -> Procedure[TerminalAuthenticationTranscript]:
    compressed = channel.state.terminal_key
    if compressed is None:
        return refused(credentials, NotTried(Why.NOTHING_TO_BIND_TO))
    references = yield from _references(channel, info)
    identifiers = tuple(_identifiers(channel))
    try:
        result = yield from channel.carry_in_chains(
            authenticate(credentials, references, identifiers, compressed)
        )
    except (*FAULTS_OF_CHIPS, MisuseError) as error:
        return refused(credentials, fault_of(error))
    return accepted(credentials, result.chain)


def accepted(
    credentials: TerminalCredentials, chain: Iterable[CvCertificate]
) -> TerminalAuthenticationTranscript:
    """Return the transcript of a success; the rights are those in every certificate."""
    rights = Right.READ_DG3 | Right.READ_DG4
    for certificate in chain:  # Doc 9303-11, 7.1.4.3.6
        rights &= certificate.chat.rights
    named = tuple(str(file_id) for file_id, right in _RIGHTS.items() if right in rights)
    return TerminalAuthenticationTranscript(credentials.reference, named)


def refused(credentials: TerminalCredentials, fault: Fault) -> TerminalAuthenticationTranscript:
    """Return the transcript of a failure, and why it failed."""
    return TerminalAuthenticationTranscript(credentials.reference, refusal=fault)


def objection_to_reading(channel: Channel, file_id: FileID) -> NotTried | None:
    """Return why the chip would refuse to read a sensitive data group; None if it would not."""
    if _offered(channel.notes) is None:
        return None
    transcript = channel.state.terminal_authentication
    if transcript is None:
        return NotTried(Why.NO_TERMINAL_KEY)
    if transcript.refusal is not None:
        return NotTried(Why.TERMINAL_NOT_AUTHENTICATED)
    if file_id not in transcript.rights:
        return NotTried(Why.NO_RIGHT, transcript.holder)
    return None


def _offered(notes: Notes) -> TerminalAuthenticationInfo | None:
    octets = notes.files.get(FileID.DG14)
    if octets is None:
        return None
    try:
        found = DataGroup14.decode(octets).security_infos.of(TerminalAuthenticationInfo)
    except MalformedError:
        return None  # lds.structure reports it
    return next((info for info in found if info.version == 1), None)


def _references(channel: Channel, info: TerminalAuthenticationInfo) -> Procedure[tuple[str, ...]]:
    """Return the references of the chip's trust points, from EF.CVCA or else from PACE."""
    file = FILES[FileID.CVCA]
    if info.ef_cvca is not None:
        short = 0 if info.ef_cvca_short is None else info.ef_cvca_short
        file = ElementaryFile(FileID.CVCA, info.ef_cvca, short, file.tag, Directory.EMRTD)
    octets = yield from channel.read_optional(file)
    try:
        if octets is not None:
            return Cvca.decode(octets).references
    except MalformedError as error:
        channel.fail(Step.TRUST_POINTS, fault_of(error))
    pace = channel.state.pace
    cars = () if pace is None else pace.cars
    return tuple(car.decode("latin-1") for car in cars)


def _identifiers(channel: Channel) -> Iterator[bytes]:
    """Yield ID_IC: the chip's compressed key after PACE, and the document number as after BAC."""
    pace = channel.state.pace
    if pace is not None:
        yield pace.variant.group.compress(pace.chip_public_key)
    try:
        yield identifier_of_document(
            DataGroup1.decode(channel.notes.files[FileID.DG1]).mrz.information
        )
    except (KeyError, MalformedError):
        return
