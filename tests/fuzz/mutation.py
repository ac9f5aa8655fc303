"""Mutations of valid octets: changed bits, tags and lengths; removed, repeated and moved parts."""

import random
from collections.abc import Callable, Sequence

Random = random.Random
Mutation = Callable[[Random, bytearray, Sequence[bytes]], bytearray]

_SPECIAL = bytes(
    (0x00, 0x01, 0x1F, 0x30, 0x31, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xA0, 0xBF, 0xFE, 0xFF)
)
"""Octets that have a special meaning in a tag or a length field."""

_MOST = 1 << 20


def mutate(source: Random, octets: bytes, others: Sequence[bytes]) -> bytes:
    """Apply one to eight mutations; `others` supplies parts that can be inserted."""
    changed = bytearray(octets)
    for _ in range(source.choice((1, 1, 1, 2, 3, 8))):
        changed = source.choice(MUTATIONS)(source, changed, others)
    return bytes(changed[:_MOST])


def _place(source: Random, octets: bytearray) -> int:
    """Return a position: anywhere, or near the beginning, where the headers are."""
    size = max(len(octets), 1)
    return source.randrange(min(size, source.choice((4, 16, 64, 1024, size))))


def _flip_a_bit(source: Random, octets: bytearray, _: Sequence[bytes]) -> bytearray:
    if octets:
        octets[_place(source, octets)] ^= 1 << source.randrange(8)
    return octets


def _set_a_special_octet(source: Random, octets: bytearray, _: Sequence[bytes]) -> bytearray:
    if octets:
        octets[_place(source, octets)] = source.choice(_SPECIAL)
    return octets


def _step(source: Random, octets: bytearray, _: Sequence[bytes]) -> bytearray:
    """Add or subtract one, which often changes a length."""
    if octets:
        at = _place(source, octets)
        octets[at] = (octets[at] + source.choice((-1, 1))) & 0xFF
    return octets


def _declare_a_length(source: Random, octets: bytearray, _: Sequence[bytes]) -> bytearray:
    """Insert a length field of one to four octets with a random, usually large, length."""
    at = _place(source, octets)
    count = source.randrange(1, 5)
    octets[at : at + 1] = bytes((0x80 | count,)) + source.randbytes(count)
    return octets


def _cut(source: Random, octets: bytearray, _: Sequence[bytes]) -> bytearray:
    return octets[: _place(source, octets)]


def _remove(source: Random, octets: bytearray, _: Sequence[bytes]) -> bytearray:
    at = _place(source, octets)
    del octets[at : at + source.choice((1, 2, 3, 16, 256))]
    return octets


def _repeat(source: Random, octets: bytearray, _: Sequence[bytes]) -> bytearray:
    at = _place(source, octets)
    piece = octets[at : at + source.choice((1, 2, 8, 64))]
    octets[at:at] = piece * source.choice((1, 2, 100))
    return octets


def _insert(source: Random, octets: bytearray, others: Sequence[bytes]) -> bytearray:
    """Insert a part of other valid octets."""
    other = source.choice(others)
    begin = source.randrange(max(len(other), 1))
    at = _place(source, octets)
    octets[at:at] = other[begin : begin + source.choice((4, 32, 512))]
    return octets


def _wrap(source: Random, octets: bytearray, _: Sequence[bytes]) -> bytearray:
    """Add levels of nesting."""
    for _level in range(source.choice((1, 8, 40))):
        octets = bytearray(_header(source.choice((0x30, 0x31, 0x61, 0xA0)), len(octets))) + octets
    return octets


def _header(tag: int, size: int) -> bytes:
    return bytes((tag, 0x83)) + (size & 0xFFFFFF).to_bytes(3, "big")


def _add(source: Random, octets: bytearray, _: Sequence[bytes]) -> bytearray:
    return octets + source.randbytes(source.choice((1, 2, 64)))


MUTATIONS: tuple[Mutation, ...] = (
    _flip_a_bit, _set_a_special_octet, _step, _declare_a_length, _cut, _remove, _repeat, _insert,
    _wrap, _add,
)  # fmt: skip
