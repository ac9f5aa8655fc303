"""Elliptic curves over prime fields; `fastecdsa` computes, and this module validates the input.

Only curves of prime order (cofactor 1) are accepted, so that every point of the curve except the
point at infinity is a valid public key.  No function returns the point at infinity: an operation
that ends there raises `ProtocolError`, since only a dishonest peer can cause it.

`fastecdsa` must never receive a coordinate outside the field: it would accept it, or panic with an
exception that `except Exception` does not catch.  Every operation here checks its points first.
"""

from functools import lru_cache
from typing import Final

import msgspec
from fastecdsa import curve as fast
from fastecdsa.rust import Curve as Engine
from fastecdsa.rust import Point as EnginePoint
from msgspec.structs import replace

from emrtd.errors import ProtocolError
from support.errors import MalformedError
from support.reasons import Reason

Point = tuple[int, int]
"""An affine point (x, y), 0 <= x, y < p; never the point at infinity."""

MAX_FIELD_BITS: Final = 521
"""The largest field of a curve with explicit parameters; bounds the computing time."""


class Curve(msgspec.Struct, frozen=True):
    """The curve y^2 = x^3 + ax + b over GF(p), with a generator `g` of prime order `n`.

    `oid` is the dotted object identifier of the named curve, None if it has none.
    """

    name: str
    oid: str | None
    p: int
    a: int
    b: int
    g: Point
    n: int
    h: int = 1

    def __hash__(self) -> int:
        """Hash name and generator, which distinguish curves; caches are keyed by curve."""
        return hash((self.name, self.g))

    @property
    def size(self) -> int:
        """Octets of a field element."""
        return (self.p.bit_length() + 7) // 8

    def is_on_curve(self, point: Point) -> bool:
        """Whether the coordinates are field elements that satisfy the equation."""
        x, y = point
        in_field = 0 <= x < self.p and 0 <= y < self.p
        return in_field and (y * y - (x * x + self.a) * x - self.b) % self.p == 0

    def multiply(self, k: int, point: Point) -> Point:
        """Return k * `point`; raises `ProtocolError` for infinity or a point off the curve."""
        return self._lower(self._lift(point) * (k % self.n))

    def add(self, left: Point, right: Point) -> Point:
        """Return the sum of two points; raises as `multiply` does."""
        return self._lower(self._lift(left) + self._lift(right))

    def with_generator(self, g: Point) -> "Curve":
        """Return the same curve with another generator, the result of a mapping of PACE."""
        self._lift(g)
        return replace(self, oid=None, g=g)

    def encode_point(self, point: Point) -> bytes:
        """Encode as 04 || x || y, both padded to the size of the field (TR-03111, 3.2.1)."""
        return b"\x04" + b"".join(value.to_bytes(self.size, "big") for value in point)

    def decode_point(self, octets: bytes) -> Point:
        """Decode and validate 04 || x || y.

        Raises `MalformedError` for another format, `ProtocolError` for a point off the curve.
        """
        size = self.size
        if len(octets) != 1 + 2 * size or octets[0] != 4:
            raise MalformedError(
                Reason("point of {name}", name=self.name),
                Reason("is not 04 and two coordinates of {size} octets", size=size),
            )
        point = (
            int.from_bytes(octets[1 : 1 + size], "big"),
            int.from_bytes(octets[1 + size :], "big"),
        )
        self._require_on_curve(point)
        return point

    def _require_on_curve(self, point: Point) -> None:
        if not self.is_on_curve(point):
            raise ProtocolError(Reason("a point is not on the curve {name}", name=self.name))

    def _lift(self, point: Point) -> EnginePoint:
        self._require_on_curve(point)
        return EnginePoint(*point, _engine(self.p, self.a, self.b, self.n, self.g))

    def _lower(self, point: EnginePoint) -> Point:
        if point.z == 0:
            raise ProtocolError(
                Reason("an operation on {name} ends at the point at infinity", name=self.name)
            )
        return point.x, point.y


_NAMED: Final = {
    "secp192r1": ("1.2.840.10045.3.1.1", fast.P192),
    "secp224r1": ("1.3.132.0.33", fast.P224),
    "secp256r1": ("1.2.840.10045.3.1.7", fast.P256),
    "secp384r1": ("1.3.132.0.34", fast.P384),
    "secp521r1": ("1.3.132.0.35", fast.P521),
    "brainpoolP160r1": ("1.3.36.3.3.2.8.1.1.1", fast.brainpoolP160r1),
    "brainpoolP192r1": ("1.3.36.3.3.2.8.1.1.3", fast.brainpoolP192r1),
    "brainpoolP224r1": ("1.3.36.3.3.2.8.1.1.5", fast.brainpoolP224r1),
    "brainpoolP256r1": ("1.3.36.3.3.2.8.1.1.7", fast.brainpoolP256r1),
    "brainpoolP320r1": ("1.3.36.3.3.2.8.1.1.9", fast.brainpoolP320r1),
    "brainpoolP384r1": ("1.3.36.3.3.2.8.1.1.11", fast.brainpoolP384r1),
    "brainpoolP512r1": ("1.3.36.3.3.2.8.1.1.13", fast.brainpoolP512r1),
}

_ENGINES: Final = {(engine.p, engine.a, engine.b): engine for _, engine in _NAMED.values()}

# RFC 5639, 3: the number Z that maps a curve to its twist, by the size of the field in bits.
_TWISTS: Final = {
    160: 0x24DBFF5DEC9B986BBFE5295A29BFBAE45E0F5D0B,
    192: 0x1B6F5CC8DB4DC7AF19458A9CB80DC2295E5EB9C3732104CB,
    224: 0x2DF271E14427A346910CF7A2E6CFA7B3F484E5C2CCE1C8B730E28B3F,
    256: 0x3E2D4BD9597B58639AE7AA669CAB9837CF5CF20A2C852D10F655668DFC150EF0,
    320: 0x15F75CAF668077F7E85B42EB01F0A81FF56ECD6191D55CB82B7D861458A18FEFC3E5AB7496F3C7B1,
    384: int(
        "41DFE8DD399331F7166A66076734A89CD0D2BCDB7D068E44E1F378F41ECBAE97"
        "D2D63DBC87BCCDDCCC5DA39E8589291C",
        16,
    ),
    512: int(
        "12EE58E6764838B69782136F0F2D3BA06E27695716054092E60A80BEDB212B64"
        "E585D90BCE13761F85C3F1D2A64E3BE8FEA2220F01EBA5EEB0F35DBD29D922AB",
        16,
    ),
}


def _twist(curve: Curve, z: int) -> Curve:
    """Return the twisted curve brainpoolP...t1, with a = -3; its identifier is the next one."""
    p, (x, y) = curve.p, curve.g
    arcs, _, last = (curve.oid or "").rpartition(".")
    return Curve(
        name=curve.name.replace("r1", "t1"),
        oid=f"{arcs}.{int(last) + 1}",
        p=p,
        a=curve.a * pow(z, 4, p) % p,
        b=curve.b * pow(z, 6, p) % p,
        g=(x * z * z % p, y * pow(z, 3, p) % p),
        n=curve.n,
    )


CURVES: Final[dict[str, Curve]] = {
    name: Curve(name, oid, e.p, e.a, e.b, (e.G.x, e.G.y), e.q) for name, (oid, e) in _NAMED.items()
}
"""The named curves, by name (FIPS 186-4; RFC 5639)."""

for _bits, _z in _TWISTS.items():
    _twisted = _twist(CURVES[f"brainpoolP{_bits}r1"], _z)
    CURVES[_twisted.name] = _twisted


def curve_by_oid(oid: str) -> Curve | None:
    """Return the named curve with this dotted object identifier; None for any other."""
    return next((curve for curve in CURVES.values() if curve.oid == oid), None)


def find_curve(p: int, a: int, b: int, g: Point, n: int) -> Curve | None:
    """Return the named curve with exactly these parameters; None for any other.

    p alone does not identify a curve: each Brainpool curve has the same field as its twist.
    """
    wanted = (p, a, b, g, n)
    return next((c for c in CURVES.values() if (c.p, c.a, c.b, c.g, c.n) == wanted), None)


def explicit_curve(p: int, a: int, b: int, g: Point, n: int, *, h: int = 1) -> Curve:
    """Return the named curve with these parameters, or a new curve after validating them.

    Raises `MalformedError` unless p and n are primes of at most `MAX_FIELD_BITS` bits, g is a point
    of order n and the order of the curve is prime (cofactor 1).
    """
    known = find_curve(p, a, b, g, n)
    if known is not None and h == 1:
        return known
    curve = Curve("explicit curve", None, p, a, b, g, n, h)
    if not 3 < p < 1 << MAX_FIELD_BITS or not (0 <= a < p and 0 <= b < p):
        raise MalformedError(
            curve.name, "its field is too large, or a coefficient is outside the field"
        )
    if h != 1 or n == p or (n - p - 1) ** 2 > 4 * p:  # Hasse's bound; n = p is anomalous
        reason = "its cofactor is not 1, or its order is outside Hasse's bound or equals p"
        raise MalformedError(curve.name, reason)
    if not curve.is_on_curve(g):
        raise MalformedError(curve.name, "its generator is not a point of the curve")
    try:
        opposite: Point | None = curve.multiply(n - 1, g)
    except ValueError as error:  # fastecdsa: p or n is composite, or the curve is singular
        raise MalformedError(curve.name, str(error)) from None
    except ProtocolError:
        opposite = None  # infinity: the order of g is less than n
    if opposite != (g[0], p - g[1]):
        raise MalformedError(curve.name, "its generator does not have the stated order")
    return curve


@lru_cache(maxsize=32)
def _engine(p: int, a: int, b: int, n: int, g: Point) -> Engine:
    """Return fastecdsa's own engine for this curve if it has one, or a new one."""
    return _ENGINES.get((p, a, b)) or Engine("", p, a, b, n, *g)
