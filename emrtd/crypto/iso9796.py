"""ISO/IEC 9796-2, digital signature scheme 1, with partial recovery (Doc 9303-11, 6.1.2.2).

The signed message is M1 || M2.  The signature contains M1 and the hash of both:
F = 6A || M1 || H(M1 || M2) || trailer, as many octets as the modulus has.  M2 is sent separately.
"""

import secrets
from collections.abc import Callable
from typing import Final

from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey
from emrtd.crypto.signatures import MAX_RSA_BITS, MIN_RSA_BITS, RsaPublicKey
from emrtd.errors import ProtocolError
from support.errors import MisuseError
from support.reasons import Reason
from support.values import Hidden, Value

TRAILERS: Final = {
    Hash.SHA1: b"\xbc",  # option 1: the hash function is implicit
    Hash.SHA224: b"\x38\xcc",
    Hash.SHA256: b"\x34\xcc",
    Hash.SHA384: b"\x36\xcc",
    Hash.SHA512: b"\x35\xcc",
}
"""The trailer field of each hash function (6.1.2.2)."""

_EXPLICIT_SHA1: Final = b"\x33\xcc"  # SHA-1 by its number in ISO/IEC 10118-3, not in Doc 9303

_MAX_EXPONENT: Final = 1 << 64  # OpenSSL's limit; bounds the computing time

_HEADER: Final = 0x6  # 01: a signature; 1: partial recovery; 0


class Recovered(Value, frozen=True):
    """The contents of a valid signature: M1, the hash function, and the quirks read past."""

    m1: Hidden[bytes]
    hash: Hash
    quirks: tuple[str, ...] = ()


def m1_size(bits: int, algorithm: Hash) -> int:
    """Return the octets of M1 for a modulus of `bits` bits: capacity c - 4 bits (6.1.2.2)."""
    size = bits // 8 - 1 - algorithm.size - len(TRAILERS[algorithm])
    if bits % 8 or size < 0:
        raise MisuseError(f"a modulus of {bits} bits has no room for a signature with {algorithm}")
    return size


def message_representative(bits: int, algorithm: Hash, m1: bytes, m2: bytes) -> bytes:
    """Return F for a modulus of `bits` bits; `m1` has the size that `m1_size` returns."""
    if len(m1) != m1_size(bits, algorithm):
        raise MisuseError(f"M1 has {len(m1)} octets instead of {m1_size(bits, algorithm)}")
    return b"\x6a" + m1 + algorithm.digest(m1 + m2) + TRAILERS[algorithm]


def sign(
    key: RsaPrivateKey,
    algorithm: Hash,
    m2: bytes,
    *,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> bytes:
    """Sign M1 || `m2` with a random M1; the signature is as long as the modulus."""
    public = key.public_key
    bits = public.n.bit_length()
    m1 = random(m1_size(bits, algorithm))
    representative = message_representative(bits, algorithm, m1, m2)
    signature = key.apply(int.from_bytes(representative, "big"))  # paragraph B.6
    return signature.to_bytes(public.size, "big")


def verify(key: RsaPublicKey, signature: bytes, m2: bytes) -> Recovered:
    """Open a signature and compare its hash; raises `ProtocolError` if it is not valid."""
    representative, other_form = open_signature(key, signature)
    algorithm, trailer, quirks = _trailer(representative)
    if other_form:
        quirks += ("the signature is of ISO/IEC 9796-2, B.4, which chips should not use",)
    end = len(representative) - trailer - algorithm.size
    begin = _end_of_padding(representative)
    if begin > end:
        raise ProtocolError("the signature has no room for its hash")
    m1, digest = representative[begin:end], representative[end:-trailer]
    if algorithm.digest(m1 + m2) != digest:
        raise ProtocolError(
            Reason(
                "the hash ({algorithm}) in the signature is not that of the message",
                algorithm=algorithm,
            )
        )
    return Recovered(m1, algorithm, quirks)


def open_signature(key: RsaPublicKey, signature: bytes) -> tuple[bytes, bool]:
    """Apply the public key; return F, and whether the signature has the form of paragraph B.4.

    The last digit of F is always C, which distinguishes B.6 (F itself) from B.4 (F or n - F).
    """
    if not MIN_RSA_BITS <= key.n.bit_length() <= MAX_RSA_BITS or not 3 <= key.e < _MAX_EXPONENT:
        raise ProtocolError(
            Reason(
                "{key} is not accepted: its size or exponent is out of bounds", key=key.description
            )
        )
    number = int.from_bytes(signature, "big")
    if len(signature) != key.size or number >= key.n:
        raise ProtocolError(
            Reason(
                "the signature ({count} octets) cannot be one by {key}",
                count=len(signature),
                key=key.description,
            )
        )
    opened = pow(number, key.e, key.n)
    for candidate, other_form in ((opened, False), (key.n - opened, True)):
        if candidate & 0xF == 0xC:
            return candidate.to_bytes(key.size, "big"), other_form
    raise ProtocolError("the signature does not open to a message of ISO/IEC 9796-2")


def _trailer(representative: bytes) -> tuple[Hash, int, tuple[str, ...]]:
    """Return the hash function that the trailer names, the trailer's size, and the quirks."""
    for algorithm, trailer in TRAILERS.items():
        if representative.endswith(trailer):
            return algorithm, len(trailer), ()
    if representative.endswith(_EXPLICIT_SHA1):
        return Hash.SHA1, 2, ("the trailer 33CC names SHA-1 explicitly",)
    raise ProtocolError(
        Reason(
            "the trailer {representative} names no hash function",
            representative=representative[-2:].hex().upper(),
        )
    )


def _end_of_padding(representative: bytes) -> int:
    """Return where M1 begins: after a digit 6, any number of digits B, and a digit A."""
    digits = representative.hex()
    end = 1
    while digits[end] == "b":
        end += 1
    if digits[0] != f"{_HEADER:x}" or digits[end] != "a" or end % 2 == 0:
        raise ProtocolError("the signature is not one with partial recovery of ISO/IEC 9796-2")
    return (end + 1) // 2
