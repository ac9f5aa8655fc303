"""The entropy-coded blocks of a WSQ file: runs of zeros and quantised coefficients as symbols.

Symbols 1 to 100 are runs of 1 to 100 zeros, 105 and 106 runs whose length follows in 8 or 16 bits;
107 to 254 are the values -73 to 74, 101 to 104 values whose magnitude follows (positive and
negative in 8 bits, positive and negative in 16).
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from emrtd.biometrics.images.wsq_huffman import HuffmanTable
from support.errors import MalformedError

if TYPE_CHECKING:
    import numpy as np

    Indices = np.ndarray[Any, np.dtype[np.int32]]

_POSITIVE_8, _NEGATIVE_8, _POSITIVE_16, _NEGATIVE_16 = 101, 102, 103, 104
_RUN_8, _RUN_16 = 105, 106
_ZERO: Final = 180
_EXTRA_BITS: Final = {101: 8, 102: 8, 103: 16, 104: 16, 105: 8, 106: 16}
_LOWEST, _HIGHEST = -73, 74
_LONGEST_SHORT_RUN: Final = 100

MAX_SYMBOLS: Final = 500_000
"""The most symbols of a block; a fingerprint of 620 x 620 has 60,000 in all three."""


class Symbols(msgspec.Struct, frozen=True):
    """Symbols, and the number in the extra bits that follow each (0 if none follow)."""

    symbols: "Indices"
    numbers: "Indices"

    def frequencies(self) -> "Indices":
        """Return how often each symbol occurs: 256 numbers."""
        import numpy as np

        return np.bincount(self.symbols, minlength=256).astype(np.int32)


def read_block(coded: bytes, table: HuffmanTable, most: int) -> "Indices":
    """Read the coefficients of a block, of which there are at most `most`.

    `coded` is the block with its stuffed octets; raises `MalformedError`.
    """
    import numpy as np

    octets = coded.replace(b"\xff\x00", b"\xff")
    lookup = table.lookup()
    size = 8 * len(octets)
    octets += b"\xff" * 8
    position = filled = 0
    values: list[int] = []
    places: list[int] = []
    for _ in range(MAX_SYMBOLS):
        if position >= size or filled > most:
            break
        window = int.from_bytes(octets[position >> 3 : (position >> 3) + 6], "big")
        window = window << (position & 7) & 0xFFFFFFFFFFFF
        symbol, length = lookup[window >> 32]
        if not length:
            break  # the padding of ones, which is not a code
        extra = _EXTRA_BITS.get(symbol, 0)
        number = window >> 48 - length - extra & (1 << extra) - 1
        position += length + extra
        if symbol <= _LONGEST_SHORT_RUN:
            filled += symbol
            continue
        if symbol in {_RUN_8, _RUN_16}:
            filled += number
            continue
        places.append(filled)
        values.append(_value(symbol, number))
        filled += 1
    if filled > most or position > size or size - position > 7:
        raise MalformedError("WSQ image", "has a block that cannot be read")
    indices = np.zeros(filled, np.int32)
    indices[places] = values
    return indices


def _value(symbol: int, number: int) -> int:
    if symbol in {_POSITIVE_8, _POSITIVE_16}:
        return number
    if symbol in {_NEGATIVE_8, _NEGATIVE_16}:
        return -number
    return symbol - _ZERO


def symbols_of(indices: "Indices") -> Symbols:
    """Return the symbols that encode these coefficients."""
    import numpy as np

    places = np.flatnonzero(indices)
    values = indices[places]
    ends = np.append(places, len(indices))
    runs = np.diff(ends, prepend=-1) - 1  # zeros before each value, and after the last
    symbols = np.zeros(2 * len(runs), np.int32)  # a run and a value alternately, 0 for no symbol
    numbers = np.zeros_like(symbols)
    symbols[0::2] = np.where(runs <= _LONGEST_SHORT_RUN, runs, _RUN_8)
    symbols[0::2][runs > 0xFF] = _RUN_16
    numbers[0::2] = np.where(runs > _LONGEST_SHORT_RUN, runs, 0)
    positive = values > 0
    large = np.where(positive, _POSITIVE_8, _NEGATIVE_8) + np.where(np.abs(values) > 0xFF, 2, 0)
    small = (values >= _LOWEST) & (values <= _HIGHEST)
    symbols[1:-1:2] = np.where(small, values + _ZERO, large)
    numbers[1:-1:2] = np.where(small, 0, np.abs(values))
    used = symbols > 0
    return _split_long_runs(Symbols(symbols[used], numbers[used]))


def _split_long_runs(symbols: Symbols) -> Symbols:
    """Split runs of more than 65,535 zeros into several symbols."""
    import numpy as np

    is_run = symbols.symbols == _RUN_16
    times = np.where(is_run, -(-symbols.numbers // 0xFFFF), 1)
    if times.max(initial=1) == 1:
        return symbols
    numbers = np.repeat(np.where(times > 1, 0xFFFF, symbols.numbers), times)
    last = np.cumsum(times) - 1
    numbers[last[times > 1]] = (symbols.numbers - (times - 1) * 0xFFFF)[times > 1]
    return Symbols(np.repeat(symbols.symbols, times), numbers)


def write_block(symbols: Symbols, table: HuffmanTable) -> bytes:
    """Encode the symbols, padded with ones to a whole octet, with stuffed octets."""
    import numpy as np

    codes, lengths = np.zeros((2, 256), np.int64)
    for symbol, (code, length) in table.codes().items():
        codes[symbol], lengths[symbol] = code, length
    extra = np.zeros(256, np.int64)
    extra[list(_EXTRA_BITS)] = list(_EXTRA_BITS.values())
    more = extra[symbols.symbols]
    sizes = lengths[symbols.symbols] + more
    written = codes[symbols.symbols] << more | symbols.numbers
    ends = np.cumsum(sizes)
    size = int(ends[-1]) if len(ends) else 0
    shifts = np.repeat(ends, sizes) - 1 - np.arange(size)
    bits = (np.repeat(written, sizes) >> shifts & 1).astype(np.uint8)
    padded = np.append(bits, np.ones(-size % 8, np.uint8))
    return np.packbits(padded).tobytes().replace(b"\xff", b"\xff\x00")


def coded_size(frequencies: "Indices", table: HuffmanTable) -> int:
    """Return the octets for symbols of these frequencies, without padding and stuffed octets."""
    bits = sum(
        int(frequencies[symbol]) * (length + _EXTRA_BITS.get(symbol, 0))
        for symbol, (_, length) in table.codes().items()
    )
    return bits // 8
