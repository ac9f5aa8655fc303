"""Verify Chip Authentication from its transcript (Doc 9303-11, 6.2.1).

The session keys are derived from the terminal's ephemeral private key and the chip's signed public
key.  A chip that answered under these keys has the matching private key.
"""

from emrtd.access.chip_authentication import EphemeralKey
from emrtd.access.chip_authentication_keys import ChipAuthenticationVariant, variants
from emrtd.crypto.key_derivation import derive_session_keys
from emrtd.errors import ProtocolError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.security.security_infos import SecurityInfos
from support.errors import MalformedError
from verify.judging.evidence import ChipAuthenticationTranscript


def verify_transcript(infos: SecurityInfos, transcript: ChipAuthenticationTranscript) -> str:
    """Verify a transcript with the signed SecurityInfos; return the name of the variant used.

    Raises `ProtocolError` if the proof is missing or wrong, `MalformedError` if the transcript
    cannot be read.
    """
    proof = transcript.proof
    if proof is None:
        raise ProtocolError("Chip Authentication: the chip did not answer under the new keys")
    variant = _variant(infos, transcript)
    private = int.from_bytes(transcript.terminal_private_key, "big")
    if not 0 < private < variant.key.group.order:
        raise MalformedError("Chip Authentication transcript", "has no private key of the terminal")
    shared = EphemeralKey.of(variant.key.group, private).agree(variant.key.public)
    nonce = transcript.nonce if transcript.version == 2 else b""  # TR-03110-3, A.2.3.2
    keys = derive_session_keys(shared + nonce, variant.cipher)
    session = SecureMessaging(variant.cipher, *keys)
    session.unprotect_command(CommandAPDU.decode(proof.command))
    session.unprotect_response(ResponseAPDU.decode(proof.response))
    return variant.name


def _variant(
    infos: SecurityInfos, transcript: ChipAuthenticationTranscript
) -> ChipAuthenticationVariant:
    for variant in variants(infos, transcript.version):
        if (variant.protocol, variant.key.key_id) == (transcript.protocol, transcript.key_id):
            return variant
    raise ProtocolError("Chip Authentication: the key that was used is not one of the signed keys")
