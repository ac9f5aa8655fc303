#!/usr/bin/env bash
# cbor2's canonical=True and the order of a map's keys.
#
# RFC 8949, 4.2.1 (core deterministic encoding): the keys of a map in the bytewise order of their
# encodings. It obsoletes RFC 7049, which had the shorter ones first. COSE headers and mdoc
# structures have both numbers and texts as keys.
# Guess: the current major version of the best-known Python package follows the current RFC.
# Seen: the shorter encoding comes first: "z" before 1000. Digests over such maps differ from those
# of a library that follows RFC 8949.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'cbor2==6.3.0'
cat > encode.py <<'PY'
import sys

import cbor2

entries = {"z": 1, 1000: 2}
encoded = cbor2.dumps(entries, canonical=True)
keys = sorted(cbor2.dumps(key) for key in entries)
by_rfc = bytes([0xA0 + len(entries)]) + b"".join(key + cbor2.dumps(entries[cbor2.loads(key)]) for key in keys)
print(f"  cbor2: {encoded.hex()}")
print(f"  RFC 8949, 4.2.1: {by_rfc.hex()}")
same = encoded.hex() == "a2617a011903e802" and by_rfc.hex() == "a21903e802617a01"
sys.exit(0 if same else "changed: another order")
PY
echo "PyPI cbor2 6.3.0"
echo "guess: 1000 before \"z\", as 19 03 e8 is before 61 7a"
echo "seen:"
venv/bin/python encode.py
