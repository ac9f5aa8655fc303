"""An image as an array of pixels, decoded in another process, and arithmetic on such arrays."""

import math
from io import BytesIO
from typing import TYPE_CHECKING, Final

import msgspec

from emrtd.biometrics.images.png import to_png

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.float64]
    Colour = NDArray[np.float32]

LUMINANCE: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601: Doc 9303-3, 3.9.1.1 says "luminosity"

MAX_PIXELS: Final = 600_000
"""A larger image is analysed at a smaller scale, so that none takes more than about 60 MB."""


class Pixels(msgspec.Struct, frozen=True):
    """An image as height x width x 3 values from 0 to 255, at `scale` times its own size."""

    colour: "Colour"
    scale: float


def decode(image: bytes, what: str) -> Pixels:
    """Decode an image of any format.

    The image is untrusted, so it is decoded in another process.  Raises `MalformedError`.
    """
    import numpy as np
    import PIL.Image

    with PIL.Image.open(BytesIO(to_png(image, what)), formats=("PNG",)) as picture:
        scale = min(1.0, math.sqrt(MAX_PIXELS / (picture.width * picture.height)))
        if scale < 1:
            size = [max(1, round(side * scale)) for side in picture.size]
            smaller = picture.resize((size[0], size[1]), PIL.Image.Resampling.BOX)
            return Pixels(np.asarray(smaller.convert("RGB"), dtype=np.float32), scale)
        return Pixels(np.asarray(picture.convert("RGB"), dtype=np.float32), scale)


def grey(colour: "Colour") -> "Grey":
    """Return the luminance, height x width, from 0 to 255."""
    import numpy as np

    return np.asarray(colour @ np.asarray(LUMINANCE), dtype=np.float64)


def box_mean(values: "Grey", size: int) -> "Grey":
    """Return the mean of size x size values around each; the edge is repeated outwards."""
    import numpy as np

    before = size // 2
    padded = np.pad(values, ((before, size - 1 - before),) * 2, mode="edge")
    total = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    whole = (
        total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    )
    return np.asarray(whole / size**2)


def laplacian(values: "Grey") -> "Grey":
    """Return the second derivative, which is large where the image is sharp."""
    import numpy as np

    inner = values[1:-1, 1:-1]
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return np.asarray(around - 4 * inner)
