"""The General Authentication Procedure, for chips of EAC version 2 (TR-03110-2, 2.3.5)."""

from msgspec.structs import replace

from emrtd.access.general_authentication import authenticate
from emrtd.access.pace.agreement import PaceResult
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.iso7816.procedure import Procedure
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.security_infos import SecurityInfos
from support.errors import MisuseError
from verify.inspection import events
from verify.inspection.channel import Channel
from verify.inspection.faults import FAULTS_OF_CHIPS, fault_of
from verify.inspection.terminal import accepted, refused
from verify.judging.evidence import ChipAuthenticationTranscript


def authenticate_both(
    channel: Channel,
    pace: PaceResult,
    card_access: SecurityInfos,
    credentials: TerminalCredentials,
) -> Procedure[None]:
    """Run Terminal and Chip Authentication in the master file, in the session of PACE.

    EF.CardSecurity is only captured here.  The judgement verifies its signature, on which the proof
    of Chip Authentication depends.
    """

    def read_card_security() -> Procedure[bytes]:
        octets = yield from channel.reader.read(FILES[FileID.CARD_SECURITY].address)
        channel.notes.files[FileID.CARD_SECURITY] = octets
        channel.tell(events.Read(FileID.CARD_SECURITY, len(octets)))
        return octets

    procedure = authenticate(
        pace,
        card_access,
        credentials,
        read_card_security,
        lambda octets: CardSecurity.decode(octets).security_infos,
        random=channel.random,
    )
    protocol = events.AuthenticationProtocol.GENERAL_AUTHENTICATION
    channel.tell(events.Proving(protocol))
    try:
        result = yield from channel.carry(procedure)
        proof = yield from channel.change_session(result.chip.secure_messaging)
    except (*FAULTS_OF_CHIPS, MisuseError) as error:
        fault = fault_of(error)
        channel.show(terminal_authentication=refused(credentials, fault))
        channel.tell(events.Proved(protocol, fault))
        return
    transcript = ChipAuthenticationTranscript(
        protocol=result.variant.protocol,
        key_id=result.variant.key.key_id,
        terminal_private_key=result.ephemeral.private.reveal(),
        version=2,
        nonce=result.chip.nonce,
    )
    channel.show(
        chip_authentication=replace(transcript, proof=proof),
        terminal_authentication=accepted(credentials, result.terminal.chain),
    )
    channel.tell(events.Proved(protocol))
