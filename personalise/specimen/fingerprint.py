"""Synthetic fingerprints: ridges grown along an orientation field with cores and deltas.

The field is that of Sherlock and Monro: each loop turns the ridges around itself by half a turn,
each delta by half a turn in the other direction.  Filtering noise repeatedly with Gabor filters
along the field makes ridges, and minutiae where ridges split or end.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto, unique
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Plane: TypeAlias = NDArray[np.float32]
    Gray: TypeAlias = NDArray[np.uint8]

WIDTH: Final = 400
HEIGHT: Final = 500
"""Pixels at 500 dpi: 20 x 25 mm."""

_DIRECTIONS: Final = 16
_ROUNDS: Final = 5
_REACH: Final = 14
"""Pixels from the middle of a filter to its edge."""
_PERIOD: Final = 9.2
"""Pixels from ridge to ridge, about 0.47 mm."""


@unique
class Pattern(Enum):
    """The classes of Galton and Henry."""

    ARCH = auto()
    LEFT_LOOP = auto()
    RIGHT_LOOP = auto()
    WHORL = auto()


@dataclass(frozen=True)
class _Singularity:
    x: float
    y: float
    turn: int
    """+1 for a loop, -1 for a delta."""


def draw_lots(lots: Random) -> Pattern:
    """Return a pattern, with the frequencies of natural fingerprints."""
    return lots.choices(list(Pattern), weights=(5, 32, 32, 31))[0]


def fingerprint(pattern: Pattern, lots: Random) -> "Gray":
    """Return a fingerprint: `HEIGHT` x `WIDTH` grey levels, dark ridges on a light background."""
    import numpy as np

    noise = np.random.default_rng(lots.getrandbits(64))
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    orientation = _orientation(pattern, lots, x, y)
    ridges = _grow(orientation, _PERIOD * lots.uniform(0.92, 1.1), noise)
    return _impression(ridges, x, y, lots, noise)


def _singularities(pattern: Pattern, lots: Random) -> list[_Singularity]:
    middle, sway = WIDTH / 2, lots.uniform(-12, 12)
    if pattern is Pattern.ARCH:
        return []
    if pattern is Pattern.WHORL:
        apart, drop = lots.uniform(8, 34), lots.uniform(128, 165)
        core = middle + sway
        return [
            _Singularity(core - 6, 218 - apart / 2, 1),
            _Singularity(core + 6, 218 + apart / 2, 1),
            _Singularity(core - lots.uniform(110, 140), 218 + drop, -1),
            _Singularity(core + lots.uniform(110, 140), 218 + drop, -1),
        ]
    side = 1 if pattern is Pattern.LEFT_LOOP else -1
    return [
        _Singularity(middle + sway, 212, 1),
        _Singularity(
            middle + sway + side * lots.uniform(78, 110), 212 + lots.uniform(110, 140), -1
        ),
    ]


def _orientation(pattern: Pattern, lots: Random, x: "Plane", y: "Plane") -> "Plane":
    """Return the angle of the ridges at each pixel, in radians, counterclockwise, modulo pi."""
    import numpy as np

    angle = np.zeros_like(x)
    for each in _singularities(pattern, lots):
        # The axis points upwards and the cut of the angle downwards, where the loops open.
        angle += each.turn * 0.5 * np.arctan2(each.y - y, x - each.x)
    if pattern is Pattern.ARCH:
        # Flat ridges that bulge towards the tip of the finger.
        rise = lots.uniform(0.75, 1.1) * np.exp(-(((y - 270) / 130) ** 2))
        angle = np.arctan(-rise * np.sin((x - WIDTH / 2) / WIDTH * 2 * math.pi) * 1.3)
    slow = lots.uniform(-0.12, 0.12)
    wobble = slow * np.sin(x / 90 + lots.uniform(0, 6)) * np.cos(y / 110 + lots.uniform(0, 6))
    return (angle + wobble).astype(np.float32)


def _grow(orientation: "Plane", period: float, noise: "np.random.Generator") -> "Plane":
    """Filter noise along the field until it shows ridges; values are about -1 to 1."""
    import numpy as np

    level = (orientation % math.pi) / math.pi * _DIRECTIONS
    below = np.floor(level).astype(np.intp) % _DIRECTIONS
    share = (level - np.floor(level)).astype(np.float32)
    shape = (_fast(HEIGHT + 64), _fast(WIDTH + 64))
    kernels = [
        np.fft.rfft2(_gabor(direction * math.pi / _DIRECTIONS, period), shape)
        for direction in range(_DIRECTIONS)
    ]
    rows, columns = np.arange(HEIGHT)[:, None], np.arange(WIDTH)[None, :]
    plane = noise.normal(0, 0.6, orientation.shape).astype(np.float32)
    for _ in range(_ROUNDS):
        spectrum = np.fft.rfft2(plane, shape)
        filtered = np.stack([
            np.fft.irfft2(spectrum * kernel, shape)[
                _REACH : _REACH + HEIGHT, _REACH : _REACH + WIDTH
            ].astype(np.float32)
            for kernel in kernels
        ])  # fmt: skip
        one = filtered[below, rows, columns]
        other = filtered[(below + 1) % _DIRECTIONS, rows, columns]
        plane = np.tanh(2.2 * ((1 - share) * one + share * other))
    return plane


def _gabor(angle: float, period: float) -> "Plane":
    """Return a filter for ridges at this angle and distance."""
    import numpy as np

    steps = np.arange(-_REACH, _REACH + 1, dtype=np.float32)
    x, y = np.meshgrid(steps, steps)
    across = x * math.sin(angle) + y * math.cos(angle)  # rows count downwards
    along = x * math.cos(angle) - y * math.sin(angle)
    envelope = np.exp(-(across**2) / (2 * 3.6**2) - along**2 / (2 * 4.6**2))
    kernel = envelope * np.cos(2 * math.pi * across / period)
    kernel -= envelope * (kernel.sum() / envelope.sum())  # the response to uniform grey is 0
    scaled: Plane = (kernel / np.abs(kernel).sum() * 2).astype(np.float32)
    return scaled


def _fast(size: int) -> int:
    """Return the next larger size with a fast Fourier transform."""
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1


def _impression(
    ridges: "Plane", x: "Plane", y: "Plane", lots: Random, noise: "np.random.Generator"
) -> "Gray":
    """Return the scan of the ridges: the shape of the pad, uneven pressure, pores, some noise."""
    import numpy as np
    from PIL import Image

    def cloud(cells: int) -> "Plane":
        small = noise.normal(0, 1, (cells, cells)).astype(np.float32)
        size = (WIDTH, HEIGHT)
        return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))

    across, down = (x - WIDTH / 2) / 182, (y - 262) / 236
    edge = (np.abs(across) ** 2.3 + np.abs(down) ** 2.5) + 0.05 * cloud(9)
    pad = np.clip((1.0 - edge) / 0.1, 0, 1)
    pressure = lots.uniform(0.02, 0.22) + 0.12 * cloud(5)
    ink = 1 / (1 + np.exp(-5.5 * (ridges + pressure)))
    ink *= 1 - 0.3 * np.clip(noise.normal(0, 1, ridges.shape) - 1.6, 0, 1)
    grey = 236 - pad * ink * (188 + 10 * cloud(6)) + noise.normal(0, 3.5, ridges.shape)
    softened = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    pixels = np.asarray(softened, dtype=np.float32)
    blurred = (pixels + np.roll(pixels, 1, 0) + np.roll(pixels, 1, 1)
               + np.roll(pixels, (1, 1), (0, 1))) / 4  # fmt: skip
    return np.clip(blurred + 0.5, 0, 255).astype(np.uint8)


def as_wsq(pattern: Pattern, lots: Random) -> bytes:
    """Return a new fingerprint of this pattern, encoded as WSQ at 500 dpi."""
    from emrtd.biometrics.images.wsq_library import compress

    return compress(fingerprint(pattern, lots).tobytes(), WIDTH, HEIGHT)
