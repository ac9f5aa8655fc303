"""The computations that both sides of PACE share: nonce, session keys, tokens, and the result."""

from typing import Final

from emrtd.access.pace.variants import PaceVariant
from emrtd.access.passwords import Password, PasswordType
from emrtd.crypto.integrated_mapping import nonce_size
from emrtd.crypto.key_derivation import derive_session_keys
from emrtd.crypto.protocols import Mapping
from emrtd.errors import ProtocolError
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.security.security_infos import PaceInfo
from support.reasons import Reason
from support.secret import Secret
from support.values import Hidden, Value

_GENERIC_NONCE_SIZE: Final = 16
_MAX_NONCE_SIZE: Final = 64


class PaceResult(Value, frozen=True):
    """The result of PACE, for either side.

    The public keys are the ephemeral keys of the key agreement; Terminal Authentication binds to
    them.  `mapping_public_key` is PK_Map,IC (None with Integrated Mapping).
    `chip_authentication_data` is CA_IC, decrypted but not yet verified: see
    `chip_authentication_mapping.verify`.  `cars` are the Certification Authority References, most
    recent first.  `chat` is the data object 7F4C that requested them.
    """

    variant: PaceVariant
    password: PasswordType
    secure_messaging: Hidden[SecureMessaging]
    terminal_public_key: bytes
    chip_public_key: bytes
    mapping_public_key: bytes | None = None
    chip_authentication_data: Hidden[bytes | None] = None
    cars: tuple[bytes, ...] = ()
    chat: bytes | None = None

    @property
    def info(self) -> PaceInfo:
        """The PACEInfo that was used."""
        return self.variant.info


def size_of_nonce(variant: PaceVariant) -> int:
    """Return the size in octets of the nonce s that a chip chooses (4.4.3.3)."""
    integrated = variant.info.mapping is Mapping.INTEGRATED
    return nonce_size(variant.info.cipher) if integrated else _GENERIC_NONCE_SIZE


def encrypt_nonce(variant: PaceVariant, password: Password, s: Secret) -> bytes:
    """Encrypt the nonce: z = E(K_pi, s)."""
    cipher = variant.info.cipher
    return cipher.encrypt_cbc(password.key(cipher), bytes(cipher.block_size), s.reveal())


def decrypt_nonce(variant: PaceVariant, password: Password, z: bytes) -> Secret:
    """Decrypt s = D(K_pi, z); raises `ProtocolError` for a wrong size or an all-zero nonce."""
    cipher = variant.info.cipher
    wrong = not 0 < len(z) <= _MAX_NONCE_SIZE or len(z) % cipher.block_size
    if wrong or (variant.info.mapping is Mapping.INTEGRATED and len(z) != nonce_size(cipher)):
        raise ProtocolError(
            Reason("PACE: the chip sent an encrypted nonce of {count} octets", count=len(z))
        )
    s = cipher.decrypt_cbc(password.key(cipher), bytes(cipher.block_size), z)
    if not any(s):
        raise ProtocolError("PACE: the chip's nonce is all zeros")
    return Secret(s)


class SessionKeys:
    """KSEnc and KSMAC, derived from a shared secret K (9.7.4)."""

    def __init__(self, variant: PaceVariant, shared: bytes) -> None:
        self._variant = variant
        self.enc, self._mac = derive_session_keys(shared, variant.info.cipher)

    def token(self, public: bytes) -> bytes:
        """Compute the authentication token over the *other* side's public key (4.4.3.4)."""
        info, group = self._variant.info, self._variant.group
        return info.cipher.mac(self._mac, group.public_key_object(info.protocol, public))

    def secure_messaging(self) -> SecureMessaging:
        """Make the new session; its SSC starts at zero, with 3DES too (9.8.6.3)."""
        return SecureMessaging(self._variant.info.cipher, self.enc, self._mac)


def require_different(ours: bytes, theirs: bytes) -> None:
    """Raise `ProtocolError` if both public keys are equal, leading zeros aside (4.4.1, step 3d)."""
    if ours == theirs.lstrip(b"\x00"):
        raise ProtocolError("PACE: the other side returned our own public key")
