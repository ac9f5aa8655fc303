#!/usr/bin/env bash
# The PyPI package fastmrz and documents of Germany.
#
# Doc 9303-3, section 5: Germany's code is the single letter D, filled up as `D<<`.
# Guess: a reader of machine readable zones reads those of Germany, of which there are tens of millions.
# Seen: `Invalid MRZ format`, FAILURE: the code has to consist of letters alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'fastmrz==2.1.2'
cat > read.py <<'PY'
import sys

from fastmrz import FastMRZ

reader = FastMRZ()
seen = {}
for state in ("FRA", "D<<"):
    # No check digit covers the issuing State or the nationality.
    lines = [
        f"P<{state}ERIKSSON<<ANNA<MARIA".ljust(44, "<"),
        f"L898902C36{state}7408122F3204153ZE184226B<<<<<16",
    ]
    seen[state] = reader.validate_mrz("\n".join(lines))
    print(f"  {state}: {seen[state]}")
same = seen["FRA"]["is_valid"] and seen["D<<"] == {"is_valid": False, "status_message": "Invalid MRZ format"}
sys.exit(0 if same else "changed: the code of Germany is read, or that of France is not")
PY
echo "PyPI fastmrz 2.1.2"
echo "guess: the same passport is valid for both States"
echo "seen:"
venv/bin/python read.py
