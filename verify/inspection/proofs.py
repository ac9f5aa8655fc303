"""Having the chip prove that it is no copy: Active Authentication, Chip Authentication."""

from msgspec.structs import replace

from emrtd.access import active_authentication
from emrtd.access.chip_authentication import ChipAuthenticationResult, EphemeralKey, authenticate
from emrtd.access.chip_authentication_keys import choose
from emrtd.errors import ProtocolError
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.iso7816.secure_messaging import SecureMessagingError
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import ChipAuthenticationPublicKeyInfo, SecurityInfos
from support.errors import MalformedError
from verify.inspection.channel import Channel, Notes
from verify.inspection.faults import FAULTS_OF_CHIPS, fault_of
from verify.judging.evidence import ActiveAuthenticationTranscript, ChipAuthenticationTranscript


def prove_actively(channel: Channel, notes: Notes, random: Random) -> Procedure[None]:
    """Active Authentication, where there is a DG15 (Doc 9303-11, 6.1)."""
    octets = notes.files.get(FileID.DG15)
    if octets is None:
        return
    try:
        key = DataGroup15.decode(octets).public_key
    except MalformedError as error:
        notes.active_authentication = ActiveAuthenticationTranscript(undetermined=fault_of(error))
        return
    try:
        exchange = yield from channel.carry(active_authentication.challenge(key, random=random))
    except SecureMessagingError as error:  # the session broke: that says nothing of the key
        notes.active_authentication = ActiveAuthenticationTranscript(undetermined=fault_of(error))
        return
    except FAULTS_OF_CHIPS as error:
        notes.active_authentication = ActiveAuthenticationTranscript(refusal=fault_of(error))
        return
    notes.active_authentication = ActiveAuthenticationTranscript(exchange.nonce, exchange.signature)


def prove_by_key_agreement(
    channel: Channel, notes: Notes, random: Random
) -> Procedure[ChipAuthenticationResult | None]:
    """Chip Authentication, where DG14 has a key for it (Doc 9303-11, 6.2).

    From then on everything goes through the new session.  Where the chip does not have the key, the
    session is lost, and the chip is opened anew.
    """
    infos = _infos_with_key(notes)
    if infos is None:
        return None
    try:
        variant = choose(infos)
        ephemeral = EphemeralKey.generate(variant.key.group, random)
    except (MalformedError, ProtocolError) as error:
        notes.chip_authentication = ChipAuthenticationTranscript(undetermined=fault_of(error))
        return None
    transcript = ChipAuthenticationTranscript(
        protocol=variant.protocol,
        key_id=variant.key.key_id,
        terminal_private_key=ephemeral.private.reveal(),
    )
    try:
        result = yield from channel.carry(authenticate(variant, ephemeral=ephemeral, random=random))
        proof = yield from channel.change_session(result.secure_messaging)
    except SecureMessagingError as error:  # the old session broke: that says nothing of the key
        notes.chip_authentication = replace(transcript, undetermined=fault_of(error))
        return None
    except FAULTS_OF_CHIPS as error:
        notes.chip_authentication = replace(transcript, refusal=fault_of(error))
        return None
    notes.chip_authentication = replace(transcript, proof=proof)
    return result if channel.session is result.secure_messaging else None


def _infos_with_key(notes: Notes) -> SecurityInfos | None:
    """The SecurityInfos of DG14, where they have a key for Chip Authentication."""
    octets = notes.files.get(FileID.DG14)
    try:
        infos = SecurityInfos() if octets is None else DataGroup14.decode(octets).security_infos
    except MalformedError:
        return None  # lds.structure says so
    return infos if infos.of(ChipAuthenticationPublicKeyInfo) else None
