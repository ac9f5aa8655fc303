"""Ask the chip to prove that it is not a copy: Active and Chip Authentication."""

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from emrtd.access import active_authentication
from emrtd.access.chip_authentication import EphemeralKey, authenticate
from emrtd.access.chip_authentication_keys import choose
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.chaining import ResponseChainError
from emrtd.iso7816.procedure import Procedure
from emrtd.iso7816.secure_messaging import SecureMessagingError
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import ChipAuthenticationPublicKeyInfo, SecurityInfos
from support.errors import ChipsealError, MalformedError
from verify.inspection import events
from verify.inspection.channel import Channel, FirstExchange
from verify.inspection.faults import FAULTS_OF_CHIPS, StoppedError, fault_of
from verify.inspection.notes import Notes
from verify.judging.evidence import ActiveAuthenticationTranscript, ChipAuthenticationTranscript
from verify.judging.faults import Exhausted, Fault

_TRIES: Final = 2
"""A proof that was disturbed is tried once more, after the chip was reset and opened again."""

Transcript = TypeVar("Transcript", ChipAuthenticationTranscript, ActiveAuthenticationTranscript)


def try_again_if_disturbed(
    channel: Channel, attempt: Callable[[], Procedure[Transcript]]
) -> Procedure[Transcript]:
    """Run a proof; after a disturbance once more, in an opening of its own.

    The chip is also opened again after the second, since nobody knows what is left of the session.
    """
    before: Transcript | UnsetType = UNSET
    for _ in range(_TRIES):
        transcript = replace((yield from attempt()), before=before)
        if transcript.disturbed is UNSET or not (yield from channel.begin_again()):
            break
        before = transcript
    return transcript


def _ended_by(
    transcript: Transcript,
    channel: Channel,
    error: ChipsealError,
) -> Transcript:
    """Return the transcript of a proof that an error has ended.

    What no secure messaging has authenticated is a disturbance: the chip may have sent it, or
    another program or somebody on the radio link may have caused it.
    """
    fault = fault_of(error)
    match error:
        case StoppedError():
            return replace(transcript, undetermined=fault)
        case SecureMessagingError() | ResponseChainError():
            return replace(transcript, disturbed=fault)
        case ChipRefusalError() if channel.state.messaging is None:
            return replace(transcript, disturbed=fault)
    return replace(transcript, refusal=fault)


def fault_in(transcript: Transcript) -> Fault | None:
    """Return why the last try of a proof failed; None if it ran to its end."""
    return transcript.refusal or transcript.undetermined or (transcript.disturbed or None)


def prove_actively(channel: Channel) -> Procedure[None]:
    """Run Active Authentication if the chip has a DG15 (Doc 9303-11, 6.1)."""
    octets = channel.notes.files.get(FileID.DG15)
    if octets is None:
        return
    channel.tell(events.Proving(events.AuthenticationProtocol.ACTIVE_AUTHENTICATION))
    transcript = yield from try_again_if_disturbed(channel, lambda: _challenge(channel, octets))
    channel.notes.active_authentication = transcript
    protocol = events.AuthenticationProtocol.ACTIVE_AUTHENTICATION
    channel.tell(events.Proved(protocol, fault_in(transcript)))


def _challenge(channel: Channel, dg15: bytes) -> Procedure[ActiveAuthenticationTranscript]:
    try:
        key = DataGroup15.decode(dg15).public_key
    except MalformedError as error:
        return ActiveAuthenticationTranscript(undetermined=fault_of(error))
    procedure = active_authentication.challenge(key, random=channel.random)
    try:
        exchange = yield from channel.carry(procedure)
    except FAULTS_OF_CHIPS as error:
        return _ended_by(ActiveAuthenticationTranscript(), channel, error)
    return ActiveAuthenticationTranscript(exchange.nonce, exchange.signature)


def prove_by_key_agreement(channel: Channel) -> Procedure[None]:
    """Run Chip Authentication if DG14 has a key for it (Doc 9303-11, 6.2).

    All later commands use the new session.  If the chip does not answer in it, the chip is opened
    again.  If version 2 has proven the chip before, or shown a copy, this does nothing.
    """
    infos = _infos_with_key(channel.notes)
    if infos is None or channel.state.chip_authentication is not None:
        return
    version_2 = channel.notes.chip_authentication
    if version_2 is not None and version_2.refusal is not None:
        return
    channel.tell(events.Proving(events.AuthenticationProtocol.CHIP_AUTHENTICATION))
    transcript = yield from try_again_if_disturbed(channel, lambda: _agree(channel, infos))
    channel.notes.chip_authentication = transcript
    protocol = events.AuthenticationProtocol.CHIP_AUTHENTICATION
    channel.tell(events.Proved(protocol, fault_in(transcript)))


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
        first = yield from channel.change_session(
            result.secure_messaging, result.compressed_terminal_key
        )
    except FAULTS_OF_CHIPS as error:
        return _ended_by(transcript, channel, error)
    return (yield from after_first_exchange(channel, transcript, first))


def after_first_exchange(
    channel: Channel, transcript: ChipAuthenticationTranscript, first: FirstExchange
) -> Procedure[ChipAuthenticationTranscript]:
    """Return the transcript with the first exchange under the new keys, and what it shows."""
    transcript = replace(transcript, proof=first.exchange)
    if first.fault is None:
        return transcript
    if not first.in_former_session and not isinstance(first.fault, Exhausted):
        return replace(transcript, disturbed=first.fault)
    yield from channel.begin_again()
    return replace(transcript, refusal=first.fault)


def _infos_with_key(notes: Notes) -> SecurityInfos | None:
    """Return the SecurityInfos of DG14; None if they have no key for Chip Authentication."""
    octets = notes.files.get(FileID.DG14)
    try:
        infos = SecurityInfos() if octets is None else DataGroup14.decode(octets).security_infos
    except MalformedError:
        return None  # lds.structure reports it
    return infos if infos.of(ChipAuthenticationPublicKeyInfo) else None
