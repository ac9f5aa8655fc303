#!/usr/bin/env bash
# A date of birth of which only the year is known, in four readers.
#
# Doc 9303-3, section 4: an unknown part of the date of birth is filled with fillers, up to the whole
# date; the check digit is computed as ever. Refugees' documents have such dates.
# Guess: every reader takes the zone and says that month and day are unknown.
# Seen: the PyPI packages mrz 0.6.2 and passporteye 2.2.2 call the date wrong, fastmrz 2.1.2 raises
# the ValueError of strptime out of `validate_mrz`; the npm package mrz 5.0.2 calls the zone valid.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'mrz==0.6.2' 'fastmrz==2.1.2'
venv/bin/pip install -q --no-deps 'passporteye==2.2.2' # its parser of text needs none of its image libraries
npm install --silent --no-audit --no-fund --prefix js 'mrz@5.0.2'

cat > read.py <<'PY'
import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path

from fastmrz import FastMRZ
from mrz.checker.td3 import TD3CodeChecker

path = Path(importlib.metadata.distribution("passporteye").locate_file("passporteye/mrz/text.py"))
spec = importlib.util.spec_from_file_location("text", path)
text = importlib.util.module_from_spec(spec)
spec.loader.exec_module(text)


def check_digit(letters):
    values = (0 if letter == "<" else int(letter, 36) for letter in letters)
    return str(sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10)


def passport(birth):
    covered = ("L898902C36", birth + check_digit(birth), "3204153" + "<" * 14 + "0")
    return [
        "PRFRAERIKSSON<<ANNA<MARIA".ljust(44, "<"),
        f"{covered[0]}XXB{covered[1]}F{covered[2]}{check_digit(''.join(covered))}",
    ]


def fast(lines):
    try:
        return FastMRZ().validate_mrz("\n".join(lines))["is_valid"]
    except ValueError as problem:
        return f"raises {type(problem).__name__}"


def results(lines):
    return bool(TD3CodeChecker("\n".join(lines))), text.MRZ(lines).valid, fast(lines)


seen = {birth: results(passport(birth)) for birth in ("740812", "74<<<<", "<<<<<<")}
for birth, result in seen.items():
    print(f"  born {birth}: PyPI mrz {result[0]}, passporteye {result[1]}, fastmrz {result[2]}")
Path("zones.json").write_text(json.dumps({birth: passport(birth) for birth in seen}))
expected = {
    "740812": (True, True, True),
    "74<<<<": (False, False, "raises ValueError"),
    "<<<<<<": (False, False, "raises ValueError"),
}
sys.exit(0 if seen == expected else "changed: one of them takes an unknown date of birth now")
PY

echo "PyPI mrz 0.6.2, passporteye 2.2.2, fastmrz 2.1.2; npm mrz 5.0.2"
echo "guess: valid for all four"
echo "seen:"
venv/bin/python read.py
cd js
node -e '
const { parse } = require("mrz");
const zones = JSON.parse(require("fs").readFileSync("../zones.json"));
let valid = true;
for (const [birth, lines] of Object.entries(zones)) {
  const result = parse(lines);
  console.log(`  born ${birth}: npm mrz ${result.valid}`);
  valid &&= result.valid;
}
process.exit(valid ? 0 : 1);
'
