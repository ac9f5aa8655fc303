"""An image as an array of pixels, decoded where it cannot hurt, and small pieces of arithmetic."""

from io import BytesIO
from typing import TYPE_CHECKING, Final

from emrtd.biometrics.images.png import to_png

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.float64]
    Colour = NDArray[np.float64]

LUMINANCE: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601: Doc 9303-3, 3.9.1.1 says "luminosity"


def decode(image: bytes, what: str) -> "Colour":
    """Decode an image of any format to height x width x 3 values from 0 to 255.

    The image is a stranger's, so its decoder has a process of its own; raises `MalformedError`.
    """
    import numpy as np
    import PIL.Image

    with PIL.Image.open(BytesIO(to_png(image, what)), formats=("PNG",)) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float64)


def grey(colour: "Colour") -> "Grey":
    """The luminance, height x width, from 0 to 255."""
    import numpy as np

    return np.asarray(colour @ np.asarray(LUMINANCE))


def box_mean(values: "Grey", size: int) -> "Grey":
    """The mean over size x size values around each; the edge is repeated outwards."""
    import numpy as np

    before = size // 2
    padded = np.pad(values, ((before, size - 1 - before),) * 2, mode="edge")
    total = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    whole = (
        total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    )
    return np.asarray(whole / size**2)


def laplacian(values: "Grey") -> "Grey":
    """The second derivative: large where the image is sharp."""
    import numpy as np

    inner = values[1:-1, 1:-1]
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return np.asarray(around - 4 * inner)
