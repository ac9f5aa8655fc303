"""The General Authentication Procedure, for chips of EAC version 2 (TR-03110-2, 2.3.5)."""

from emrtd.access.general_authentication import authenticate
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.iso7816.procedure import Procedure
from emrtd.iso7816.secure_messaging import SecureMessagingError
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.security_infos import SecurityInfos
from support.errors import MisuseError
from verify.inspection import events
from verify.inspection.channel import Channel
from verify.inspection.faults import FAULTS_OF_CHIPS, fault_of
from verify.inspection.proofs import after_first_exchange, fault_in, try_again_if_disturbed
from verify.inspection.terminal import accepted, refused
from verify.judging.evidence import ChipAuthenticationTranscript
from verify.judging.faults import NotTried, Why


def authenticate_both(
    channel: Channel, card_access: SecurityInfos, credentials: TerminalCredentials
) -> Procedure[None]:
    """Run Terminal and Chip Authentication in the master file, in the session of PACE.

    EF.CardSecurity is only captured here.  The judgement verifies its signature, on which the proof
    of Chip Authentication depends.  If the procedure was disturbed, it is run once more after
    another PACE; if the second was disturbed too, the chip is open without it.
    """
    protocol = events.AuthenticationProtocol.GENERAL_AUTHENTICATION
    channel.tell(events.Proving(protocol))
    transcript = yield from try_again_if_disturbed(
        channel, lambda: _authenticate_both(channel, card_access, credentials)
    )
    if transcript.proof is None:
        channel.tell(events.Proved(protocol, fault_in(transcript)))
        return
    if fault_in(transcript) is None:
        channel.show(chip_authentication=transcript)
    else:  # it stays in the evidence unless version 1 gives another
        channel.notes.chip_authentication = transcript
    channel.tell(events.Proved(protocol, fault_in(transcript)))


def _authenticate_both(
    channel: Channel, card_access: SecurityInfos, credentials: TerminalCredentials
) -> Procedure[ChipAuthenticationTranscript]:
    pace = channel.state.pace
    if pace is None:
        return ChipAuthenticationTranscript(undetermined=NotTried(Why.NO_SESSION), version=2)

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
    try:
        result = yield from channel.carry(procedure)
        first = yield from channel.change_session(result.chip.secure_messaging)
    except (*FAULTS_OF_CHIPS, MisuseError) as error:
        fault = fault_of(error)
        channel.show(terminal_authentication=refused(credentials, fault))
        if isinstance(error, SecureMessagingError):
            return ChipAuthenticationTranscript(disturbed=fault, version=2)
        return ChipAuthenticationTranscript(undetermined=fault, version=2)
    transcript = ChipAuthenticationTranscript(
        protocol=result.variant.protocol,
        key_id=result.variant.key.key_id,
        terminal_private_key=result.ephemeral.private.reveal(),
        version=2,
        nonce=result.chip.nonce,
    )
    channel.show(terminal_authentication=accepted(credentials, result.terminal.chain))
    return (yield from after_first_exchange(channel, transcript, first))
