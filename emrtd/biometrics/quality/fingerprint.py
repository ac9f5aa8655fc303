"""The quality of a fingerprint: how much of it shows ridges, and how clearly.

The direction of the ridges is that of the structure tensor; its coherence is 1 where all ridges of
a neighbourhood are parallel, and 0 where there is only noise.  A site that has NFIQ 2 adds it as a
plug-in.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeVar

from emrtd.biometrics.quality import pixels
from emrtd.biometrics.quality.measurement import Assessment, Measurement, Range

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emrtd.biometrics.quality.pixels import Grey

    Number = TypeVar("Number", np.float64, np.bool_)

_CLAUSE: Final = "ISO/IEC 19794-4, 7"
_CAPTURE: Final = "ISO/IEC 19794-4, Annex A"

_NEIGHBOURHOOD: Final = 24
"""Pixels a side: two to three ridges at 500 pixels per inch."""

_RIDGE_CONTRAST: Final = 12.0
_RIDGE_COHERENCE: Final = 0.35
"""From these values on, a neighbourhood counts as ridges; below, as margin, smear or noise."""


_BLOCK: Final = 2.5
"""Millimetres a side of a block whose detail is analysed: about five ridges."""

_RIDGE_PERIODS: Final = (0.3, 0.75)
"""Millimetres from ridge to ridge, from small children to grown men."""


def assess_fingerprint(image: bytes, resolution: int = 500) -> Assessment:
    """Measure a fingerprint of any format, `resolution` in pixels per inch.

    Raises `MalformedError` if it is not an image.
    """
    return measure_fingerprint(pixels.decode_one(image, "fingerprint"), resolution)


def measure_fingerprint(decoded: pixels.Pixels, resolution: int = 500) -> Assessment:
    """Measure a fingerprint that has been decoded, `resolution` in pixels per inch."""
    grey, scale = decoded.grey, decoded.scale
    return Assessment((*_size(grey, resolution, scale), *_ridges(grey, resolution * scale)))


def _size(grey: "Grey", resolution: int, scale: float) -> Iterator[Measurement]:
    yield Measurement(
        "finger.resolution", resolution, "pixels per inch", Range(490, 510), Range(250, 1000),
        "capture at 500 pixels per inch", _CAPTURE,
    )  # fmt: skip
    height, width = grey.shape
    yield Measurement(
        "finger.smaller-side", 25.4 * min(height, width) / (resolution * scale), "mm",
        Range(least=12), Range(least=6),
        "capture the whole pad of the finger", _CLAUSE,
    )  # fmt: skip


def _ridges(grey: "Grey", resolution: float) -> Iterator[Measurement]:
    import numpy as np

    contrast, coherence = _local_contrast(grey), _coherence(grey)
    ridges = (contrast >= _RIDGE_CONTRAST) & (coherence >= _RIDGE_COHERENCE)
    area = float(ridges.sum()) * (25.4 / resolution) ** 2
    yield Measurement(
        "finger.ridge-area", area, "mm2", Range(least=120), Range(least=40),
        "press the finger flat and in the middle of the sensor", _CLAUSE,
    )  # fmt: skip
    shown = ridges if ridges.any() else np.ones_like(ridges)
    yield Measurement(
        "finger.contrast", float(contrast[shown].mean()), "of 255", Range(least=28), Range(least=8),
        "clean the sensor; dry or moisten the finger", _CLAUSE,
    )  # fmt: skip
    yield Measurement(
        "finger.ridge-spacing", 100 * _ridge_band(grey, ridges, resolution), "% of the detail",
        Range(least=50), Range(least=30),
        "make sure that it is a fingerprint of the stated resolution", _CLAUSE,
    )  # fmt: skip
    touched = contrast >= _RIDGE_CONTRAST
    clarity = float(coherence[touched].mean()) if touched.any() else 0.0
    yield Measurement(
        "finger.ridge-clarity", clarity, "", Range(least=0.5), Range(least=0.25),
        "have the finger keep still; try another finger if its skin is worn", _CLAUSE,
    )  # fmt: skip


def _ridge_band(grey: "Grey", ridges: "NDArray[np.bool_]", resolution: float) -> float:
    """Return the share of detail with the spacing of ridges, over the blocks that show ridges.

    A face or a landscape has detail of other spacings, noise of all.
    """
    import numpy as np

    size = max(16, round(_BLOCK * resolution / 25.4))
    frequency = np.fft.fftfreq(size, 25.4 / resolution)
    radius = np.hypot(frequency[:, None], frequency[None, :])  # periods a millimetre
    low, high = _RIDGE_PERIODS
    band = (radius >= 1 / high) & (radius <= 1 / low)
    window = np.outer(np.hanning(size), np.hanning(size))
    shown = _blocks(ridges, size).mean((1, 2)) >= 0.5
    blocks = _blocks(grey, size)[shown]
    if not len(blocks):
        return 0.0
    detail = (blocks - blocks.mean((1, 2), keepdims=True)) * window
    power = np.square(np.abs(np.fft.fft2(detail)))
    shares = power[:, band].sum(1) / np.maximum(power.sum((1, 2)), 1e-9)
    return float(shares.mean())


def _blocks(values: "NDArray[Number]", size: int) -> "NDArray[Number]":
    """Return the whole blocks of size x size values, from the top left: count x size x size."""
    down, across = values.shape[0] // size, values.shape[1] // size
    whole = values[: down * size, : across * size].reshape(down, size, across, size)
    return whole.swapaxes(1, 2).reshape(-1, size, size)


def _local_contrast(grey: "Grey") -> "Grey":
    import numpy as np

    mean = pixels.box_mean(grey, _NEIGHBOURHOOD)
    variance = pixels.box_mean(grey * grey, _NEIGHBOURHOOD) - mean * mean
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


def _coherence(grey: "Grey") -> "Grey":
    """Return the coherence of the structure tensor over each neighbourhood."""
    import numpy as np

    smooth = pixels.box_mean(grey, 3)
    down, across = (np.asarray(each) for each in np.gradient(smooth))
    products = (across * across, down * down, across * down)
    xx, yy, xy = (pixels.box_mean(each, _NEIGHBOURHOOD) for each in products)
    strength = xx + yy
    difference = np.hypot(xx - yy, 2 * xy)
    return np.asarray(
        np.divide(difference, strength, out=np.zeros_like(strength), where=strength > 1e-6)
    )
