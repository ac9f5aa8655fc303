#!/usr/bin/env bash
# Pillow and the extensions of JPEG 2000 codestreams.
#
# A portrait on a chip is a JP2 file or a bare codestream (ISO/IEC 19794-5 and 39794-5 take JPEG 2000).
# The documentation: without `no_jp2` the extension of the file name determines the format.
# Guess: .j2k, .j2c and .jpc, the extensions of codestreams that Pillow registers, give codestreams.
# Seen: only .j2k does; .j2c and .jpc, and a stream without a name, get a JP2 file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'pillow==13.0.0'
cat > save.py <<'PY'
import sys

from PIL import Image

Image.init()
picture = Image.linear_gradient("L")
seen = {}
for extension in (".j2k", ".j2c", ".jpc", ".jp2"):
    assert Image.EXTENSION[extension] == "JPEG2000"
    picture.save(f"portrait{extension}")
    with open(f"portrait{extension}", "rb") as stream:
        start = stream.read(4)
    seen[extension] = "codestream" if start == b"\xff\x4f\xff\x51" else "JP2"
    print(f"  {extension}: {seen[extension]}")
expected = {".j2k": "codestream", ".j2c": "JP2", ".jpc": "JP2", ".jp2": "JP2"}
sys.exit(0 if seen == expected else "changed: other extensions give codestreams")
PY
echo "PyPI pillow 13.0.0"
echo "guess: codestreams but for .jp2"
echo "seen:"
venv/bin/python save.py
