"""What both sides of PACE compute: nonce, session keys, tokens, and the result."""

from dataclasses import dataclass, field
from typing import Final

from emrtd.access.pace.variants import PaceVariant
from emrtd.access.passwords import Password, PasswordType
from emrtd.crypto.integrated_mapping import nonce_size
from emrtd.crypto.key_derivation import derive_session_keys
from emrtd.crypto.protocols import Mapping
from emrtd.errors import ProtocolError
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.security.security_infos import PaceInfo
from support.secret import Secret

_GENERIC_NONCE_SIZE: Final = 16
_MAX_NONCE_SIZE: Final = 64


@dataclass(frozen=True, slots=True)
class PaceResult:
    """What PACE has come to, for either side.

    The public keys are the ephemeral ones of the key agreement; Terminal Authentication binds to
    them.  `mapping_public_key` is PK_Map,IC (None with Integrated Mapping) and
    `chip_authentication_data` CA_IC, decrypted but not yet verified: see
    `chip_authentication_mapping.verify`.  `cars` are the Certification Authority References, most
    recent first, and `chat` the data object 7F4C that asked for them.
    """

    variant: PaceVariant
    password: PasswordType
    secure_messaging: SecureMessaging = field(repr=False)
    terminal_public_key: bytes
    chip_public_key: bytes
    mapping_public_key: bytes | None = None
    chip_authentication_data: bytes | None = field(default=None, repr=False)
    cars: tuple[bytes, ...] = ()
    chat: bytes | None = None

    @property
    def info(self) -> PaceInfo:
        """The PACEInfo that was used."""
        return self.variant.info


def size_of_nonce(variant: PaceVariant) -> int:
    """Octets of the nonce s that a chip chooses (4.4.3.3)."""
    integrated = variant.info.mapping is Mapping.INTEGRATED
    return nonce_size(variant.info.cipher) if integrated else _GENERIC_NONCE_SIZE


def encrypt_nonce(variant: PaceVariant, password: Password, s: Secret) -> bytes:
    """z = E(K_pi, s)."""
    cipher = variant.info.cipher
    return cipher.encrypt_cbc(password.key(cipher), bytes(cipher.block_size), s.reveal())


def decrypt_nonce(variant: PaceVariant, password: Password, z: bytes) -> Secret:
    """s = D(K_pi, z); raises `ProtocolError` for what is no nonce, such as one of zeros."""
    cipher = variant.info.cipher
    wrong = not 0 < len(z) <= _MAX_NONCE_SIZE or len(z) % cipher.block_size
    if wrong or (variant.info.mapping is Mapping.INTEGRATED and len(z) != nonce_size(cipher)):
        raise ProtocolError(f"PACE: an encrypted nonce of {len(z)} octets")
    s = cipher.decrypt_cbc(password.key(cipher), bytes(cipher.block_size), z)
    if not any(s):
        raise ProtocolError("PACE: the chip's nonce is all zeros")
    return Secret(s)


class SessionKeys:
    """KSEnc and KSMAC of a shared secret K (9.7.4)."""

    def __init__(self, variant: PaceVariant, shared: bytes) -> None:
        self._variant = variant
        self.enc, self._mac = derive_session_keys(shared, variant.info.cipher)

    def token(self, public: bytes) -> bytes:
        """The authentication token over the *other* side's public key (4.4.3.4)."""
        info, group = self._variant.info, self._variant.group
        return info.cipher.mac(self._mac, group.public_key_object(info.protocol, public))

    def secure_messaging(self) -> SecureMessaging:
        """The session that begins; its SSC is zero, with 3DES too (9.8.6.3)."""
        return SecureMessaging(self._variant.info.cipher, self.enc, self._mac)


def require_different(ours: bytes, theirs: bytes) -> None:
    """4.4.1, step 3d: the two public keys differ, however the other side pads an integer."""
    if ours == theirs.lstrip(b"\x00"):
        raise ProtocolError("PACE: the other side returned our own public key")
