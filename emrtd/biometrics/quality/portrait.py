"""The quality of a portrait (Doc 9303-3, 3.9.1; ISO/IEC 19794-5, 7 and 8; 39794-5, D).

The positions of the eyes, if known, locate the face; otherwise it is assumed to be in the middle.
No trained model is used: a site that has OFIQ adds it as a plug-in.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from emrtd.biometrics.images.eye_centres import Eyes
from emrtd.biometrics.quality import pixels
from emrtd.biometrics.quality.measurement import Assessment, Measurement, Range

if TYPE_CHECKING:
    from emrtd.biometrics.quality.pixels import Colour, Grey

_GEOMETRY: Final = "Doc 9303-3, 3.9.1.1"
_SATURATION: Final = "Doc 9303-3, 3.9.1.1"
_FACE: Final = "ISO/IEC 19794-5, 7.4 and 8.4"

_CROWN_TO_CHIN: Final = 3.5
"""Height of a head in distances between the eyes."""


def assess_portrait(image: bytes, eyes: Eyes | None = None) -> Assessment:
    """Measure a portrait of any format; raises `MalformedError` if it is not an image."""
    return measure_portrait(pixels.decode_one(image, "portrait"), eyes)


def measure_portrait(decoded: pixels.Pixels, eyes: Eyes | None = None) -> Assessment:
    """Measure a portrait that has been decoded; `eyes` are in pixels of the image itself."""
    colour, grey, scale = decoded.colour, decoded.grey, decoded.scale
    if eyes is not None:
        eyes = eyes.moved(lambda point: (point[0] * scale, point[1] * scale))
    face = _face(grey, eyes)
    return Assessment(
        (
            *_geometry(grey, eyes, scale),
            *_light(face),
            *_sharpness(grey, face),
            *_background(grey),
            *_colour(colour),
        )
    )


def _face(grey: "Grey", eyes: Eyes | None) -> "Grey":
    """Return the part with the face: about two eye distances wide and high, or the middle."""
    height, width = grey.shape
    if eyes is None:
        box = (0.3 * width, 0.25 * height, 0.7 * width, 0.75 * height)
    else:
        x = (eyes.right[0] + eyes.left[0]) / 2
        y = (eyes.right[1] + eyes.left[1]) / 2
        reach = eyes.distance
        box = (x - reach, y - reach * 0.6, x + reach, y + reach * 1.6)
    left, top = (max(0, round(each)) for each in box[:2])
    right, bottom = min(width, round(box[2])), min(height, round(box[3]))
    found = grey[top:bottom, left:right]
    return found if min(found.shape) >= 8 else grey


def _geometry(grey: "Grey", eyes: Eyes | None, scale: float) -> Iterator[Measurement]:
    height, width = grey.shape
    yield Measurement(
        "portrait.width", round(width / scale), "pixels", Range(least=240), Range(least=120),
        "take the picture at a higher resolution", "ISO/IEC 19794-5, A.2",
    )  # fmt: skip
    yield Measurement(
        "portrait.aspect", width / height, "", Range(0.74, 0.82), Range(0.5, 1.5),
        "crop the picture to 35 x 45 mm, without stretching it", _GEOMETRY,
    )  # fmt: skip
    if eyes is None:
        return
    yield Measurement(
        "portrait.eye-distance", eyes.distance / scale, "pixels", Range(least=90), Range(least=60),
        "take the picture from nearer, or at a higher resolution", "ISO/IEC 19794-5, 8.4.1",
    )  # fmt: skip
    yield Measurement(
        "portrait.head-height", 100 * _CROWN_TO_CHIN * eyes.distance / height, "%",
        Range(60, 90), Range(35, 110),
        "crop the picture so that the head fills 70 to 80 % of its height", _GEOMETRY,
    )  # fmt: skip
    drop = abs(eyes.left[1] - eyes.right[1])
    yield Measurement(
        "portrait.tilt", 100 * drop / eyes.distance, "% of the eye distance",
        Range(most=9), Range(most=27),  # 5 and 15 degrees
        "have the holder keep the head upright", "ISO/IEC 19794-5, 7.2.2",
    )  # fmt: skip


def _light(face: "Grey") -> Iterator[Measurement]:
    import numpy as np

    yield Measurement(
        "portrait.brightness", float(face.mean()), "of 255", Range(60, 220), Range(20, 245),
        "light the face evenly, neither too dark nor too bright", _FACE,
    )  # fmt: skip
    yield Measurement(
        "portrait.contrast", float(face.std()), "of 255", Range(least=16), Range(least=6),
        "light the face so that its features show", _FACE,
    )  # fmt: skip
    levels = len(np.unique(np.clip(face, 0, 255).astype(np.uint8)))
    yield Measurement(
        "portrait.grey-levels", levels, "levels", Range(least=128), Range(least=40),
        "take the picture again; this one has too few grey levels", "ISO/IEC 19794-5, 7.4.2.1",
    )  # fmt: skip
    saturated = 100 * float(np.mean((face <= 0.5) | (face >= 254.5)))
    yield Measurement(
        "portrait.saturated", saturated, "% of the face", Range(most=0.2), Range(most=20),
        "avoid glare and deep shadow on the face", _SATURATION,
    )  # fmt: skip


def _sharpness(grey: "Grey", face: "Grey") -> Iterator[Measurement]:
    """Measure how much of the face is detail; a blur of one pixel halves it.

    The second derivative is measured at one scale, that of a portrait 240 pixels wide, so that a
    large blurred picture does not pass as sharp, and is divided by the contrast of the face.
    """
    step = max(1, round(grey.shape[1] / 240))
    reduced = pixels.box_mean(face, step)[::step, ::step] if step > 1 else face
    contrast = max(float(reduced.std()), 1.0)
    detail = float(pixels.laplacian(reduced).std()) / contrast
    yield Measurement(
        "portrait.sharpness", detail, "", Range(least=0.20), Range(least=0.06),
        "focus on the face, and have the holder keep still", "ISO/IEC 19794-5, 7.3.3",
    )  # fmt: skip


def _background(grey: "Grey") -> Iterator[Measurement]:
    """Measure the two upper corners, which show only background."""
    import numpy as np

    height, width = grey.shape
    down, across = max(2, height // 6), max(2, width // 8)
    corners = np.concatenate((grey[:down, :across].ravel(), grey[:down, -across:].ravel()))
    yield Measurement(
        "portrait.background-uniformity", float(corners.std()), "of 255", Range(most=24), None,
        "take the picture before a plain wall", "ISO/IEC 19794-5, A.2.4.3",
    )  # fmt: skip
    yield Measurement(
        "portrait.background-lightness", float(corners.mean()), "of 255", Range(120, 252), None,
        "take the picture before a light wall, without shadows", "ISO/IEC 19794-5, A.2.4.3",
    )  # fmt: skip


def _colour(colour: "Colour") -> Iterator[Measurement]:
    import numpy as np

    means = colour.reshape(-1, 3).mean(0)
    yield Measurement(
        "portrait.colour-cast", float(np.ptp(means)), "of 255", Range(most=60), None,
        "set the camera's white balance", _SATURATION,
    )  # fmt: skip
