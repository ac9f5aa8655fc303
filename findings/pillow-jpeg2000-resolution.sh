#!/usr/bin/env bash
# Pillow and the resolution of a JPEG 2000 portrait.
#
# The JP2 container has a box for it ("res ", with "resc" or "resd" inside), which Pillow reads into
# `info["dpi"]`. `save(dpi=...)` keeps the resolution in JPEG, PNG and TIFF.
# Guess: it does so in JPEG 2000.
# Seen: the parameter is accepted and no box is written, so that a portrait scanned at 300 dots per
# inch has no resolution once it was made smaller.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'pillow==13.0.0'
cat > resolution.py <<'PY'
import io
import struct
import sys

from PIL import Image


def saved(image, form, **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def resolution(octets):
    dpi = Image.open(io.BytesIO(octets)).info.get("dpi")
    return dpi and tuple(round(float(each)) for each in dpi)


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def with_resolution(jp2, per_inch):
    """Adds a capture resolution to the JP2 header box."""
    at = jp2.index(b"jp2h") - 4
    size = struct.unpack_from(">I", jp2, at)[0]
    per_metre = round(per_inch / 0.0254)
    capture = box(b"resc", struct.pack(">HHHHBB", per_metre, 1, per_metre, 1, 0, 0))
    header = box(b"jp2h", jp2[at + 8 : at + size] + box(b"res ", capture))
    return jp2[:at] + header + jp2[at + size :]


portrait = Image.new("RGB", (413, 531), (120, 100, 90))
seen = {form: resolution(saved(portrait, form, dpi=(300, 300))) for form in ("JPEG", "PNG", "TIFF", "JPEG2000")}
boxed = with_resolution(saved(portrait, "JPEG2000"), 300)
seen["JPEG2000 with a box, read"] = resolution(boxed)
seen["the same, saved again"] = resolution(saved(Image.open(io.BytesIO(boxed)), "JPEG2000"))
for form, dpi in seen.items():
    print(f"  {form}: {dpi}")
same = list(seen.values()) == [(300, 300)] * 3 + [None, (300, 300), None]
sys.exit(0 if same else "changed: the resolution of JPEG 2000 is treated otherwise")
PY
echo "PyPI pillow 13.0.0"
echo "guess: (300, 300) each time"
echo "seen:"
venv/bin/python resolution.py
