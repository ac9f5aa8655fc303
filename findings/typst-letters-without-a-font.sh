#!/usr/bin/env bash
# typst and the letters of a name for which no font is at hand.
#
# Reports print names in the national script beside those of the machine readable zone. typst has
# `compile_with_warnings`, which warns of a font family that is unknown.
# Guess: letters that no font has are an error or a warning.
# Seen: neither: a name in Thai or Chinese is missing in the PDF, and nothing says so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'typst==0.15.2' 'pypdf==7.1.1'
cat > report.py <<'PY'
import io
import sys

import typst
from pypdf import PdfReader

names = {"Latin": "Łódź", "Cyrillic": "Юрій", "Thai": "สมชาย", "Chinese": "李小明"}
missing = []
for script, name in names.items():
    pdf, warnings = typst.compile_with_warnings(f'#"{name}"'.encode(), ignore_system_fonts=True)
    there = name in PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    print(f"  {script}: {'printed' if there else 'missing'}, {len(warnings)} warnings")
    if not there and not warnings:
        missing.append(script)
sys.exit(0 if missing == ["Thai", "Chinese"] else "changed: other letters are missing, or there is a warning")
PY
echo "PyPI typst 0.15.2"
echo "guess: each name is printed, or there is a warning"
echo "seen:"
venv/bin/python report.py
