"""RSA keys that anybody can factor are recognised, and others are not."""

from math import prod
from random import Random

import pytest

from emrtd.crypto.factored_keys import why_factored
from emrtd.crypto.signatures import RsaPublicKey
from tests.certificates import key

CHANCE = Random(16)  # noqa: S311 - the same keys each time
SMALL = [each for each in range(2, 360) if all(each % other for other in range(2, each))]
PRIMORIAL = prod(SMALL[:39])
"""The number M of CVE-2017-15361 for keys of 512 bits: the product of the first 39 primes."""


def is_prime(number: int) -> bool:
    return pow(3, number - 1, number) == 1 and pow(5, number - 1, number) == 1


def prime(begin: int, step: int = 2) -> int:
    """Return the first prime from a number on."""
    while not is_prime(begin):
        begin += step
    return begin


def drawn(bits: int) -> int:
    return prime(CHANCE.getrandbits(bits) | 3 << bits - 2 | 1)


def of_roca() -> int:
    """Return a prime k * M + (65537^a mod M)."""
    rest = pow(65537, CHANCE.getrandbits(60), PRIMORIAL)
    return prime((CHANCE.getrandbits(290) | 1 << 289) * PRIMORIAL * 2 + rest, PRIMORIAL * 2)


LARGE = drawn(512)


@pytest.mark.parametrize(
    ("modulus", "why"),
    [
        (LARGE * prime(LARGE + 2), "close to each other"),
        (LARGE * LARGE, "close to each other"),
        (drawn(1000) * 8191, "small factor"),
        (of_roca() * of_roca(), "ROCA"),
    ],
    ids=["close factors", "a square", "a small factor", "CVE-2017-15361"],
)
def test_a_key_that_can_be_factored_is_recognised(modulus: int, why: str) -> None:
    assert why in (why_factored(RsaPublicKey(modulus, 65537)) or "")


def test_other_keys_are_not() -> None:
    assert why_factored(RsaPublicKey(drawn(512) * drawn(512), 65537)) is None
    assert why_factored(key("DS", "RSA-2048").public_key) is None
    assert why_factored(key("DS", "brainpoolP256r1").public_key) is None
