"""Make WSQ files smaller: read, coarsen and encode the quantised wavelet coefficients again.

The `wsq` library always aims at 0.75 bits a pixel.  A file of any smaller size is made from its
output, or from any other WSQ file, without decoding the picture (IAFIS-IC-0110, annex A).  The
quantisation bins of all subbands are widened by one factor, and each coefficient takes the nearest
level.  Of the coefficients at the lowest level the smallest and most isolated are dropped until the
size is met.  Of several factors the one that loses least is used.  A larger file than that of the
library cannot be made.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from emrtd.biometrics.images.headers import ImageFormat, sniff
from emrtd.biometrics.images.wsq_entropy import (
    Symbols,
    coded_size,
    read_block,
    symbols_of,
    write_block,
)
from emrtd.biometrics.images.wsq_huffman import HuffmanTable, table_for
from emrtd.biometrics.images.wsq_library import MAX_PIXELS
from support.errors import MalformedError, MisuseError

if TYPE_CHECKING:
    import numpy as np

    Indices = np.ndarray[Any, np.dtype[np.int32]]

_SOB, _DQT, _DHT, _DRT = 0xA3, 0xA5, 0xA6, 0xA7

FACTORS: Final = (1.0, 1.25, 1.5, 2.0, 2.5, 3.2, 4.0, 5.0, 6.5, 8.0)
"""How much wider bins may become; at four times the finest ridges begin to break up."""

_MAX_BLOCKS: Final = 3


class _Block(msgspec.Struct, frozen=True):
    """The coefficients of one block, and the number of the Huffman table that codes them."""

    table: int
    indices: "Indices"


class _Bins(msgspec.Struct, frozen=True):
    """The quantisation table: bin centre, and width and zero-bin width of each subband."""

    centre: float
    widths: tuple[tuple[float, float], ...]

    @classmethod
    def decode(cls, content: bytes) -> "_Bins":
        if len(content) != 3 + 6 * 64:
            raise MalformedError("WSQ image", "has an invalid quantisation table")
        numbers = [_read_number(content, position) for position in range(0, len(content), 3)]
        return cls(numbers[0], tuple(zip(numbers[1::2], numbers[2::2], strict=True)))

    def wider(self, factor: float) -> "_Bins":
        return _Bins(self.centre, tuple((q * factor, z * factor) for q, z in self.widths))

    def encode(self) -> bytes:
        numbers = (self.centre, *(number for width in self.widths for number in width))
        return b"".join(map(_write_number, numbers))

    @property
    def lowest_level(self) -> float:
        """The coefficient that index 1 stands for, in bins; it is the same in every subband."""
        ratios = [z / q for q, z in self.widths if q]
        if not ratios or max(ratios) - min(ratios) > 0.01:
            raise MisuseError(
                "this WSQ file has uneven zero bins", advice="decode and encode it again"
            )
        return 1 - self.centre + sum(ratios) / len(ratios) / 2


def _read_number(content: bytes, position: int) -> float:
    """Return a number: one octet with the power of ten to divide by, then 16 bits."""
    number = int.from_bytes(content[position + 1 : position + 3], "big")
    return number * 10.0 ** -content[position]


def _write_number(number: float) -> bytes:
    exponent = 0
    while number and exponent < 9 and round(number * 10.0 ** (exponent + 1)) <= 0xFFFF:
        exponent += 1
    mantissa = min(round(number * 10.0**exponent), 0xFFFF)
    return bytes((exponent,)) + mantissa.to_bytes(2, "big")


def shrink(image: bytes, target: int) -> bytes:
    """Return a WSQ file of at most `target` octets, within 2 per cent; a smaller one is unchanged.

    Raises `MalformedError` for a broken file, `MisuseError` if it is not WSQ, and if even the
    lowest quality is larger than that.
    """
    if len(image) <= target:
        return image
    header = sniff(image, "WSQ image")
    if header.format is not ImageFormat.WSQ or header.pixels > MAX_PIXELS:
        raise MisuseError(f"a {header.format.value} of {header.size} pixels cannot be made smaller")
    file = _File.decode(image, header.pixels)
    aim = 0.99 * target
    factor, share = _best_choice(file, aim)
    best = b""
    for _ in range(4):  # stuffed octets and padding are estimated to a per cent
        found = file.write(factor, share)
        if len(found) <= target:
            best = max(best, found, key=len)
        if 0.985 * target <= len(found) <= target:
            break
        aim *= 0.992 * target / len(found)
        share = _share_for(file, factor, aim)
    if not best:
        raise MisuseError(f"the fingerprint cannot be made as small as {target} octets")
    return best


def _best_choice(file: "_File", aim: float) -> tuple[float, float]:
    """Return the factor that loses least, and the share of coefficients to drop, for the aim."""
    choices: list[tuple[float, float, float]] = []
    for factor in FACTORS:
        if file.size(factor, 1.0) > aim:
            continue
        share = _share_for(file, factor, aim)
        if not share and choices:
            break  # smaller than necessary, as are all wider bins
        choices.append((file.loss(factor, share), factor, share))
    if not choices:
        least = file.size(FACTORS[-1], 1.0)
        raise MisuseError(
            f"the fingerprint takes {least} octets at the lowest quality; the target is {int(aim)}"
        )
    return min(choices)[1:]


def _share_for(file: "_File", factor: float, aim: float) -> float:
    """Return the least share of the lowest level to drop, to 1/500; 1 if all is not enough."""
    if file.size(factor, 0.0) <= aim:
        return 0.0
    share, step = 1.0, 0.5
    while step > 0.002:
        if file.size(factor, share - step) <= aim:
            share -= step
        step /= 2
    return share


class _File(msgspec.Struct, frozen=True):
    """The parts of a WSQ file: the octets before the blocks, the bins, the blocks."""

    front: bytes
    bins: _Bins
    blocks: tuple[_Block, ...]

    @classmethod
    def decode(cls, image: bytes, pixels: int) -> "_File":
        front, bins, blocks = _read(image, pixels)
        return cls(front, bins, tuple(blocks))

    def coarsened(self, factor: float, share: float) -> "list[Indices]":
        """Return the indices in bins `factor` times as wide, less a share of those at 1 and -1."""
        return [
            _coarsen(block.indices, self.bins.lowest_level, factor, share) for block in self.blocks
        ]

    def loss(self, factor: float, share: float) -> float:
        """Return how far the coefficients move: the sum of squares, in the original bins."""
        import numpy as np

        lowest = self.bins.lowest_level
        moved = (
            _levels(block.indices, lowest) - _levels(indices, lowest) * factor
            for block, indices in zip(self.blocks, self.coarsened(factor, share), strict=True)
        )
        return float(sum(np.square(each).sum() for each in moved))

    def size(self, factor: float, share: float) -> int:
        """Return the size of the file that `write` returns, to within a per cent."""
        frequencies = self._frequencies(list(map(symbols_of, self.coarsened(factor, share))))
        coded = sum(coded_size(each, table_for(each)) for each in frequencies.values())
        tables = sum(21 + int((each > 0).sum()) for each in frequencies.values())
        return len(self.front) + 391 + tables + coded + coded // 256 + 6 * len(self.blocks) + 2

    def write(self, factor: float, share: float) -> bytes:
        """Return the whole file."""
        symbols = list(map(symbols_of, self.coarsened(factor, share)))
        frequencies = self._frequencies(symbols)
        parts = [self.front, _segment(_DQT, self.bins.wider(factor).encode())]
        tables: dict[int, HuffmanTable] = {}
        for block, each in zip(self.blocks, symbols, strict=True):
            number = bytes((block.table,))
            if block.table not in tables:
                tables[block.table] = table_for(frequencies[block.table])
                parts.append(_segment(_DHT, number + tables[block.table].encode()))
            parts += (_segment(_SOB, number), write_block(each, tables[block.table]))
        return b"".join((*parts, b"\xff\xa1"))

    def _frequencies(self, symbols: list[Symbols]) -> "dict[int, Indices]":
        frequencies: dict[int, Indices] = {}
        for block, each in zip(self.blocks, symbols, strict=True):
            found = each.frequencies()
            known = frequencies.get(block.table)
            frequencies[block.table] = found if known is None else known + found
        return frequencies


def _read(image: bytes, pixels: int) -> tuple[bytes, _Bins, list[_Block]]:
    """Return the octets before the first block, less its tables; the bins; the blocks."""
    front = [image[:2]]
    bins = None
    tables: dict[int, HuffmanTable] = {}
    blocks: list[_Block] = []
    position, left = 2, pixels
    while image[position : position + 2] != b"\xff\xa1":
        marker = image[position + 1 : position + 2]
        end = position + 2 + int.from_bytes(image[position + 2 : position + 4], "big")
        content = image[position + 4 : end]
        if image[position : position + 1] != b"\xff" or end > len(image) or end < position + 4:
            raise MalformedError("WSQ image", "is cut short or broken", position)
        if marker[0] == _DHT:
            tables |= _read_tables(content)
        elif marker[0] == _DQT:
            bins = _Bins.decode(content)
        elif marker[0] == _SOB:
            start, end = end, _end_of_block(image, end)
            table = tables.get(content[0] if content else -1)
            if table is None or len(blocks) == _MAX_BLOCKS:
                raise MalformedError("WSQ image", "has a block without its table", position)
            indices = read_block(image[start:end], table, left)
            left -= len(indices)
            blocks.append(_Block(content[0], indices))
        elif marker[0] == _DRT:
            raise MisuseError(
                "this WSQ file has restart intervals", advice="decode and encode it again"
            )
        elif not blocks:
            front.append(image[position:end])
        position = end
    if bins is None or not blocks:
        raise MalformedError("WSQ image", "has no quantisation table or no block")
    return b"".join(front), bins, blocks


def _read_tables(content: bytes) -> dict[int, HuffmanTable]:
    tables = {}
    while len(content) >= 17:
        end = 17 + sum(content[1:17])
        tables[content[0]] = HuffmanTable.decode(content[1:17], content[17:end])
        content = content[end:]
    return tables


def _end_of_block(image: bytes, position: int) -> int:
    """Return the position of the next marker: FF and anything but 00."""
    while True:
        position = image.find(b"\xff", position)
        if position == -1 or position + 1 == len(image):
            raise MalformedError("WSQ image", "ends inside a block")
        if image[position + 1]:
            return position
        position += 2


def _levels(indices: "Indices", lowest: float) -> "Any":
    """Return the coefficients of the indices, in bins; `lowest` is that of index 1."""
    import numpy as np

    return np.where(indices == 0, 0.0, indices + np.sign(indices) * (lowest - 1))


def _coarsen(indices: "Indices", lowest: float, factor: float, share: float) -> "Indices":
    """Return the nearest indices in bins `factor` times as wide, less a share of those at 1 and -1.

    The smallest are dropped first, and of equal ones those with the longest runs of zeros around.
    """
    import numpy as np

    places = np.flatnonzero(indices)
    magnitudes = np.abs(_levels(indices[places], lowest)) / factor
    nearest = np.maximum(np.rint(magnitudes - (lowest - 1)), 1)
    nearest[magnitudes < lowest / 2] = 0
    at_lowest = np.flatnonzero(nearest == 1)
    room = np.diff(places, prepend=-1, append=len(indices))
    isolation = (room[:-1] + room[1:])[at_lowest]
    order = np.lexsort((-isolation, magnitudes[at_lowest]))
    nearest[at_lowest[order[: round(share * len(order))]]] = 0
    coarse = np.zeros_like(indices)
    coarse[places] = np.sign(indices[places]) * nearest
    return coarse


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (2 + len(content)).to_bytes(2, "big") + content
