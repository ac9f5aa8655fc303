"""Find the eyes in a photograph, if the extra `faces` is installed.

The model is small and old, and recognises upright frontal faces, as in a portrait.
`docs/images.md` states how often it is right.  The eyes it finds are used to crop the picture, and
are not written to a biometric record.
"""

from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emrtd.biometrics.images.eye_centres import Eyes
from emrtd.biometrics.images.serving import Status
from emrtd.biometrics.images.standing_process import LostError, StandingProcess

if TYPE_CHECKING:
    from PIL.Image import Image

FINDER: Final = StandingProcess("emrtd.biometrics.images.eyes_process")

_MAX_SIDE: Final = 1_600
"""Pixels of the longer side of the picture that is searched; a face in it has 100 or more."""


@cache
def is_installed() -> bool:
    """Whether OpenCV is installed with its cascades, which only the 4 series contains."""
    spec = find_spec("cv2")
    if spec is None or spec.origin is None:
        return False
    return (Path(spec.origin).parent / "data" / "haarcascade_frontalface_alt2.xml").is_file()


def find_eyes(picture: "Image") -> Eyes | None:
    """Return the eyes of the likeliest face of a picture.

    None if no face with two eyes is found, and if the finder crashes or is not installed.
    """
    if not is_installed():
        return None

    scale = min(1.0, _MAX_SIDE / max(picture.size))
    grey = picture.convert("L")
    if scale < 1:
        grey = grey.resize((round(grey.width * scale), round(grey.height * scale)))
    octets = BytesIO()
    grey.save(octets, "PNG", compress_level=1)
    with FINDER.lock:
        try:
            status, answer = FINDER.ask(0, octets.getvalue())
        except LostError:
            return None
    if status is not Status.DONE:
        return None
    values = [float(value) / scale for value in answer.split()]
    if len(values) != 4:
        return None
    points = ((values[0], values[1]), (values[2], values[3]))
    inside = all(0 <= x < picture.width and 0 <= y < picture.height for x, y in points)
    return Eyes(*points) if inside else None
