"""The pseudo-random function of PACE with Integrated Mapping (Doc 9303-11, 4.4.3.3.2, figure 2)."""

from typing import Final

from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.groups import Group
from support.errors import MalformedError
from support.secret import Secret

_C128: Final = (
    bytes.fromhex("A668892A7C41E3CA739F40B057D85904"),
    bytes.fromhex("A4E136AC725F738B01C1F60217C188AD"),
)
_C256: Final = (
    bytes.fromhex("D463D65234124EF7897054986DCA0A174E28DF758CBAA03F240616414D5A1676"),
    bytes.fromhex("54BD7255F0AAF831BEC3423FCF39D69B6CBF066677D0FAAE5AADD99DF8E53517"),
)


def nonce_size(cipher: Cipher) -> int:
    """Return the size in octets of the nonce s: the smallest number of whole blocks for a key."""
    return -(-cipher.key_size // cipher.block_size) * cipher.block_size


def pseudo_random(s: Secret, t: bytes, cipher: Cipher, p: int) -> tuple[bytes, int]:
    """Compute R(s, t) and Rp(s, t), which is R(s, t) modulo p.

    s has `nonce_size(cipher)` octets, t has the size of a key.  Raises `MalformedError` for other
    sizes.
    """
    if len(s) != nonce_size(cipher) or len(t) != cipher.key_size:
        raise MalformedError("nonce of Integrated Mapping", "has a wrong length")
    c0, c1 = _C256 if cipher in {Cipher.AES192, Cipher.AES256} else _C128
    zero = bytes(cipher.block_size)
    key = cipher.encrypt_cbc(Secret(t), zero, s.reveal())
    output = b""
    while 8 * len(output) < p.bit_length() + 64:  # n * l >= log2 p + 64
        k = Secret(key[: cipher.key_size])
        output += cipher.encrypt_cbc(k, zero, c1)
        key = cipher.encrypt_cbc(k, zero, c0)
    return output, int.from_bytes(output, "big") % p


def map_integrated(group: Group, s: Secret, t: bytes, cipher: Cipher) -> Group:
    """Return the group with the generator that the nonces s and t map to."""
    return group.map_integrated(pseudo_random(s, t, cipher, group.field)[1])
