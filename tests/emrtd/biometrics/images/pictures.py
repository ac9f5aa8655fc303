"""Pictures that tests draw: a face-like portrait and ridges, and the octets of each format."""

from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image


def portrait(width: int = 600, height: int = 800, *, seed: int = 1) -> PIL.Image.Image:
    """Return a picture of a smooth background, an oval, two eyes, and some texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.full((height, width, 3), (210, 212, 215), float)
    oval = ((x - width / 2) / (width * 0.3)) ** 2 + ((y - height * 0.48) / (height * 0.36)) ** 2 < 1
    pixels[oval] = (200, 160, 130)
    pixels[oval] += (np.cos(x / 37) * np.sin(y / 23))[oval][:, None] * 30
    for eye_x, eye_y in eyes_of(width, height):
        pixels[(x - eye_x) ** 2 + (y - eye_y) ** 2 < (width * 0.02) ** 2] = (30, 25, 20)
    pixels += rng.normal(0, 6, pixels.shape)
    return PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def photograph(width: int = 413, height: int = 531) -> PIL.Image.Image:
    """Return `portrait` with the texture and the light of a photograph."""
    rng = np.random.default_rng(2)
    texture = np.zeros((height, width))
    for size in (2, 4, 8, 16, 32):
        grains = PIL.Image.fromarray(rng.normal(0, size, (height // size, width // size)))
        texture += np.asarray(grains.resize((width, height), PIL.Image.Resampling.BICUBIC))
    smooth = portrait(width, height).resize((width // 3, height // 3)).resize((width, height))
    pixels = np.asarray(smooth, float) * (1 + texture[:, :, None] / 250)
    return PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def eyes_of(width: int, height: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the positions of the eyes of `portrait`."""
    return (width * 0.38, height * 0.43), (width * 0.62, height * 0.43)


def ridges(width: int = 416, height: int = 560, *, period: float = 9.0) -> PIL.Image.Image:
    """Return ridges around a whorl, `period` pixels apart, that fade to a blank margin."""
    y, x = np.mgrid[0:height, 0:width]
    radius = np.hypot((x - width / 2) * 1.1, y - height / 2)
    pixels = 128 + 100 * np.cos(radius * 2 * np.pi / period)
    blank = ((x - width / 2) / (width * 0.45)) ** 2 + ((y - height / 2) / (height * 0.47)) ** 2 > 1
    pixels[blank] = 250
    return PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def written(picture: PIL.Image.Image, name: str, **options: Any) -> bytes:
    """Return the octets of a picture in one of Pillow's formats."""
    octets = BytesIO()
    picture.save(octets, name, **options)
    return octets.getvalue()
