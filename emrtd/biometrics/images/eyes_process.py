"""The process that finds eyes: `python -m` this module; needs the extra `faces`.

It uses the cascades of Viola and Jones for faces and eyes, which OpenCV's wheels of the 4 series
contain; those of the 5 series contain none.  It searches for the face upright and turned, then for
each eye in its half of the upright face.

A request is a grey PNG; the answer is four numbers, x and y of one eye and of the other.
"""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emrtd.biometrics.images.serving import DecodingLimits, Status, serve

if TYPE_CHECKING:
    import numpy as np

    Grey = np.ndarray[Any, np.dtype[np.uint8]]

LIMITS: Final = DecodingLimits(memory=512 << 20, seconds=5)

_SIDE: Final = 360
"""Pixels of the longer side of the picture in which the face is searched for."""

_ANGLES: Final = (0, -15, 15, -30, 30)
"""Degrees by which the picture is turned; a cascade finds a face within about 15 degrees."""

_FACE: Final = 256
"""Pixels a side of the upright face in which the eyes are searched for."""

_UPPER, _LOWER, _OUTER, _OVERLAP = 46, 154, 20, 10
"""Where eyes are searched for: rows of that face, columns from its sides and past its middle."""

_DISTANCES: Final = (72, 154)
"""Least and most pixels between the two eyes of such a face."""

_MAX_TILT: Final = math.radians(20)

_CASCADES: Final = {
    "face": "frontalface_alt2", "eye": "eye", "glasses": "eye_tree_eyeglasses",
    "right": "righteye_2splits", "left": "lefteye_2splits",
}  # fmt: skip


def main() -> int:
    """Find the eyes in the pictures on standard input until it ends."""
    import cv2

    cv2.setNumThreads(1)  # a process that forks has one thread
    folder = Path(cv2.__file__).parent / "data"
    found = {
        name: cv2.CascadeClassifier(str(folder / f"haarcascade_{file}.xml"))
        for name, file in _CASCADES.items()
    }
    serve(lambda _, octets: _answer(found, octets), LIMITS)
    return 0


def _answer(cascades: dict[str, Any], octets: bytes) -> tuple[Status, bytes]:
    import cv2
    import numpy as np

    grey: Grey | None = cv2.imdecode(np.frombuffer(octets, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        return Status.MALFORMED, b"is no picture"
    points = _find(cascades, grey)
    if points is None:
        return Status.MALFORMED, b"shows no face with two eyes"
    return Status.DONE, " ".join(f"{value:.2f}" for value in points).encode()


def _find(cascades: dict[str, Any], grey: "Grey") -> list[float] | None:
    """Return the eyes of the likeliest face that has two."""
    import cv2
    import numpy as np

    scale = min(1.0, _SIDE / max(grey.shape))
    small = cv2.equalizeHist(
        cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    )
    faces = []
    for angle in _ANGLES:
        turned, matrix = _turned(small, angle)
        for (x, y, side, _), weight in _detect(cascades["face"], turned, 1.1, 40):
            back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
            unit = np.array([[side / _FACE, 0, x], [0, side / _FACE, y], [0, 0, 1]])
            faces.append((weight, np.diag([1 / scale, 1 / scale, 1]) @ back @ unit))
    for _, matrix in sorted(faces, key=lambda each: -each[0])[:5]:
        eyes = _eyes(cascades, _upright(grey, matrix))
        if eyes is not None:
            points = matrix[:2] @ np.vstack([np.array(eyes).T, [1, 1]])
            return [float(value) for value in points.T.ravel()]
    return None


def _turned(picture: "Grey", angle: float) -> tuple["Grey", Any]:
    import cv2

    height, width = picture.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (int(height * sine + width * cosine), int(height * cosine + width * sine))
    matrix[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    return cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE), matrix


def _upright(grey: "Grey", matrix: Any) -> "Grey":
    """Return the face, cut from the picture at full size, with its contrast spread."""
    import cv2

    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    face = cv2.warpAffine(
        grey, matrix[:2], (_FACE, _FACE), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    spread: Grey = cv2.createCLAHE(2.0, (4, 4)).apply(face)
    return spread


def _eyes(cascades: dict[str, Any], face: "Grey") -> list[tuple[float, float]] | None:
    """Return both eyes of an upright face; None if their places are not those of eyes."""
    middle = _FACE // 2
    eyes = []
    for side, start, end in (
        ("right", _OUTER, middle + _OVERLAP),
        ("left", middle - _OVERLAP, _FACE - _OUTER),
    ):
        half = face[_UPPER:_LOWER, start:end]
        for name in ("glasses", side, "eye"):
            detected = _detect(cascades[name], half, 1.05, half.shape[1] // 4)
            if detected:
                x, y, width, height = max(detected, key=lambda each: each[1])[0]
                eyes.append((start + x + width / 2, _UPPER + y + height / 2))
                break
    if len(eyes) != 2:
        return None
    (x0, y0), (x1, y1) = eyes
    apart, tilt = math.dist(*eyes), math.atan2(y1 - y0, x1 - x0)
    return eyes if _DISTANCES[0] < apart < _DISTANCES[1] and abs(tilt) < _MAX_TILT else None


def _detect(
    cascade: Any, picture: "Grey", step: float, least: int
) -> list[tuple[tuple[int, int, int, int], float]]:
    """Return the boxes that a cascade finds, each with its confidence."""
    boxes, _, weights = cascade.detectMultiScale3(
        picture, step, 3, minSize=(least, least), outputRejectLevels=True
    )
    return [
        ((int(x), int(y), int(width), int(height)), float(weight))
        for (x, y, width, height), weight in zip(boxes, list(weights), strict=True)
    ]


if __name__ == "__main__":
    sys.exit(main())
