"""Ask the chip to prove that it is not a copy: Active and Chip Authentication."""

from typing import Final

from msgspec.structs import replace

from emrtd.access import active_authentication
from emrtd.access.chip_authentication import EphemeralKey, authenticate
from emrtd.access.chip_authentication_keys import choose
from emrtd.errors import ProtocolError
from emrtd.iso7816.procedure import Procedure
from emrtd.iso7816.secure_messaging import SecureMessagingError
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import ChipAuthenticationPublicKeyInfo, SecurityInfos
from support.errors import MalformedError
from verify.inspection import events
from verify.inspection.channel import Channel
from verify.inspection.faults import FAULTS_OF_CHIPS, StoppedError, fault_of
from verify.inspection.notes import Notes
from verify.judging.evidence import ActiveAuthenticationTranscript, ChipAuthenticationTranscript

_INCONCLUSIVE: Final = (SecureMessagingError, StoppedError)
"""The session is broken or over, so the chip was not asked or its answer did not arrive.

This proves nothing about the chip's key.
"""


def prove_actively(channel: Channel) -> Procedure[None]:
    """Run Active Authentication if the chip has a DG15 (Doc 9303-11, 6.1)."""
    octets = channel.notes.files.get(FileID.DG15)
    if octets is None:
        return
    channel.tell(events.Proving(events.AuthenticationProtocol.ACTIVE_AUTHENTICATION))
    transcript = yield from _challenge(channel, octets)
    channel.notes.active_authentication = transcript
    fault = transcript.refusal or transcript.undetermined
    channel.tell(events.Proved(events.AuthenticationProtocol.ACTIVE_AUTHENTICATION, fault))


def _challenge(channel: Channel, dg15: bytes) -> Procedure[ActiveAuthenticationTranscript]:
    try:
        key = DataGroup15.decode(dg15).public_key
    except MalformedError as error:
        return ActiveAuthenticationTranscript(undetermined=fault_of(error))
    procedure = active_authentication.challenge(key, random=channel.random)
    try:
        exchange = yield from channel.carry(procedure)
    except _INCONCLUSIVE as error:
        return ActiveAuthenticationTranscript(undetermined=fault_of(error))
    except FAULTS_OF_CHIPS as error:
        return ActiveAuthenticationTranscript(refusal=fault_of(error))
    return ActiveAuthenticationTranscript(exchange.nonce, exchange.signature)


def prove_by_key_agreement(channel: Channel) -> Procedure[None]:
    """Run Chip Authentication if DG14 has a key for it (Doc 9303-11, 6.2).

    All later commands use the new session.  If the chip does not have the private key, the session
    is lost, and the chip is opened again.  If version 2 has run before, this does nothing.
    """
    infos = _infos_with_key(channel.notes)
    if infos is None or channel.state.chip_authentication is not None:
        return
    channel.tell(events.Proving(events.AuthenticationProtocol.CHIP_AUTHENTICATION))
    transcript = yield from _agree(channel, infos)
    channel.notes.chip_authentication = transcript
    fault = transcript.refusal or transcript.undetermined
    channel.tell(events.Proved(events.AuthenticationProtocol.CHIP_AUTHENTICATION, fault))


def _agree(channel: Channel, infos: SecurityInfos) -> Procedure[ChipAuthenticationTranscript]:
    try:
        variant = choose(infos)
        ephemeral = EphemeralKey.generate(variant.key.group, channel.random)
    except (MalformedError, ProtocolError) as error:
        return ChipAuthenticationTranscript(undetermined=fault_of(error))
    transcript = ChipAuthenticationTranscript(
        protocol=variant.protocol,
        key_id=variant.key.key_id,
        terminal_private_key=ephemeral.private.reveal(),
    )
    procedure = authenticate(variant, ephemeral=ephemeral, random=channel.random)
    try:
        result = yield from channel.carry(procedure)
        proof = yield from channel.change_session(
            result.secure_messaging, result.compressed_terminal_key
        )
    except _INCONCLUSIVE as error:
        return replace(transcript, undetermined=fault_of(error))
    except FAULTS_OF_CHIPS as error:
        return replace(transcript, refusal=fault_of(error))
    return replace(transcript, proof=proof)


def _infos_with_key(notes: Notes) -> SecurityInfos | None:
    """Return the SecurityInfos of DG14; None if they have no key for Chip Authentication."""
    octets = notes.files.get(FileID.DG14)
    try:
        infos = SecurityInfos() if octets is None else DataGroup14.decode(octets).security_infos
    except MalformedError:
        return None  # lds.structure reports it
    return infos if infos.of(ChipAuthenticationPublicKeyInfo) else None
