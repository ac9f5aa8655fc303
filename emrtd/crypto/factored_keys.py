"""RSA keys whose private key anybody can compute from the public one.

FIPS 186-5, A.1.1 and the CA/Browser Forum's Baseline Requirements, 6.1.1.3 name what a generator of
keys must avoid: factors that are close to each other (CVE-2022-26320), and the form of the primes
that a library for chips made (CVE-2017-15361, "ROCA").  Small factors come from broken memories.
"""

from functools import cache, lru_cache
from itertools import islice
from math import gcd, isqrt, prod
from typing import Final

from emrtd.crypto.signatures import RsaPublicKey, VerifyingKey

_ROUNDS: Final = 100
"""Steps of Fermat's method, as the Baseline Requirements ask for."""

_SMALL: Final = 1 << 13
"""Above any small factor that is looked for."""

_ROCA_BELOW: Final = 168
"""The primes of CVE-2017-15361 have a fixed form modulo each prime below this one, also those of
its shortest keys."""

_GENERATOR: Final = 65537


@lru_cache(maxsize=1024)
def why_factored(key: VerifyingKey) -> str | None:
    """Return why the private key can be computed; None if none of the known reasons holds.

    RSA keys alone are examined, in some milliseconds each.
    """
    if not isinstance(key, RsaPublicKey):
        return None
    n = key.n
    if gcd(n, _product_of_small_primes()) > 1:
        return "its modulus has a small factor"
    if _has_close_factors(n):
        return "the factors of its modulus are close to each other"
    if _is_of_roca(n):
        return "its modulus has the form of CVE-2017-15361 (ROCA)"
    return None


def _has_close_factors(n: int) -> bool:
    """Whether Fermat's method finds the factors of an odd number at once."""
    middle = isqrt(n - 1) + 1
    for a in range(middle, middle + _ROUNDS):
        square = a * a - n
        if isqrt(square) ** 2 == square:
            return True
    return False


def _is_of_roca(n: int) -> bool:
    """Whether n is a power of 65537 modulo each prime; of other numbers 1 in 200 million is."""
    return all(n % prime in powers for prime, powers in _powers())


@cache
def _powers() -> tuple[tuple[int, frozenset[int]], ...]:
    """Return each odd prime below `_ROCA_BELOW` with the powers of 65537 modulo that prime."""
    below = (prime for prime in _small_primes() if prime < _ROCA_BELOW)
    return tuple(
        (prime, frozenset(pow(_GENERATOR, each, prime) for each in range(prime - 1)))
        for prime in islice(below, 1, None)
    )


@cache
def _product_of_small_primes() -> int:
    return prod(_small_primes())


@cache
def _small_primes() -> tuple[int, ...]:
    """Return the primes below `_SMALL`."""
    found: list[int] = []
    for number in range(2, _SMALL):
        root = isqrt(number)
        for prime in found:
            if prime > root:
                found.append(number)
                break
            if number % prime == 0:
                break
        else:
            found.append(number)
    return tuple(found)
