#!/usr/bin/env bash
# The PyPI package wsq and the resolution of a fingerprint.
#
# Scanners have 500 or 1,000 pixels per inch; a WSQ file says which in its NIST_COM comment.
# Guess: `save(..., dpi=(1000, 1000))` is written there, as Pillow's own formats do, and comes back as
# `info["dpi"]`.
# Seen: every file says PPI 500, whatever it is given, and `info` is empty for any file. A scan of
# 1,000 pixels per inch becomes a finger of twice its size for whoever trusts the comment.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'wsq==0.9' 'pillow==13.0.0'
cat > save.py <<'PY'
import re
import sys

import wsq  # noqa: F401  # registers the format with Pillow
from PIL import Image

picture = Image.effect_noise((400, 400), 60)
seen = {}
for resolution in (500, 1000):
    picture.save("finger.wsq", dpi=(resolution, resolution))
    with open("finger.wsq", "rb") as stream:
        comment = re.search(rb"PPI (\d+)", stream.read())
    seen[resolution] = (int(comment[1]), Image.open("finger.wsq").info)
    print(f"  saved with {resolution}: PPI {seen[resolution][0]}, info {seen[resolution][1]}")
same = seen == {500: (500, {}), 1000: (500, {})}
sys.exit(0 if same else "changed: the resolution is written or read")
PY
echo "PyPI wsq 0.9, pillow 13.0.0"
echo "guess: PPI 500 and PPI 1000, and dpi in info"
echo "seen:"
venv/bin/python save.py
