"""Chip Authentication Mapping: PACE also proves the chip's static key (9303-11, 4.4.3.5).

The chip sends CA_IC = SK_IC^-1 * SK_Map,IC, encrypted.  Checked with PK_IC from EF.CardSecurity, it
proves that the chip knows SK_IC.  The proof has no value unless passive authentication has found
EF.CardSecurity authentic.
"""

import hmac

from emrtd.crypto.ciphers import Cipher, pad, unpad
from emrtd.crypto.groups import Group
from emrtd.errors import ProtocolError
from support.errors import MalformedError
from support.secret import Secret


def generate(group: Group, static_private: Secret, mapping_private: int) -> bytes:
    """Compute CA_IC on the chip's side (4.4.3.5.1), in the size of the order of the group."""
    n = group.order
    inverse = pow(int.from_bytes(static_private.reveal(), "big"), -1, n)
    return (inverse * mapping_private % n).to_bytes(group.private_key_size, "big")


def verify(group: Group, data: bytes, static_public: bytes, mapping_public: bytes) -> None:
    """Verify on the terminal's side that PK_Map,IC = KA(CA_IC, PK_IC, D_IC) (4.4.3.5.2).

    `group` has the static domain parameters, `data` is the decrypted CA_IC.  Raises `ProtocolError`
    if the chip does not have the private key of `static_public`.
    """
    try:
        shared = group.shared_element(int.from_bytes(data, "big"), static_public)
    except MalformedError as error:
        raise ProtocolError(error.said) from None
    if not hmac.compare_digest(shared, mapping_public):
        raise ProtocolError("PACE-CAM: the chip does not have the private key of EF.CardSecurity")


def encrypt(cipher: Cipher, ks_enc: Secret, data: bytes) -> bytes:
    """Encrypt A_IC = E(KSEnc, CA_IC), with padding (4.4.3.5.3, 4.4.3.5.4)."""
    return cipher.encrypt_cbc(ks_enc, _iv(cipher, ks_enc), pad(data, cipher.block_size))


def decrypt(cipher: Cipher, ks_enc: Secret, encrypted: bytes, group: Group) -> bytes:
    """Decrypt CA_IC; raises `ProtocolError` unless it has the size of the group's order."""
    if len(encrypted) % cipher.block_size == 0:
        padded = cipher.decrypt_cbc(ks_enc, _iv(cipher, ks_enc), encrypted)
        try:
            data = unpad(padded, cipher.block_size)
        except MalformedError:
            data = b""
        if len(data) == group.private_key_size:
            return data
    raise ProtocolError("PACE-CAM: the chip's authentication data does not decrypt")


def _iv(cipher: Cipher, ks_enc: Secret) -> bytes:
    return cipher.encrypt_block(ks_enc, b"\xff" * cipher.block_size)  # E(KSEnc, -1)
