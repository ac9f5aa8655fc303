"""RSA keys that whoever sees the public key can factor, as broken generators made them."""

from math import gcd, isqrt, lcm, prod
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from emrtd.crypto.private_keys import RsaPrivateKey
from vsmartcard.forging.forger import Forger

_BITS: Final = 1024
"""Of each prime: the size of the key is as good as any State's."""

_EXPONENT: Final = 65537
_SMALL: Final = tuple(
    each for each in range(2, 2000) if all(each % other for other in range(2, isqrt(each) + 1))
)
_SIEVE: Final = prod(_SMALL)
_MODULUS: Final = prod(each for each in _SMALL if each < 168)
"""The primes of CVE-2017-15361 are k * M + (65537^a mod M); the longer M of long keys is a multiple
of this one."""


def close_key(forger: Forger) -> RsaPrivateKey:
    """Return a key whose second prime is the next one after the first (CVE-2022-26320)."""
    first = _prime(_drawn(forger, _BITS) | 1, 2)
    return _key(first, _prime(first + 2, 2))


def roca_key(forger: Forger) -> RsaPrivateKey:
    """Return a key of the form of CVE-2017-15361."""
    return _key(_of_roca(forger), _of_roca(forger))


def _of_roca(forger: Forger) -> int:
    step = 2 * _MODULUS
    rest = pow(_EXPONENT, _drawn(forger, 64), _MODULUS)
    rest += _MODULUS * (rest % 2 == 0)
    return _prime(_drawn(forger, _BITS) // step * step + rest, step)


def _drawn(forger: Forger, bits: int) -> int:
    """Draw a number whose two highest bits are set, so that a product has twice its bits."""
    return forger.chance.getrandbits(bits) | 3 << bits - 2


def _prime(number: int, step: int) -> int:
    """Return the first probable prime of a series."""
    while gcd(number, _SIEVE) > 1 or pow(2, number - 1, number) != 1:
        number += step
    return number


def _key(first: int, second: int) -> RsaPrivateKey:
    private = pow(_EXPONENT, -1, lcm(first - 1, second - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=first,
        q=second,
        d=private,
        dmp1=private % (first - 1),
        dmq1=private % (second - 1),
        iqmp=pow(second, -1, first),
        public_numbers=rsa.RSAPublicNumbers(_EXPONENT, first * second),
    )
    return RsaPrivateKey(numbers.private_key())
