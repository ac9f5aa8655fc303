#!/usr/bin/env bash
# cryptography: x509.Name.from_rfc4514_string and the names of a directory.
#
# Directories and PKD entries write names in small letters: cn=CSCA,c=UT. RFC 4514, section 3, and RFC
# 4512, 2.5: a short name of an attribute type may be in small or capital letters.
# Guess: `c=UT` is read as `C=UT`, and `serialNumber=7`, which CSCAs have to tell themselves apart, is
# read; else an error says what was not understood.
# Seen: a ValueError without any message. The same serial number is read, and written, as 2.5.4.5=7.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'cryptography==50.0.2'
cat > read.py <<'PY'
import sys

from cryptography import x509

expected = {
    "CN=CSCA,C=UT": "CN=CSCA,C=UT",
    "cn=CSCA,c=UT": "ValueError()",
    "serialNumber=7,C=UT": "ValueError()",
    "2.5.4.5=7,C=UT": "2.5.4.5=7,C=UT",
}
seen = {}
for text in expected:
    try:
        seen[text] = x509.Name.from_rfc4514_string(text).rfc4514_string()
    except ValueError as problem:
        seen[text] = repr(problem)
    print(f"  {text}: {seen[text]}")
sys.exit(0 if seen == expected else "changed: other names are read")
PY
echo "PyPI cryptography 50.0.2"
echo "guess: four names"
echo "seen:"
venv/bin/python read.py
