"""The portrait: head and shoulders on a light background, drawn from back to front."""

import io
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Final

from personalise.specimen.canvas import (
    Canvas,
    Colour,
    Point,
    ellipse,
    mirrored,
    mix,
    pixel_of,
    shade,
    smooth,
    symmetric,
)
from personalise.specimen.face import Beard, Face
from personalise.specimen.features import EYE_LEVEL, draw_eyes, draw_glasses, draw_mouth, draw_nose
from personalise.specimen.hair import draw_hair_behind, draw_hair_in_front

if TYPE_CHECKING:
    from PIL import Image

_QUALITY: Final = 88


def draw_portrait(face: Face, lots: Random) -> bytes:
    """Return the portrait of a face as JPEG; the same `lots` give the same octets."""
    buffer = io.BytesIO()
    portrait(face, lots).save(buffer, "JPEG", quality=_QUALITY, subsampling=0, dpi=(406, 406))
    return buffer.getvalue()


def eyes_of(face: Face) -> list[tuple[float, float]]:
    """Return the centres of the eyes in the picture, in pixels from its top left corner."""
    return [pixel_of((x, EYE_LEVEL)) for x in (-face.eye_distance, face.eye_distance)]


def portrait(face: Face, lots: Random) -> "Image.Image":
    """Return the portrait of a face as a picture of 560 x 720 pixels."""
    grey = face.background
    canvas = Canvas((grey, grey, min(255, grey + 3)))
    canvas.soften(ellipse((0, 420), 300, 380), (255, 255, 255), 0.35, 120)
    draw_hair_behind(canvas, face)
    _draw_shoulders(canvas, face)
    _draw_neck(canvas, face)
    _draw_clothes(canvas, face)
    _draw_head(canvas, face, lots)
    draw_eyes(canvas, face)
    draw_nose(canvas, face)
    _draw_beard(canvas, face, lots)
    draw_mouth(canvas, face)
    draw_hair_in_front(canvas, face, lots)
    if face.glasses:
        draw_glasses(canvas, face)
    return _with_grain(canvas.finished(), lots)


def head_outline(face: Face) -> list[Point]:
    """Return the outline of skull, cheeks and jaw."""
    w, jaw, chin = face.width, face.jaw * face.width, face.chin
    return symmetric([
        (0, 146), (0.5 * w, 164), (0.86 * w, 232), (w, 335),
        (0.99 * w, 430), (0.93 * w, 510), (jaw, 588),
        (0.6 * jaw, chin - 32), (0.24 * w, chin - 5), (0, chin),
    ])  # fmt: skip


def _draw_shoulders(canvas: Canvas, face: Face) -> None:
    span = 300 if face.feminine else 332
    body = symmetric([
        (0, 742), (112, 752), (0.6 * span, 790), (0.9 * span, 838),
        (span, 912), (0, 920),
    ])  # fmt: skip
    canvas.fill(body, face.clothes)
    with canvas.within(body):
        canvas.soften(ellipse((-190, 800), 150, 60), shade(face.clothes, 1.35), 0.5, 50)
        canvas.soften(ellipse((250, 900), 120, 90), shade(face.clothes, 0.6), 0.7, 50)


def _draw_neck(canvas: Canvas, face: Face) -> None:
    half = 0.56 * face.width if face.feminine else 0.64 * face.width
    neck = symmetric([
        (0, 560), (half, 560), (half - 4, 690), (half + 14, 748),
        (0.55 * half, 800), (0, 812),
    ])  # fmt: skip
    canvas.fill(neck, shade(face.skin, 0.92))
    chin = ellipse((0, face.chin - 12), 0.72 * face.width, 64)
    with canvas.within(neck):
        canvas.soften(chin, shade(face.skin, 0.55), 0.6, 26)
        for side in (_neck_cord(half), mirrored(_neck_cord(half))):
            canvas.soften(side, shade(face.skin, 0.7), 0.25, 8)
        for edge in (-half - 8, half + 8):
            canvas.soften(ellipse((edge, 690), 22, 120), shade(face.skin, 0.6), 0.45, 18)


def _neck_cord(half: float) -> list[Point]:
    """Return the outline of the shade along one side of the neck."""
    return [(half - 34, 700), (half - 24, 700), (38, 800), (24, 800)]


def _draw_clothes(canvas: Canvas, face: Face) -> None:
    half = (0.56 if face.feminine else 0.64) * face.width + 8
    if face.collar:
        shirt = mix(face.clothes, (246, 246, 244), 0.82)
        opening = [(0, 812), (half, 742), (half + 34, 764), (60, 905)]
        for flap in (opening, mirrored(opening)):
            canvas.fill([*flap[:3], (flap[3][0], 860), (flap[0][0], 828)], shirt)
            canvas.soften(
                [flap[0], flap[1], (flap[1][0], flap[1][1] + 14), (flap[0][0], 832)],
                shade(shirt, 0.6), 0.5, 5,
            )  # fmt: skip
        canvas.stroke([(0, 830), (0, 905)], shade(shirt, 0.72), 3)
        return
    band = smooth(
        [(-half - 6, 742), (-0.6 * half, 800), (0, 822), (0.6 * half, 800),
         (half + 6, 742)], closed=False,
    )  # fmt: skip
    canvas.stroke(band, shade(face.clothes, 0.8), 20)
    canvas.stroke([(x, y + 11) for x, y in band], shade(face.clothes, 1.12), 3)


def _draw_head(canvas: Canvas, face: Face, lots: Random) -> None:
    w, skin = face.width, face.skin
    for ear in (_ear(w), mirrored(_ear(w))):
        canvas.fill(ear, shade(skin, 0.93))
        middle = (sum(x for x, _ in ear) / len(ear), sum(y for _, y in ear) / len(ear))
        with canvas.within(ear):
            canvas.soften(ellipse(middle, 11, 26), shade(skin, 0.62), 0.7, 7)
    outline = head_outline(face)
    canvas.fill(outline, skin)
    with canvas.within(outline):
        _shade_head(canvas, face, lots)


def _shade_head(canvas: Canvas, face: Face, lots: Random) -> None:
    w, skin = face.width, face.skin
    warm = mix(skin, (206, 92, 76), 0.34)
    deep = shade(skin, 0.66)
    light = mix(skin, (255, 246, 232), 0.55)
    for sign in (-1, 1):
        x = sign * 0.98 * w
        canvas.soften(ellipse((x, 420), 40, 250), deep, 0.5, 36)  # the curve of the cheek
        canvas.soften(ellipse((sign * 0.74 * w, 610), 44, 62), deep, 0.32, 34)
        canvas.soften(ellipse((sign * 0.56 * w, 512), 46, 30), warm, 0.42, 24)
        canvas.soften(ellipse((sign * face.eye_distance, 408), 52, 36), deep, 0.34, 18)
        canvas.soften(ellipse((sign * 0.52 * w, 468), 40, 14), light, 0.3, 16)
    canvas.soften(ellipse((0, 176), 0.8 * w, 54), deep, 0.28, 40)
    canvas.soften(ellipse((-14, 268), 0.5 * w, 56), light, 0.42, 40)
    canvas.soften(ellipse((0, face.chin - 46), 40, 24), light, 0.34, 18)
    canvas.soften(ellipse((0, face.chin + 2), 92, 20), deep, 0.42, 14)
    if face.age > 42:
        _draw_wrinkles(canvas, face)
    for _ in range(face.freckles):
        at = (lots.uniform(-95, 95), lots.gauss(480, 22))
        canvas.soften(ellipse(at, 2.6, 2.6, 8), shade(skin, 0.7), 0.8, 1.5)


def _ear(w: float) -> list[Point]:
    return smooth([
        (0.95 * w, 398), (1.06 * w, 386), (1.15 * w, 408),
        (1.13 * w, 456), (1.05 * w, 504), (0.95 * w, 512),
    ])  # fmt: skip


def _draw_wrinkles(canvas: Canvas, face: Face) -> None:
    line = shade(face.skin, 0.62)
    strength = min(0.75, (face.age - 38) / 45)
    for sign in (-1, 1):
        fold = [(46, 520), (66, 552), (74, 588), (70, 590), (60, 554), (40, 524)]
        canvas.soften([(sign * x, y) for x, y in fold], line, strength, 4)
        for rise in (0, 9):
            x = sign * (face.eye_distance + 52)
            foot = [
                (x, 414 + rise),
                (x + sign * 24, 406 + 1.8 * rise),
                (x + sign * 23, 410 + 1.8 * rise),
            ]
            canvas.soften(foot, line, strength, 2)
    for y in (252, 278, 303):
        furrow = [(-84, y), (0, y - 7), (84, y), (0, y - 3)]
        canvas.soften(smooth(furrow), line, 0.6 * strength, 3)


def _draw_beard(canvas: Canvas, face: Face, lots: Random) -> None:
    if face.beard is Beard.NONE:
        return
    w, jaw, chin = face.width, face.jaw * face.width, face.chin
    colour = shade(face.hair, 0.95)
    area = symmetric([
        (0, 566), (52, 566), (0.6 * jaw, 584), (0.9 * w, 520),
        (0.94 * w, 530), (jaw + 2, 596), (0.64 * jaw, chin - 24),
        (0.26 * w, chin + 3), (0, chin + 6),
    ])  # fmt: skip
    moustache = symmetric([(0, 556), (34, 560), (66, 592), (30, 580), (0, 576)])
    with canvas.within(head_outline(replace(face, chin=chin + 7, width=w + 3))):
        if face.beard is Beard.STUBBLE:
            canvas.soften(area, mix(colour, face.skin, 0.35), 0.34, 14)
            canvas.soften(moustache, mix(colour, face.skin, 0.35), 0.34, 8)
            return
        if face.beard is Beard.FULL:
            canvas.soften(area, colour, 0.92, 7)
        canvas.soften(moustache, colour, 0.95, 4)
    if face.beard is Beard.FULL:
        _draw_strands(canvas, lots, (-0.7 * jaw, 0.7 * jaw), (596, chin - 8), colour)


def _draw_strands(canvas: Canvas, lots: Random, across: Point, down: Point, colour: Colour) -> None:
    for _ in range(90):
        x, y = lots.uniform(*across), lots.uniform(*down)
        if abs(x) > 60 and y < 620 and abs(x) < 110:
            continue
        if abs(x) < 64 and y < 636:
            continue
        tone = shade(colour, lots.uniform(0.75, 1.35))
        lean = 0.05 * x
        canvas.stroke([(x, y), (x - lean, y + lots.uniform(8, 16))], tone, 1.4)


def _with_grain(image: "Image.Image", lots: Random) -> "Image.Image":
    """Add noise like a camera's, so that uniform areas look like those of a photograph."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(lots.getrandbits(64)).normal(0, 2.2, (*image.size[::-1], 1))
    pixels = np.asarray(image, dtype=np.float32) + noise.astype(np.float32)
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
