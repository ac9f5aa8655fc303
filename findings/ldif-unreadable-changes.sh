#!/usr/bin/env bash
# Change records of the PyPI package ldif.
#
# Its writer makes them from the modification list of python-ldap, and its parser has a list of the
# change types of RFC 2849.
# Guess: the parser reads what the writer of the same package writes.
# Seen: it raises a ValueError, "subsection not found", at the line "-" that ends each modification.
# A file of entries alone is read.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'ldif==4.3.0'
cat > changes.py <<'PY'
import io
import sys

from ldif import LDIFParser, LDIFWriter

ADD, REPLACE = 0, 2
NAME = "o=dsc,c=UT,dc=data,dc=example"


def read(record):
    written = io.BytesIO()
    LDIFWriter(written).unparse(NAME, record)
    try:
        return str(list(LDIFParser(io.BytesIO(written.getvalue())).parse()))
    except ValueError as problem:
        return f"refused: {problem}"


entry = read({"userCertificate;binary": [b"\x30\x00"]})
added = read([(ADD, "userCertificate;binary", [b"\x30\x00"])])
replaced = read([(REPLACE, "cn", [b"Signer 2"])])
print("  an entry:", entry)
print("  an addition:", added)
print("  a replacement:", replaced)
as_seen = not entry.startswith("refused") and added == replaced == "refused: subsection not found"
sys.exit(0 if as_seen else "changed: a change record is read, or refused otherwise")
PY
echo "PyPI ldif 4.3.0"
echo "guess: the parser reads what the writer writes"
echo "seen:"
venv/bin/python changes.py
