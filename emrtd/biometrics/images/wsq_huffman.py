"""Huffman tables as in WSQ and JPEG: how many codes of each length, then the symbols."""

import heapq
from collections.abc import Iterable
from typing import Final

import msgspec

from support.errors import MalformedError

MAX_LENGTH: Final = 16
"""Bits of the longest code."""


class HuffmanTable(msgspec.Struct, frozen=True):
    """The symbols, and the length of the code of each; codes ascend in this order."""

    lengths: tuple[int, ...]
    symbols: tuple[int, ...]

    @classmethod
    def decode(cls, counts: bytes, symbols: bytes) -> "HuffmanTable":
        """Make the table of a DHT segment: 16 counts, then the symbols."""
        lengths = [length for length, count in enumerate(counts, start=1) for _ in range(count)]
        room = sum(count << MAX_LENGTH - length for length, count in enumerate(counts, start=1))
        if len(lengths) != len(symbols) or not lengths or room > 1 << MAX_LENGTH:
            raise MalformedError("WSQ image", "has an invalid Huffman table")
        return cls(tuple(lengths), tuple(symbols))

    def encode(self) -> bytes:
        """Return the 16 counts and the symbols."""
        counts = bytes(self.lengths.count(length) for length in range(1, MAX_LENGTH + 1))
        return counts + bytes(self.symbols)

    def codes(self) -> dict[int, tuple[int, int]]:
        """Return the code of each symbol and its length in bits."""
        codes = {}
        code, before = 0, self.lengths[0]
        for length, symbol in zip(self.lengths, self.symbols, strict=True):
            code <<= length - before
            codes[symbol] = code, length
            code, before = code + 1, length
        return codes

    def lookup(self) -> list[tuple[int, int]]:
        """Return, for each 16 bits, their first symbol and the length of its code; 0 for none."""
        table = [(0, 0)] * (1 << MAX_LENGTH)
        for symbol, (code, length) in self.codes().items():
            span = 1 << MAX_LENGTH - length
            start = code * span
            table[start : start + span] = [(symbol, length)] * span
        return table


def table_for(frequencies: Iterable[int]) -> HuffmanTable:
    """Return the best table for symbols of these frequencies; the code of only ones stays unused.

    Code lengths are limited to 16 bits as in ITU-T T.81, K.2.
    """
    lengths = _lengths(frequencies)
    counts = [0] * 64
    for length in lengths.values():
        counts[length] += 1
    for length in range(63, MAX_LENGTH, -1):
        while counts[length]:  # of two such codes one is shortened, one split off a shorter code
            shorter = length - 2
            while not counts[shorter]:
                shorter -= 1
            counts[length] -= 2
            counts[length - 1] += 1
            counts[shorter + 1] += 2
            counts[shorter] -= 1
    longest = max(length for length in range(64) if counts[length])
    counts[longest] -= 1  # the reserved code, which is the last of the longest
    in_order = sorted(lengths, key=lambda symbol: (lengths[symbol], symbol))
    in_order.remove(_RESERVED)
    assigned = tuple(length for length in range(1, 17) for _ in range(counts[length]))
    return HuffmanTable(assigned, tuple(in_order))


_RESERVED: Final = 256


def _lengths(frequencies: Iterable[int]) -> dict[int, int]:
    """Return the length of each symbol's code, and of the reserved code."""
    heap: list[tuple[int, int, tuple[int, ...]]] = [
        (int(count), symbol, (symbol,)) for symbol, count in enumerate(frequencies) if count
    ]
    heap.append((0, _RESERVED, (_RESERVED,)))  # the rarest, so that its code is the longest
    lengths = dict.fromkeys((symbol for _, symbol, _ in heap), 0)
    if len(heap) == 2:
        return dict.fromkeys(lengths, 1)
    heapq.heapify(heap)
    while len(heap) > 1:
        one, other = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in one[2] + other[2]:
            lengths[symbol] += 1
        heapq.heappush(heap, (one[0] + other[0], min(one[1], other[1]), one[2] + other[2]))
    return lengths
