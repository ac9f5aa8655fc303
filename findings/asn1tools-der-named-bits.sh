#!/usr/bin/env bash
# asn1tools and the named bits of a BIT STRING in DER.
#
# X.690, 11.2.2: in DER a BIT STRING with named bits has no zero bits at its end. keyUsage is one:
# digitalSignature alone is 03 02 07 80.
# Guess: the DER codec drops them, as asn1crypto does; the module says which bits have names.
# Seen: as many bits are written as the Python value counts, so that the number of bits that a
# program happens to use gets into the octets that are signed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'asn1tools==0.169.0' 'asn1crypto==1.5.1'
cat > encode.py <<'PY'
import sys

import asn1tools
from asn1crypto import x509

module = """
Usage DEFINITIONS ::= BEGIN
KeyUsage ::= BIT STRING { digitalSignature (0), nonRepudiation (1), keyEncipherment (2), keyCertSign (5) }
END
"""
compiled = asn1tools.compile_string(module, "der")
seen = {bits: compiled.encode("KeyUsage", (b"\x80", bits)).hex() for bits in (1, 6, 8)}
for bits, octets in seen.items():
    print(f"  asn1tools, digitalSignature given as {bits} bits: {octets}")
reference = x509.KeyUsage({"digital_signature"}).dump().hex()
print(f"  asn1crypto: {reference}")
same = reference == "03020780" and seen == {1: "03020780", 6: "03020280", 8: "03020080"}
sys.exit(0 if same else "changed: the zero bits are dropped")
PY
echo "PyPI asn1tools 0.169.0, asn1crypto 1.5.1"
echo "guess: 03020780 in every case"
echo "seen:"
venv/bin/python encode.py
