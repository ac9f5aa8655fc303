"""Feature points in ISO/IEC 39794-5, which has a number for each MPEG-4 feature point."""

from typing import Any, Final

from emrtd.biometrics.iso39794.data_block import Value, code_of, icao_code
from emrtd.biometrics.samples import FeaturePoint
from support.errors import MisuseError

_MINORS: Final = {2: 14, 3: 14, 4: 6, 5: 4, 6: 4, 7: 1, 8: 10, 9: 15, 10: 10, 11: 6, 12: 4}
"""How many feature points each MPEG-4 group has, 2.1 being the first."""

MPEG4_POINTS: Final = tuple(
    (major, minor) for major, count in _MINORS.items() for minor in range(1, count + 1)
)
"""The feature point of each MPEG4FeaturePointCode, from 0 (2.1) to 87 (12.4)."""

_CODES: Final = {point: code for code, point in enumerate(MPEG4_POINTS)}

_PUPILS: Final = {21: (12, 1), 22: (12, 2)}
"""AnthropometricLandmarkName: centre of the left and right pupil, as the same points in MPEG-4."""


def landmark_block(point: FeaturePoint) -> dict[str, Any]:
    """Return a LandmarkBlock; raises `MisuseError` if MPEG-4 does not define the point."""
    code = _CODES.get((point.major, point.minor))
    if code is None:
        raise MisuseError(f"{point.major}.{point.minor} is not an MPEG-4 feature point")
    return {
        "landmarkKind": ("base", ("mpeg4FeaturePoint", icao_code(code))),
        "landmarkCoordinates": (
            "base",
            ("coordinateCartesian2DBlock", {"x": point.x, "y": point.y}),
        ),
    }


def feature_point(block: Value) -> FeaturePoint | None:
    """Return the feature point of a block; None for other landmarks and without 2D coordinates."""
    place, coordinates = block.get("landmarkCoordinates", (None, None))
    if place != "base" or coordinates[0] != "coordinateCartesian2DBlock":
        return None
    point = _point_of(block["landmarkKind"])
    return None if point is None else FeaturePoint(*point, **coordinates[1])


def _point_of(kind: Any) -> tuple[int, int] | None:
    if kind[0] != "base":
        return None
    name, value = kind[1]
    if name == "mpeg4FeaturePoint":
        code = code_of(value)
        known = code is not None and code < len(MPEG4_POINTS)
        return MPEG4_POINTS[code] if known and code is not None else None
    if value[0] != "base" or value[1][0] != "anthropometricLandmarkName":
        return None
    return _PUPILS.get(code_of(value[1][1]) or 0)
