"""DSA for the cases that part 5.1 has with it: nobody should sign a document with DSA today.

The domain parameters are those of Diffie-Hellman group 24 (RFC 5114, 2.3), whose subgroup has a
prime order of 256 bits.
"""

import secrets
from functools import cache
from typing import Final

from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.groups import ModpGroup
from emrtd.crypto.signatures import DsaPublicKey, SignatureScheme, ecdsa_encode

_NUMBER: Final = 2


class DsaSigner:
    """A DSA private key x, which signs (FIPS 186-4, 4.6)."""

    def __init__(self, p: int, q: int, g: int, x: int) -> None:
        self._p, self._q, self._g, self._x = p, q, g, x

    @property
    def public_key(self) -> DsaPublicKey:
        """The public half."""
        return DsaPublicKey(self._p, self._q, self._g, pow(self._g, self._x, self._p))

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign a message; the signature is DER, as that of ECDSA (RFC 3279, 2.2.2)."""
        digest = scheme.hash.digest(message)[: self._q.bit_length() // 8]
        k = secrets.randbelow(self._q - 1) + 1
        r = pow(self._g, k, self._p) % self._q
        s = pow(k, -1, self._q) * (int.from_bytes(digest, "big") + self._x * r) % self._q
        return ecdsa_encode(r, s)


@cache
def dsa_key(label: str) -> DsaSigner:
    """Return the key with this label, which is the same in every run."""
    group = STANDARDISED[_NUMBER]
    if not isinstance(group, ModpGroup) or group.q is None:
        raise TypeError("DSA needs a subgroup of known order of the integers modulo p")
    x = int.from_bytes(label.encode() * 4, "big") % (group.q - 1) + 1
    return DsaSigner(group.p, group.q, group.g, x)
