"""RSA keys for certificates: they take long to make, so cases share them."""

from functools import cache
from typing import Final

from emrtd.crypto.private_keys import RsaPrivateKey

RSA_BITS: Final = 1536


@cache
def rsa_key(_number: int, bits: int = RSA_BITS) -> RsaPrivateKey:
    """Return an RSA key of this process, another one for each number: making one takes 50 ms."""
    return RsaPrivateKey.generate(bits)
