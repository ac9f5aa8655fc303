#!/usr/bin/env bash
# Pillow and the colours of JPEG 2000.
#
# Guess 1: an RGB picture is written with the multiple component transformation, as by OpenJPEG's own
# opj_compress, which uses it whenever there are three components or more.
# Seen: Pillow writes none unless it is asked for (mct=1); at one size this costs 3 dB and more.
# Guess 2: `info["icc_profile"]` holds the ICC profile of a JP2 file, as it does of a JPEG and a PNG.
# Seen: the colour specification box is skipped, the key is missing, and the colours are taken for sRGB.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'pillow==13.0.0' 'numpy==2.4.6'
cat > write.py <<'PY'
import io
import math
import sys

import numpy as np
import PIL
from PIL import Image, ImageCms

chance = np.random.default_rng(1)
light = sum(
    np.asarray(
        Image.fromarray(chance.normal(0, size, (480 // size, 400 // size))).resize((400, 480), 3)
    )
    for size in (4, 8, 16, 32)
)
colours = np.array([200, 150, 120]) * (1 + light[:, :, None] / 200)
picture = Image.fromarray(colours.clip(0, 255).astype(np.uint8))


def written(**options):
    file = io.BytesIO()
    picture.save(file, "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[40], **options)
    return file.getvalue()


def transformed(image):
    return image[image.index(b"\xff\x52") + 8]  # COD: the transformation (ISO/IEC 15444-1, A.6.1)


def decibel(image):
    error = np.asarray(Image.open(io.BytesIO(image)), float) - np.asarray(picture, float)
    return 10 * math.log10(255**2 / np.mean(error**2))


plain, asked = written(), written(mct=1)
print(f"  Pillow {PIL.__version__}: transformation {transformed(plain)}, asked for {transformed(asked)}")
print(f"  {len(plain)} octets {decibel(plain):.1f} dB, {len(asked)} octets {decibel(asked):.1f} dB")

profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
box = plain.index(b"colr") - 4
colour = (11 + len(profile)).to_bytes(4, "big") + b"colr\x02\0\0" + profile
header = plain.index(b"jp2h") - 4
size = int.from_bytes(plain[header : header + 4], "big") - 15 + len(colour)
image = plain[:header] + size.to_bytes(4, "big") + plain[header + 4 : box] + colour + plain[box + 15 :]
found = Image.open(io.BytesIO(image)).info.get("icc_profile")
png = io.BytesIO()
picture.save(png, "PNG", icc_profile=profile)
beside = Image.open(io.BytesIO(png.getvalue())).info.get("icc_profile")
print(f"  profile of the JP2 file: {found}; of a PNG: {len(beside)} octets")
seen = (transformed(plain), transformed(asked), found, beside == profile) == (0, 1, None, True)
sys.exit(0 if seen and decibel(asked) > decibel(plain) + 1 else 1)
PY
venv/bin/python write.py
