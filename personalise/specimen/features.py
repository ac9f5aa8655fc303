"""Eyes, brows, nose, mouth and glasses."""

from collections.abc import Callable
from typing import Final, TypeAlias

from personalise.specimen.canvas import (
    Canvas,
    Point,
    ellipse,
    mirrored,
    mix,
    shade,
    smooth,
    symmetric,
)
from personalise.specimen.face import Face

EYE_LEVEL: Final = 410.0
"""The height of the eyes, in units of the canvas from its upper edge."""

_EYEBALL: Final = (246, 242, 238)
_LASHES: Final = (44, 32, 30)

Turn: TypeAlias = Callable[[list[Point]], list[Point]]
"""A function that returns points unchanged (right of the face) or mirrored (left)."""


def draw_eyes(canvas: Canvas, face: Face) -> None:
    """Draw both eyes, open and looking straight ahead, and the brows."""
    for turn in (list, mirrored):
        _draw_eye(canvas, face, turn)
        canvas.soften(turn(_brow(face)), shade(face.hair, 0.85), 0.95, 2.2)


def _draw_eye(canvas: Canvas, face: Face, turn: Turn) -> None:
    x, y, half, rise = face.eye_distance, EYE_LEVEL, 38 * face.eye_size, 17 * face.eye_size
    inner, outer = (x - half, y + 5), (x + half, y - face.eye_tilt + 2)
    upper = smooth(
        [inner, (x - 0.5 * half, y - 0.72 * rise), (x, y - rise), (x + 0.55 * half, y - 0.8 * rise),
         outer], closed=False,
    )  # fmt: skip
    lower = smooth(
        [outer, (x + 0.45 * half, y + 0.72 * rise), (x - 0.2 * half, y + 0.86 * rise), inner],
        closed=False,
    )
    lid = [(a, b - 11) for a, b in upper]
    shadow = [*((a, b - 2) for a, b in upper), *((a, b + 7) for a, b in reversed(upper))]
    canvas.soften(turn([*lid, *reversed(upper)]), shade(face.skin, 0.72), 0.55, 4)
    canvas.fill(turn([*upper, *lower]), _EYEBALL)
    _draw_iris(canvas, face, turn([(x, y - 1)])[0], 16.5 * face.eye_size)
    canvas.soften(turn(shadow), (60, 44, 40), 0.45, 3)
    # Skin over the part of the iris that the lids hide.
    above = [*upper, (outer[0] + 2, y - 16), (x, y - 26), (inner[0] - 2, y - 14)]
    below = [*lower, (inner[0] - 2, y + 12), (x, y + 22), (outer[0] + 2, y + 14)]
    canvas.soften(turn(above), mix(face.skin, shade(face.skin, 0.66), 0.36), 1.0, 1.2)
    canvas.soften(turn(below), mix(face.skin, shade(face.skin, 0.66), 0.16), 1.0, 1.2)
    canvas.stroke(turn(upper), _LASHES, 5.5 if face.feminine else 4)
    canvas.stroke(turn(lower), mix(shade(face.skin, 0.55), (120, 70, 60), 0.3), 1.6)
    canvas.stroke(turn([(a, b - 10) for a, b in upper[4:-3]]), shade(face.skin, 0.6), 2)
    if face.feminine:
        canvas.stroke(turn([outer, (outer[0] + 8, outer[1] - 6)]), _LASHES, 3)


def _draw_iris(canvas: Canvas, face: Face, centre: Point, radius: float) -> None:
    x, y = centre
    canvas.disc(centre, radius, shade(face.eyes, 0.55))
    canvas.disc(centre, radius * 0.86, face.eyes)
    glow = ellipse((x, y + 0.4 * radius), 0.6 * radius, 0.45 * radius)
    canvas.soften(glow, shade(face.eyes, 1.6), 0.7, 3)
    canvas.disc(centre, radius * 0.42, (16, 12, 12))
    canvas.disc((x - 0.3 * radius, y - 0.36 * radius), radius * 0.2, (252, 252, 252))


def _brow(face: Face) -> list[Point]:
    x, y, thick = face.eye_distance, EYE_LEVEL - 50, 7.5 * face.brow_weight
    crest = y - face.brow_arch
    return smooth([
        (x - 46, y + 4), (x - 16, crest), (x + 20, crest - 3), (x + 54, y + 10),
        (x + 22, crest + 0.9 * thick), (x - 14, crest + 1.5 * thick), (x - 45, y + 4 + 1.9 * thick),
    ])  # fmt: skip


def draw_nose(canvas: Canvas, face: Face) -> None:
    """Draw the bridge, the tip and the nostrils, mostly as shades."""
    half, tip = face.nose_width, EYE_LEVEL + face.nose_length
    deep, light = shade(face.skin, 0.6), mix(face.skin, (255, 248, 238), 0.6)
    for sign in (-1, 1):
        bridge = [(sign * x, y) for x, y in (
            (17, 398), (25, 398), (26, tip - 46), (half + 4, tip - 12), (half - 4, tip - 6),
            (17, tip - 44),
        )]  # fmt: skip
        canvas.soften(bridge, deep, 0.34, 8)
        wing = smooth([(sign * x, y) for x, y in (
            (half - 8, tip - 28), (half + 2, tip - 18), (half, tip - 2), (half - 12, tip + 2),
        )])  # fmt: skip
        canvas.soften(wing, deep, 0.32, 3)
        canvas.soften(ellipse((sign * (half - 17), tip + 1), 9.5, 4.6), (52, 30, 26), 0.72, 3)
    canvas.soften(ellipse((-3, 470), 8, 62), light, 0.42, 8)
    canvas.soften(ellipse((-3, tip - 18), 14, 12), light, 0.55, 9)
    under = symmetric([(0, tip + 7), (half - 4, tip + 3), (16, tip + 14), (0, tip + 15)])
    canvas.soften(under, deep, 0.5, 5)
    canvas.soften(ellipse((0, tip + 30), 9, 18), deep, 0.16, 6)


def draw_mouth(canvas: Canvas, face: Face) -> None:
    """Draw a closed mouth without expression, as Doc 9303-9 requires."""
    half, line = face.mouth_width, 600.0
    tint = (168, 74, 74) if face.feminine else (158, 88, 78)
    colour = mix(face.skin, tint, 0.62 if face.feminine else 0.42)
    up, down = 14 * face.lips, 21 * face.lips
    upper = symmetric([
        (0, line - 0.72 * up), (15, line - up), (0.62 * half, line - 0.45 * up),
        (half, line - 6), (0.5 * half, line + 2), (0, line + 4),
    ])  # fmt: skip
    lower = symmetric([
        (0, line), (0.55 * half, line), (half - 6, line - 5),
        (0.6 * half, line + 0.74 * down), (18, line + down), (0, line + down),
    ])  # fmt: skip
    canvas.soften(lower, mix(colour, (255, 220, 210), 0.12), 0.95, 2)
    canvas.soften(upper, shade(colour, 0.86), 0.95, 2)
    canvas.soften(ellipse((-4, line + 0.52 * down), 24, 5), (255, 240, 235), 0.32, 5)
    parting = smooth(
        [(-half, line - 7), (-0.45 * half, line + 2.5), (-10, line + 1),
         (0, line + 3), (10, line + 1), (0.45 * half, line + 2.5),
         (half, line - 7)], closed=False,
    )  # fmt: skip
    canvas.stroke(parting, mix(shade(colour, 0.42), (60, 24, 24), 0.4), 2.6)
    for sign in (-1, 1):
        canvas.soften(ellipse((sign * (half + 3), line - 7), 5, 5), shade(face.skin, 0.55), 0.45, 4)
    canvas.soften(ellipse((0, line + down + 13), 34, 7), shade(face.skin, 0.6), 0.42, 7)


def draw_glasses(canvas: Canvas, face: Face) -> None:
    """Draw thin frames that do not cover the eyes."""
    frame = (46, 42, 44)
    x, y = face.eye_distance + 2, EYE_LEVEL + 4
    ring = smooth([
        (x - 58, y - 24), (x, y - 33), (x + 56, y - 28), (x + 60, y + 6), (x + 40, y + 36),
        (x - 4, y + 42), (x - 46, y + 30), (x - 62, y),
    ])  # fmt: skip
    arm = [(x + 58, y - 16), (1.02 * face.width, EYE_LEVEL - 8)]
    for turn in (list, mirrored):
        canvas.stroke(turn([*ring, ring[0]]), frame, 5)
        canvas.stroke(turn(arm), frame, 5)
    bridge = [(-20, EYE_LEVEL - 4), (0, EYE_LEVEL - 13), (20, EYE_LEVEL - 4)]
    canvas.stroke(smooth(bridge, closed=False), frame, 5)
