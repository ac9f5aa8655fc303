#!/usr/bin/env bash
# Three transliteration tables of the PyPI package mrz.
#
# Its generators and `transliterate` turn names into the letters of the machine readable zone.
# Guess: Doc 9303-3, section 6 for Latin and Cyrillic letters, and ISO 843 (which Greek passports
# follow) for Greek ones.
# Seen: the Greek rho, which looks like a P, becomes P; in Macedonian every ka becomes KJ, which
# table 6B means for kje, and kje itself stays as it is; U with macron (Lithuanian, Latvian) is in
# no table, so that a generator refuses the name.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'mrz==0.6.2'
cat > write.py <<'PY'
import sys

from mrz.base.errors import FieldError
from mrz.base.functions import transliterate
from mrz.generator.dictionaries.cyrillic_macedonian import transliteration as macedonian
from mrz.generator.dictionaries.greek import transliteration as greek
from mrz.generator.td3 import TD3CodeGenerator


def passport(surname):
    try:
        code = TD3CodeGenerator("P", "LTU", surname, "ANNA", "L898902C3", "LTU", "740812", "F", "320415", "")
        return str(code)[5:].partition("<")[0]
    except FieldError as problem:
        return f"refused: {problem}"


seen = {
    "ΡΗΓΑΣ, to be RIGAS": transliterate("ΡΗΓΑΣ", greek),
    "КОСТА, to be KOSTA": transliterate("КОСТА", macedonian),
    "ЌОСЕВ, to be KJOSEV": transliterate("ЌОСЕВ", macedonian),
    "JŪRAITĖ, to be JURAITE": passport("JŪRAITĖ"),
    "ŽUKAITĖ, to be ZUKAITE": passport("ŽUKAITĖ"),
}
for name, letters in seen.items():
    print(f"  {name}: {letters}")
same = list(seen.values())[:3] == ["PIGAS", "KJOSTA", "ЌOSEV"]
same &= passport("JŪRAITĖ").startswith("refused") and passport("ŽUKAITĖ") == "ZUKAITE"
sys.exit(0 if same else "changed: one of the letters is written otherwise")
PY
echo "PyPI mrz 0.6.2"
echo "guess: the letters that Doc 9303-3 and ISO 843 give"
echo "seen:"
venv/bin/python write.py
