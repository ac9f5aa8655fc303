"""Images decoded by the standing process, beside a new interpreter for each; and two tables.

`python -m bench.images sizes FILE...` and `python -m bench.images eyes FILE@X,Y,X,Y...`
print the tables of docs/images.md for photographs whose eyes are at these pixels.
"""

import math
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageOps

from bench.timing import WALL, Ratio, ratio
from emrtd.biometrics.images.decoding import decode
from emrtd.biometrics.images.eye_centres import Eyes
from emrtd.biometrics.images.eyes import find_eyes
from emrtd.biometrics.images.headers import ImageFormat
from emrtd.biometrics.images.png import to_png
from emrtd.biometrics.images.portrait import compress
from emrtd.biometrics.quality.pixels import LUMINANCE, box_mean

ALLOWED = 0.4
SIZES = (20_000, 17_408, 15_000, 12_000, 10_000, 8_000)
TRIALS = 200

DECODE = """
import sys
from emrtd.biometrics.images.decoding import decode
decode(sys.stdin.buffer.read()).save(sys.stdout.buffer, "PNG", compress_level=1)
"""

Picture = PIL.Image.Image


def measure() -> list[Ratio]:
    picture = PIL.Image.linear_gradient("L").resize((413, 531)).convert("RGB")
    image = compress(picture, ImageFormat.JPEG2000, 1_500)
    command = (
        sys.executable, "-c", DECODE,
    )  # fmt: skip

    def anew() -> None:
        subprocess.run(command, input=image, capture_output=True, check=True)

    found = ratio(lambda: to_png(image), anew, WALL)
    return [Ratio("a portrait decoded / by a new interpreter", found, ALLOWED)]


def sizes(name: str, photograph: bytes) -> Iterator[str]:
    """What a portrait of each size keeps, by the encoder alone and by our choices.

    The portrait is the middle of the photograph, 413 x 531 pixels at most.
    """
    picture = PIL.ImageOps.fit(decode(photograph), (413, 531), PIL.Image.Resampling.LANCZOS)
    for size in SIZES:
        alone, ours = _alone(picture, size), compress(picture, ImageFormat.JPEG2000, size)
        jpeg = compress(picture, ImageFormat.JPEG, size)
        likeness = (
            f"{_noise_ratio(each, picture):.1f} dB, {_similarity(each, picture):.3f}"
            for each in (alone, ours, jpeg)
        )
        yield f"| {name} | {size:,} | {' | '.join(likeness)} |"


def _alone(picture: Picture, size: int) -> bytes:
    """Pillow's encoder with nothing asked of it but a rate."""
    rate = picture.width * picture.height * 3 / size
    while True:
        written = BytesIO()
        picture.save(written, "JPEG2000", quality_mode="rates", quality_layers=[rate])
        if written.tell() <= size:
            return written.getvalue()
        rate *= 1.01


def _noise_ratio(image: bytes, picture: Picture) -> float:
    """The peak signal-to-noise ratio over all three channels."""
    error = np.asarray(decode(image), float) - np.asarray(picture, float)
    return 10 * math.log10(255**2 / float(np.mean(error**2)))


def _similarity(image: bytes, picture: Picture) -> float:
    """The structural similarity of the luminance (Wang et al. 2004), over windows of 8 pixels."""
    one, other = (np.asarray(each, float) @ LUMINANCE for each in (decode(image), picture))
    mean, mean_other = box_mean(one, 8), box_mean(other, 8)
    spread = box_mean(one * one, 8) - mean**2
    spread_other = box_mean(other * other, 8) - mean_other**2
    both = box_mean(one * other, 8) - mean * mean_other
    light, contrast = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean * mean_other + light) * (2 * both + contrast)
    below = (mean**2 + mean_other**2 + light) * (spread + spread_other + contrast)
    return float(np.mean(above / below))


def hits(name: str, photograph: bytes, eyes: Eyes) -> str:
    """How often the eyes are found, in a photograph that is changed each time."""
    picture = decode(photograph).convert("RGB")
    chance = Random(name)  # noqa: S311
    errors = []
    for _ in range(TRIALS):
        changed, there = change(picture, eyes, chance)
        found = find_eyes(changed)
        if found is None:
            errors.append(math.inf)
            continue
        pairs = ((found.right, there.right), (found.left, there.left))
        errors.append(max(math.dist(*pair) for pair in pairs) / there.distance)
    shares = [sum(error <= most for error in errors) / TRIALS for most in (0.05, 0.1, 0.25)]
    wrong = sum(0.25 < error < math.inf for error in errors) / TRIALS
    missed = sum(error == math.inf for error in errors) / TRIALS
    return f"| {name} | {' | '.join(f'{share:.1%}' for share in (*shares, wrong, missed))} |"


def change(picture: Picture, eyes: Eyes, chance: Random) -> tuple[Picture, Eyes]:
    """Turn, scale, shift and darken a picture; the eyes stay inside.

    By up to 20 degrees, to 0.6 to 1.6 times its size, by up to a tenth of its sides, and to 0.3 to
    1 times its brightness.
    """
    while True:
        angle, scale = math.radians(chance.uniform(-20, 20)), 1.6 ** chance.uniform(-1.08, 1)
        width, height = round(picture.width * scale), round(picture.height * scale)
        shift = (chance.uniform(-0.1, 0.1) * width, chance.uniform(-0.1, 0.1) * height)
        cosine, sine = math.cos(angle) * scale, math.sin(angle) * scale
        forward = np.array([[cosine, -sine], [sine, cosine]])
        middle = np.array([picture.width, picture.height]) / 2
        place = np.array([width / 2 + shift[0], height / 2 + shift[1]]) - forward @ middle
        there = Eyes(*(_moved(forward, place, point) for point in (eyes.one, eyes.other)))
        if all(0 <= x < width and 0 <= y < height for x, y in (there.one, there.other)):
            break
    back = np.linalg.inv(forward)
    start = -back @ place
    changed = picture.transform(
        (width, height),
        PIL.Image.Transform.AFFINE,
        (*back[0], start[0], *back[1], start[1]),
        PIL.Image.Resampling.BICUBIC,
        fillcolor=(200, 200, 200),
    )
    share = chance.uniform(0.3, 1)
    return changed.point(lambda value: round(value * share)), there


def _moved(forward: Any, place: Any, point: tuple[float, float]) -> tuple[float, float]:
    x, y = forward @ np.array(point) + place
    return float(x), float(y)


def main(arguments: list[str]) -> int:
    table, *named = arguments or ["help"]
    if table not in {"sizes", "eyes"} or not named:
        print(__doc__)
        return 64
    for each in named:
        file, _, place = each.partition("@")
        name, photograph = Path(file).stem, Path(file).read_bytes()
        if table == "sizes":
            for row in sizes(name, photograph):
                print(row, flush=True)
        else:
            x0, y0, x1, y1 = map(float, place.split(","))
            print(hits(name, photograph, Eyes((x0, y0), (x1, y1))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
