"""An image as an array of pixels, decoded in another process, and arithmetic on such arrays."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from emrtd.biometrics.images.decoder import DecodedPixels
from emrtd.biometrics.images.png import to_pixels
from support.errors import MalformedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.float64]
    Colour = NDArray[np.float32]

LUMINANCE: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601: Doc 9303-3, 3.9.1.1 says "luminosity"

MAX_PIXELS: Final = 600_000
"""A larger image is analysed at a smaller scale, so that none takes more than about 60 MB."""


class Pixels(msgspec.Struct, frozen=True):
    """An image at `scale` times its own size, in values from 0 to 255.

    `values` is height x width if the image is grey, and else height x width x 3.
    """

    values: "NDArray[np.uint8]"
    scale: float

    @property
    def colour(self) -> "Colour":
        """The image in colour, height x width x 3."""
        import numpy as np

        grey = self.values.ndim == 2
        return np.asarray(np.dstack((self.values,) * 3) if grey else self.values, dtype=np.float32)

    @property
    def grey(self) -> "Grey":
        """The luminance, height x width."""
        import numpy as np

        if self.values.ndim == 2:
            return np.asarray(self.values, dtype=np.float64)
        return np.asarray(self.colour @ np.asarray(LUMINANCE), dtype=np.float64)


def decode(images: Sequence[bytes]) -> "list[Pixels | MalformedError]":
    """Decode images of any format; return the pixels of each, or why it cannot be decoded.

    The images are untrusted, so they are decoded in another process.
    """
    return [
        each if isinstance(each, MalformedError) else _scaled(each) for each in to_pixels(images)
    ]


def decode_one(image: bytes, what: str) -> Pixels:
    """Decode one image as `decode` does; raises `MalformedError`, which names `what`."""
    (found,) = decode([image])
    if isinstance(found, MalformedError):
        raise MalformedError(what, found.reason)
    return found


def _scaled(decoded: DecodedPixels) -> Pixels:
    import numpy as np

    shape = (decoded.height, decoded.width, decoded.channels)
    values = np.frombuffer(decoded.octets, np.uint8).reshape(shape[: 3 if shape[2] == 3 else 2])
    scale = min(1.0, math.sqrt(MAX_PIXELS / (decoded.width * decoded.height)))
    if scale == 1:
        return Pixels(values, scale)
    import PIL.Image

    size = (max(1, round(decoded.width * scale)), max(1, round(decoded.height * scale)))
    smaller = PIL.Image.fromarray(values).resize(size, PIL.Image.Resampling.BOX)
    return Pixels(np.asarray(smaller), scale)


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
