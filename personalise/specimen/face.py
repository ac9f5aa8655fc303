"""The features of a specimen's face, drawn from a seeded random source."""

from dataclasses import dataclass
from enum import Enum, auto, unique
from random import Random
from typing import Final

from personalise.specimen.canvas import Colour


@unique
class HairStyle(Enum):
    """How the hair is worn."""

    BALD = auto()
    CROPPED = auto()
    SIDE_PARTING = auto()
    SWEPT = auto()
    CURLY = auto()
    BOB = auto()
    LONG = auto()
    WAVY = auto()
    BUN = auto()
    HEADSCARF = auto()


@unique
class Beard(Enum):
    """How the beard is worn."""

    NONE = auto()
    STUBBLE = auto()
    MOUSTACHE = auto()
    FULL = auto()


SKINS: Final[tuple[Colour, ...]] = (
    (244, 212, 188),
    (236, 196, 166),
    (226, 180, 146),
    (206, 158, 122),
    (181, 130, 95),
    (150, 103, 74),
    (117, 78, 56),
    (92, 62, 46),
)
_HAIR: Final[tuple[Colour, ...]] = (
    (38, 30, 28),
    (58, 42, 34),
    (84, 58, 40),
    (118, 80, 48),
    (168, 124, 72),
    (206, 168, 108),
    (146, 70, 40),
)
_GREY: Final[Colour] = (168, 164, 160)
_EYES: Final[tuple[Colour, ...]] = (
    (86, 58, 38),
    (104, 72, 44),
    (60, 42, 32),
    (96, 112, 82),
    (84, 116, 140),
    (108, 118, 124),
)
_CLOTHES: Final[tuple[Colour, ...]] = (
    (52, 66, 92),
    (96, 44, 52),
    (44, 84, 76),
    (88, 92, 100),
    (62, 54, 84),
    (128, 92, 60),
    (40, 44, 52),
    (70, 98, 126),
    (116, 62, 88),
)

_WOMEN: Final = (
    HairStyle.BOB,
    HairStyle.LONG,
    HairStyle.LONG,
    HairStyle.WAVY,
    HairStyle.WAVY,
    HairStyle.BUN,
    HairStyle.CURLY,
    HairStyle.HEADSCARF,
    HairStyle.SIDE_PARTING,
)
_MEN: Final = (
    HairStyle.CROPPED,
    HairStyle.CROPPED,
    HairStyle.SIDE_PARTING,
    HairStyle.SIDE_PARTING,
    HairStyle.SWEPT,
    HairStyle.CURLY,
    HairStyle.BALD,
)


@dataclass(frozen=True)
class Face:
    """The features of a face; lengths are in units of the canvas, proportions are around 1."""

    age: int
    feminine: bool
    skin: Colour
    hair: Colour
    eyes: Colour
    clothes: Colour
    style: HairStyle
    beard: Beard
    glasses: bool
    collar: bool
    width: float
    jaw: float
    chin: float
    eye_size: float
    eye_tilt: float
    eye_distance: float
    brow_weight: float
    brow_arch: float
    nose_width: float
    nose_length: float
    mouth_width: float
    lips: float
    freckles: int
    background: int


def draw_lots(lots: Random, *, feminine: bool, age: int) -> Face:
    """Draw the features of a face of this age; the same `lots` give the same face."""
    tone = lots.randrange(len(SKINS))
    darkest = 3 if tone >= 4 else len(_HAIR)
    hair = _HAIR[lots.randrange(darkest)]
    if lots.random() < (age - 38) / 45:
        hair = _GREY if age > 58 else _mixed(hair)
    eyes = _EYES[lots.randrange(3 if tone >= 4 else len(_EYES))]
    beards = (Beard.NONE, Beard.NONE, Beard.STUBBLE, Beard.MOUSTACHE, Beard.FULL)
    beard = Beard.NONE if feminine or age < 20 else lots.choice(beards)
    return Face(
        age=age,
        feminine=feminine,
        skin=SKINS[tone],
        hair=hair,
        eyes=eyes,
        clothes=lots.choice(_CLOTHES),
        style=lots.choice(_WOMEN if feminine else _MEN),
        beard=beard,
        glasses=lots.random() < 0.18,
        collar=lots.random() < 0.5,
        width=lots.uniform(168, 182) - (8 if feminine else 0),
        jaw=lots.uniform(0.7, 0.79) if feminine else lots.uniform(0.77, 0.88),
        chin=lots.uniform(668, 692) - (10 if feminine else 0),
        eye_size=lots.uniform(0.95, 1.1) + (0.06 if feminine else 0),
        eye_tilt=lots.uniform(-2, 6),
        eye_distance=lots.uniform(79, 87),
        brow_weight=lots.uniform(0.7, 0.95) if feminine else lots.uniform(1.0, 1.4),
        brow_arch=lots.uniform(5, 11) if feminine else lots.uniform(1, 6),
        nose_width=lots.uniform(30, 38) + (0 if feminine else 3) + (3 if tone >= 4 else 0),
        nose_length=lots.uniform(118, 134),
        mouth_width=lots.uniform(60, 72),
        lips=lots.uniform(0.85, 1.25) + (0.15 if feminine else 0) + (0.1 if tone >= 4 else 0),
        freckles=lots.choice((0, 0, 0, 30)) if tone < 3 else 0,
        background=lots.randrange(222, 238),
    )


def _mixed(hair: Colour) -> Colour:
    red, green, blue = ((channel + grey) // 2 for channel, grey in zip(hair, _GREY, strict=True))
    return red, green, blue
