#!/usr/bin/env bash
# The PyPI package fastmrz and a passport without optional data.
#
# Doc 9303-4, 4.2.2.2: where the optional data of a TD3 is all fillers, its check digit may be 0 or
# a filler, as the issuing State chooses.
# Guess: both are valid.
# Seen: with the filler, "Optional data checksum is not matching"; the whole passport is a FAILURE.
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
for digit in "0<":
    # A filler counts 0, so that the composite check digit is the same.
    lines = [
        "P<UTOERIKSSON<<ANNA<MARIA".ljust(44, "<"),
        f"L898902C36UTO7408122F3204153{'<' * 14}{digit}4",
    ]
    seen[digit] = reader.validate_mrz("\n".join(lines))
    print(f"  check digit {digit}: {seen[digit]}")
same = seen["0"]["is_valid"] and not seen["<"]["is_valid"]
sys.exit(0 if same else "changed: both are judged alike")
PY
echo "PyPI fastmrz 2.1.2"
echo "guess: valid with 0 and with a filler"
echo "seen:"
venv/bin/python read.py
