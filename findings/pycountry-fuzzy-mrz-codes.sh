#!/usr/bin/env bash
# pycountry's fuzzy search for codes that are in the zones of travel documents but not in ISO 3166-1.
#
# Doc 9303-3, section 5: XXA is a stateless person, UNK a resident of Kosovo with a document of the
# United Nations, UNO an official of theirs, RKS Kosovo, UTO a specimen, D Germany.
# Guess: `search_fuzzy` finds the right country or raises LookupError, as `get` returns None.
# Seen: a stateless person is of Malta, a resident of Kosovo of Pakistan, RKS of the Turks and Caicos
# Islands, Utopia of Brunei, D of the United Kingdom; even "Kosovo" is Serbia. The codes are found as
# parts of the names of subdivisions.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'pycountry==26.2.16'
cat > search.py <<'PY'
import sys

import pycountry

expected = {
    "XXA": "MLT",
    "UNK": "PAK",
    "UNO": "LTU",
    "RKS": "TCA",
    "UTO": "BRN",
    "D": "GBR",
    "Kosovo": "SRB",
    "XXB": None,
}
seen = {}
for code in expected:
    try:
        seen[code] = pycountry.countries.search_fuzzy(code)[0].alpha_3
    except LookupError:
        seen[code] = None
    print(f"  {code}: {seen[code]}; get(alpha_3=...) {pycountry.countries.get(alpha_3=code)}")
sys.exit(0 if seen == expected else "changed: other countries are found")
PY
echo "PyPI pycountry 26.2.16"
echo "guess: D is Germany or nothing, the others are nothing"
echo "seen (the first that search_fuzzy finds):"
venv/bin/python search.py
