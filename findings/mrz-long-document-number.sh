#!/usr/bin/env bash
# A TD1 card whose document number has more than nine characters.
#
# Doc 9303-5, 4.2.2.2, note j: the first nine characters go into the number field, a filler stands
# in place of the check digit, and the rest with the check digit opens the optional data.
# Guess: every MRZ reader takes it; whole countries print it.
# Seen: the PyPI packages mrz 0.6.2 and passporteye 2.2.2 call the document number wrong; the npm
# package mrz 5.0.2 reads all twelve characters.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'mrz==0.6.2'
venv/bin/pip install -q --no-deps 'passporteye==2.2.2' # its parser of text needs none of its image libraries
npm install --silent --no-audit --no-fund --prefix js 'mrz@5.0.2'

cat > zone.py <<'PY'
import sys


def check_digit(text):
    values = (0 if letter == "<" else int(letter, 36) for letter in text)
    return str(sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10)


def td1(number):
    if len(number) > 9:
        field = f"{number[:9]}<{number[9:]}{check_digit(number)}".ljust(25, "<")
    else:
        field = (number.ljust(9, "<") + check_digit(number.ljust(9, "<"))).ljust(25, "<")
    birth, expiry, optional = "7408122", "3204153", "<" * 11
    composite = check_digit(field + birth + expiry + optional)
    # France, because the npm package takes no fictitious State.
    return [f"I<FRA{field}", f"{birth}F{expiry}FRA{optional}{composite}", "ERIKSSON<<ANNA<MARIA".ljust(30, "<")]


if __name__ == "__main__":
    print("\n".join(td1(sys.argv[1])))
PY

cat > read.py <<'PY'
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

from mrz.checker.td1 import TD1CodeChecker

from zone import td1

# The package imports its image libraries at once; the module of the text parser stands alone.
path = Path(importlib.metadata.distribution("passporteye").locate_file("passporteye/mrz/text.py"))
spec = importlib.util.spec_from_file_location("text", path)
text = importlib.util.module_from_spec(spec)
spec.loader.exec_module(text)

seen = {}
for number in ("D23145890", "D23145890734"):
    lines = td1(number)
    checker = TD1CodeChecker("\n".join(lines))
    parsed = text.MRZ(lines)
    seen[number] = (bool(checker), checker.fields().document_number, parsed.valid, parsed.number)
    print(f"  number {number}: mrz says {seen[number][:2]}, passporteye {seen[number][2:]}")
expected = {
    "D23145890": (True, "D23145890", True, "D23145890"),
    "D23145890734": (False, "D23145890", False, "D23145890"),
}
sys.exit(0 if seen == expected else "changed: one of them reads a long document number now")
PY

echo "PyPI mrz 0.6.2, PyPI passporteye 2.2.2, npm mrz 5.0.2"
echo "guess: all three find the twelve-character document number and call the card valid"
echo "seen:"
venv/bin/python read.py
venv/bin/python zone.py D23145890734 > long.txt
cd js
node -e '
const { parse } = require("mrz");
const result = parse(require("fs").readFileSync("../long.txt", "utf8").trim().split("\n"));
console.log(`  number D23145890734: npm mrz says ${result.valid}, ${result.fields.documentNumber}`);
process.exit(result.valid && result.fields.documentNumber === "D23145890734" ? 0 : 1);
'
