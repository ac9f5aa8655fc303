"""A drawing surface with smooth outlines and soft shades, based on Pillow."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Point: TypeAlias = tuple[float, float]
"""Coordinates: to the right from the face's axis, and down from the upper edge."""
Colour: TypeAlias = tuple[int, int, int]

WIDTH: Final = 700
HEIGHT: Final = 900
"""The size of the picture in drawing units: 35 x 45 mm."""

_OUTPUT: Final = 0.8
_OVERSAMPLING: Final = 2
_SCALE: Final = _OUTPUT * _OVERSAMPLING
_SOFT_SCALE: Final = 0.4
"""The factor by which soft shades are painted smaller and then enlarged, which is faster."""


class Canvas:
    """A canvas of 700 x 900 units; the finished picture has 560 x 720 pixels."""

    def __init__(self, background: Colour) -> None:
        size = (round(WIDTH * _SCALE), round(HEIGHT * _SCALE))
        self._image = Image.new("RGB", size, background)
        self._draw = ImageDraw.Draw(self._image)
        self._stencil: Image.Image | None = None

    @contextmanager
    def within(self, outline: Sequence[Point]) -> Iterator[None]:
        """Keep the soft shades that are painted in this context inside an outline."""
        self._stencil = Image.new("L", self._image.size, 0)
        ImageDraw.Draw(self._stencil).polygon(_scaled(outline, _SCALE), fill=255)
        try:
            yield
        finally:
            self._stencil = None

    def fill(self, outline: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon(_scaled(outline, _SCALE), fill=colour)

    def stroke(self, line: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw a line with round ends."""
        points = _scaled(line, _SCALE)
        size = max(1, round(width * _SCALE))
        self._draw.line(points, fill=colour, width=size, joint="curve")
        for x, y in (points[0], points[-1]):
            radius = size / 2
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        self.fill(ellipse(centre, radius, radius), colour)

    def soften(
        self, outline: Sequence[Point], colour: Colour, strength: float, blur: float
    ) -> None:
        """Paint a shade with a soft edge; `strength` is 0 to 1, `blur` the width of the edge."""
        small = (round(WIDTH * _SOFT_SCALE), round(HEIGHT * _SOFT_SCALE))
        mask = Image.new("L", small, 0)
        ImageDraw.Draw(mask).polygon(_scaled(outline, _SOFT_SCALE), fill=round(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(blur * _SOFT_SCALE))
        box = mask.getbbox()
        if box is None:
            return
        ratio = _SCALE / _SOFT_SCALE
        left, top, right, bottom = (round(edge * ratio) for edge in box)
        target = (left, top, right, bottom)
        size = (right - left, bottom - top)
        enlarged = mask.crop(box).resize(size, Image.Resampling.BILINEAR)
        if self._stencil is not None:
            enlarged = ImageChops.multiply(enlarged, self._stencil.crop(target))
        self._image.paste(colour, (left, top), enlarged)

    def finished(self) -> Image.Image:
        """Return the picture at its final size."""
        size = (round(WIDTH * _OUTPUT), round(HEIGHT * _OUTPUT))
        return self._image.resize(size, Image.Resampling.BOX)


def pixel_of(point: Point) -> Point:
    """Return the pixel of a point in the finished picture, from its top left corner."""
    return round((point[0] + WIDTH / 2) * _OUTPUT, 1), round(point[1] * _OUTPUT, 1)


def ellipse(centre: Point, across: float, down: float, count: int = 48) -> list[Point]:
    """Return the outline of an ellipse with these half axes."""
    turns = (2 * math.pi * index / count for index in range(count))
    return [(centre[0] + across * math.cos(t), centre[1] + down * math.sin(t)) for t in turns]


def smooth(points: Sequence[Point], *, closed: bool = True, steps: int = 8) -> list[Point]:
    """Return a curve through the points (Catmull-Rom)."""
    count = len(points)
    curve: list[Point] = []
    for index in range(count if closed else count - 1):
        four = [
            points[(index + k) % count] if closed else points[min(max(index + k, 0), count - 1)]
            for k in (-1, 0, 1, 2)
        ]
        curve += [_between(four, step / steps) for step in range(steps)]
    if not closed:
        curve.append(points[-1])
    return curve


def mirrored(points: Sequence[Point]) -> list[Point]:
    """Return the points mirrored to the other side of the face."""
    return [(-x, y) for x, y in points]


def symmetric(right: Sequence[Point]) -> list[Point]:
    """Return a closed outline from its half: the points, then their mirror images in reverse."""
    back = [(-x, y) for x, y in reversed(right) if x]
    return smooth([*right, *back])


def shade(colour: Colour, factor: float) -> Colour:
    """Return a colour made darker (factor below 1) or lighter (above 1)."""
    red, green, blue = (max(0, min(255, round(channel * factor))) for channel in colour)
    return red, green, blue


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return a colour between two; `share` is the share of `other`, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _scaled(points: Sequence[Point], scale: float) -> list[Point]:
    return [((x + WIDTH / 2) * scale, y * scale) for x, y in points]


def _between(four: Sequence[Point], t: float) -> Point:
    """Return the point at `t`, 0 to 1, of the curve between the second and the third point."""
    a, b, c, d = four
    return _cubic(a[0], b[0], c[0], d[0], t), _cubic(a[1], b[1], c[1], d[1], t)


def _cubic(a: float, b: float, c: float, d: float, t: float) -> float:
    squared, cubed = t * t, t * t * t
    return 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * squared + (3 * (b - c) + d - a) * cubed
    )
