#!/usr/bin/env bash
# The PyPI package fastmrz and the optional data in the second line of a TD1 card.
#
# Doc 9303-5, 4.2.2.2: positions 19 to 29 of the second line are optional data; residence permits
# and identity cards put a personal number there.
# Guess: `optional_data_2` is those eleven characters.
# Seen: it is positions 19 to 29 of the first line, a piece of `optional_data_1`; what the second
# line has there is lost. The result is SUCCESS.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'fastmrz==2.1.2'
cat > read.py <<'PY'
import sys

from fastmrz import FastMRZ


def check_digit(text):
    values = (0 if letter == "<" else int(letter, 36) for letter in text)
    return str(sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10)


field = ("D23145890" + check_digit("D23145890") + "FIRSTLINE").ljust(25, "<")
birth, expiry, second = "7408122", "3204153", "SECOND1234<"
lines = [
    "I<UTO" + field,
    f"{birth}F{expiry}UTO{second}{check_digit(field + birth + expiry + second)}",
    "ERIKSSON<<ANNA<MARIA".ljust(30, "<"),
]
result = FastMRZ().get_details("\n".join(lines), input_type="text")
print(f"  {result['status']}: optional_data_1 {result['optional_data_1']}, optional_data_2 {result['optional_data_2']}")
same = result["status"] == "SUCCESS" and result["optional_data_2"] == "STLINE"
sys.exit(0 if same else "changed: the optional data of the second line is something else now")
PY
echo "PyPI fastmrz 2.1.2"
echo "guess: optional_data_1 FIRSTLINE, optional_data_2 SECOND1234"
echo "seen:"
venv/bin/python read.py
