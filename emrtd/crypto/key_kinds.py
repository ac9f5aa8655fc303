"""Kinds of keys by name: a curve's ("brainpoolP256r1"), or RSA and its bits ("RSA-3072")."""

import re
import secrets
from collections.abc import Callable
from typing import Final

from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from support.errors import MisuseError

_LEAST_RSA_BITS: Final = 2048
"""A document and its certificates have to be secure for ten years and more (SP 800-131A, 3)."""

_RSA: Final = re.compile(r"RSA-(\d{4})")
_HASHES_BY_FIELD_SIZE: Final = ((28, Hash.SHA224), (40, Hash.SHA256), (48, Hash.SHA384))


def generate_private_key(
    kind: str, random: Callable[[int], bytes] = secrets.token_bytes
) -> PrivateKey:
    """Generate a private key in memory; raises `MisuseError` for an unknown kind.

    `random` is used for keys on curves and the nonces of their signatures.  RSA keys always come
    from the random generator of the operating system.
    """
    bits = rsa_bits(kind)
    if bits is not None:
        return RsaPrivateKey.generate(bits)
    if kind in CURVES:
        return EcPrivateKey.generate(CURVES[kind], random=random)
    raise _unknown(kind)


def _unknown(kind: str) -> MisuseError:
    names = ", ".join(sorted(CURVES))
    return MisuseError(f"{kind!r} is not a kind of key: give RSA-3072, or a curve of {names}")


def rsa_bits(kind: str) -> int | None:
    """Return the bits of an RSA kind, None for another; raises `MisuseError` for too few bits."""
    found = _RSA.fullmatch(kind)
    if found is None:
        return None
    if int(found[1]) < _LEAST_RSA_BITS:
        raise MisuseError(f"{kind} is too weak to sign with; use at least {_LEAST_RSA_BITS} bits")
    return int(found[1])


def fitting_hash(kind: str) -> Hash:
    """Return the hash that a key signs with: as long as the curve's field, or the next longer one.

    SHA-256 for RSA.  Raises `MisuseError` for an unknown kind.
    """
    if rsa_bits(kind) is not None:
        return Hash.SHA256
    if kind not in CURVES:
        raise _unknown(kind)
    size = CURVES[kind].size
    return next((each for limit, each in _HASHES_BY_FIELD_SIZE if size <= limit), Hash.SHA512)
