"""Hair, behind the head and in front of it."""

import math
from random import Random

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
from personalise.specimen.face import Face, HairStyle


def draw_hair_behind(canvas: Canvas, face: Face) -> None:
    """Draw long hair, a bun or a headscarf; to be called before shoulders and head are drawn."""
    w, dark = face.width, shade(face.hair, 0.72)
    lengths = {HairStyle.BOB: 640, HairStyle.LONG: 860, HairStyle.WAVY: 800}
    if face.style in lengths:
        end = lengths[face.style]
        swing = 26 if face.style is HairStyle.WAVY else 6
        canvas.fill(symmetric([
            (0, 120), (0.7 * w, 146), (1.06 * w, 260),
            (1.1 * w, 420), (1.08 * w, 540),
            (1.08 * w + swing, end - 90), (0.98 * w, end - 14), (0.6 * w, end - 24),
            (0, end - 60),
        ]), dark)  # fmt: skip
    elif face.style is HairStyle.BUN:
        canvas.fill(ellipse((0, 112), 74, 58), shade(face.hair, 0.85))
        canvas.soften(ellipse((-20, 92), 34, 18), shade(face.hair, 1.4), 0.5, 10)
    elif face.style is HairStyle.HEADSCARF:
        canvas.fill(symmetric([
            (0, 108), (0.8 * w, 140), (1.18 * w, 280), (1.2 * w, 460),
            (1.12 * w, 640), (1.5 * w, 800), (1.4 * w, 905), (0, 905),
        ]), shade(face.clothes, 0.85))  # fmt: skip


def draw_hair_in_front(canvas: Canvas, face: Face, lots: Random) -> None:
    """Draw the hair or headscarf that frames the face."""
    match face.style:
        case HairStyle.BALD:
            canvas.soften(ellipse((-30, 196), 60, 26), (255, 250, 240), 0.4, 22)
        case HairStyle.CROPPED:
            _draw_cap(canvas, face, lots, side=446, hairline=226, lift=0, drift=0)
        case HairStyle.SIDE_PARTING:
            _draw_cap(canvas, face, lots, side=440, hairline=244, lift=18, drift=56)
        case HairStyle.SWEPT:
            _draw_cap(canvas, face, lots, side=430, hairline=216, lift=40, drift=-24)
        case HairStyle.BUN:
            _draw_cap(canvas, face, lots, side=428, hairline=226, lift=4, drift=0)
        case HairStyle.CURLY:
            _draw_curls(canvas, face, lots)
        case HairStyle.HEADSCARF:
            _draw_headscarf(canvas, face)
        case HairStyle.BOB | HairStyle.LONG | HairStyle.WAVY:
            _draw_curtains(canvas, face, lots)


def _draw_cap(
    canvas: Canvas,
    face: Face,
    lots: Random,
    *,
    side: float,
    hairline: float,
    lift: float,
    drift: float,
) -> None:
    """Draw hair on the skull, down to `side` at the temples and `hairline` on the forehead."""
    w, top = face.width, 126 - lift
    outer = [
        (-0.97 * w, side), (-1.05 * w, 352), (-0.98 * w, 236),
        (-0.62 * w, top + 26), (0, top), (0.62 * w, top + 26),
        (0.98 * w, 236), (1.05 * w, 352), (0.97 * w, side),
    ]  # fmt: skip
    inner = [
        (0.9 * w, 372), (0.8 * w, 296), (0.55 * w + 0.3 * drift, hairline + 8),
        (drift, hairline - 8), (-0.55 * w + 0.3 * drift, hairline + 12),
        (-0.8 * w, 296), (-0.9 * w, 372),
    ]  # fmt: skip
    shape = smooth([*outer, *inner])
    canvas.fill(shape, face.hair)
    canvas.soften(
        [*inner, *((x, y + 9) for x, y in reversed(inner))], shade(face.skin, 0.5), 0.4, 6
    )
    with canvas.within(shape):
        canvas.soften(ellipse((-50, top + 52), 0.5 * w, 22), shade(face.hair, 1.5), 0.4, 20)
    for _ in range(70):
        angle = lots.uniform(math.pi * 1.04, math.pi * 1.96)
        start = (0.93 * w * math.cos(angle), 268 + (268 - top - 12) * math.sin(angle))
        root = (
            drift + 0.55 * (start[0] - drift),
            start[1] + 0.3 * (hairline - start[1]),
        )
        middle = ((start[0] + root[0]) / 2, (start[1] + root[1]) / 2 - 6)
        tone = shade(face.hair, lots.uniform(0.7, 1.4))
        canvas.stroke(smooth([start, middle, root], closed=False, steps=4), tone, 1.5)


def _draw_curtains(canvas: Canvas, face: Face, lots: Random) -> None:
    """Draw long hair, parted in the middle or at one side, along the cheeks."""
    w = face.width
    end = {HairStyle.BOB: 622, HairStyle.LONG: 842, HairStyle.WAVY: 782}[face.style]
    wave = 16 if face.style is HairStyle.WAVY else 3
    part = lots.uniform(-48, 48)
    for sign in (-1, 1):

        def at(x: float, y: float, swing: float = 0, sign: int = sign) -> Point:
            return sign * (x * w + swing), y

        outline = smooth([
            (part, 116), at(0.6, 128), at(1.02, 214), at(1.17, 340), at(1.19, 450, wave / 2),
            at(1.14, 540, wave), at(1.2, (540 + end) / 2, -wave), at(1.1, end), at(0.86, end - 30),
            at(0.95, (560 + end) / 2, wave), at(0.97, 520), at(0.95, 430), at(0.88, 330),
            at(0.62, 244), (part, 176),
        ])  # fmt: skip
        shine = [
            at(0.5, 172), at(0.86, 220), at(1.05, 330), at(0.98, 340), at(0.8, 246), at(0.48, 196),
        ]  # fmt: skip
        hollow = [at(1.0, 520), at(1.08, 530), at(1.08, end - 20), at(0.98, end - 20)]
        canvas.fill(outline, face.hair)
        canvas.soften(smooth(shine), shade(face.hair, 1.55), 0.42, 12)
        canvas.soften(smooth(hollow), shade(face.hair, 0.6), 0.4, 9)
        for _ in range(26):
            shift = lots.uniform(0.0, 0.2)
            tone = shade(face.hair, lots.uniform(0.72, 1.35))
            tip = lots.uniform(0.75, 0.97) * end
            line = [
                (part + sign * shift * 40, 128 + 80 * shift),
                at(0.62 + shift * 0.4, 150 + 240 * shift), at(0.92 + shift * 0.9, 300),
                at(0.98 + shift, 440), at(0.98 + shift, 550, wave), at(0.98 + shift, tip, -wave),
            ]  # fmt: skip
            canvas.stroke(smooth(line, closed=False, steps=5), tone, 1.5)


def _draw_curls(canvas: Canvas, face: Face, lots: Random) -> None:
    w = face.width
    reach = 1.16 if face.feminine else 1.04
    under = [
        (0, 118), (0.45, 132), (0.84, 190), (1.0, 330), (0.95, 440), (0.8, 350), (0.66, 262),
        (0.3, 226), (0, 222),
    ]  # fmt: skip
    canvas.fill(symmetric([(reach * w * x, y) for x, y in under]), shade(face.hair, 0.8))
    for _ in range(330):
        angle = lots.uniform(math.pi * 0.9, math.pi * 2.1)
        ring = lots.uniform(0.74, 1.03)
        x, y = ring * reach * w * math.cos(angle), 306 + ring * 190 * math.sin(angle)
        if y > 300 and abs(x) < 0.9 * w:
            continue
        radius = lots.uniform(7, 15)
        tone = shade(face.hair, lots.uniform(0.7, 1.3))
        start = lots.uniform(0, 6.3)
        curl = [
            (x + radius * math.cos(start + t / 3), y + radius * math.sin(start + t / 3))
            for t in range(13)
        ]
        canvas.stroke(curl, tone, 5)


def _draw_headscarf(canvas: Canvas, face: Face) -> None:
    w, cloth = face.width, face.clothes
    opening = [(0, 214), (0.55 * w, 228), (0.88 * w, 310), (0.93 * w, 430),
               (0.86 * w, 550), (0.52 * w, face.chin - 18), (0, face.chin + 8)]  # fmt: skip
    outside = [(0, 108), (0.72 * w, 130), (1.14 * w, 270), (1.18 * w, 450),
               (1.08 * w, 640), (0.95 * w, 790), (0, 850)]  # fmt: skip
    right = smooth(outside, closed=False) + smooth(opening[::-1], closed=False)
    for side in (right, mirrored(right)):
        canvas.fill(side, cloth)
    edge = smooth(opening, closed=False)
    for turn in (list, mirrored):
        canvas.soften(turn([*edge, *((x - 16, y + 2) for x, y in reversed(edge))]),
                      shade(face.skin, 0.5), 0.35, 6)  # fmt: skip
        canvas.stroke(turn(edge), shade(cloth, 0.78), 5)
        fold = smooth([(0.95 * w, 500), (0.8 * w, 640), (0.3 * w, 740),
                       (0.35 * w, 752), (0.86 * w, 660), (1.0 * w, 510)])  # fmt: skip
        canvas.soften(turn(fold), shade(cloth, 0.55), 0.6, 7)
    canvas.soften(ellipse((-40, 150), 90, 22), mix(cloth, (255, 255, 255), 0.4), 0.5, 20)
