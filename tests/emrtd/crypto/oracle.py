"""Slow textbook arithmetic, the reference for the fast arithmetic."""

from emrtd.crypto.curves import Curve, Point


def add(curve: Curve, left: Point | None, right: Point | None) -> Point | None:
    """Add by chord and tangent; None is the point at infinity."""
    if left is None or right is None:
        return left or right
    p = curve.p
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % p == 0:
        return None
    if left == right:
        slope = (3 * x1 * x1 + curve.a) * pow(2 * y1, -1, p)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, p)
    x3 = (slope * slope - x1 - x2) % p
    return x3, (slope * (x1 - x3) - y1) % p


def multiply(curve: Curve, k: int, point: Point) -> Point | None:
    """Multiply by double and add, from the highest bit."""
    result: Point | None = None
    for bit in reversed(range(k.bit_length())):
        result = add(curve, result, result)
        if k >> bit & 1:
            result = add(curve, result, point)
    return result
