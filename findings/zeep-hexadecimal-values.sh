#!/usr/bin/env bash
# zeep and octets that a schema has as xsd:hexBinary.
#
# A WSDL may have octets as xsd:base64Binary or as xsd:hexBinary (holder references, identifiers).
# Guess: zeep makes bytes of both, and writes both from bytes.
# Seen: base64Binary is converted. hexBinary is text when it is read; bytes are written as they are, so
# that the octets 00 FF are refused, and those of "UTIS" are sent as UTIS, which is no hexBinary.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'zeep==4.3.3'
cat > message.py <<'PY'
import sys

from lxml import etree
from zeep.xsd import ComplexType, Element, Sequence
from zeep.xsd.types import builtins

seen = {}
for kind in (builtins.Base64Binary, builtins.HexBinary):
    message = Element("{urn:example}message", ComplexType(Sequence([Element("octets", kind())])))
    name = kind.__name__
    text = {"Base64Binary": "VVRJUw==", "HexBinary": "55544953"}[name]
    node = etree.fromstring(f'<m:message xmlns:m="urn:example"><octets>{text}</octets></m:message>')
    seen[name, "read"] = message.parse(node, None).octets
    for octets in (b"UTIS", b"\x00\xff"):
        parent = etree.Element("parent")
        try:
            message.render(parent, message(octets=octets))
            seen[name, octets] = parent.findtext(".//octets")
        except ValueError as problem:
            seen[name, octets] = f"refused: {problem}"
for (name, case), result in seen.items():
    print(f"  {name}, {case if case == 'read' else f'written from {case!r}'}: {result!r}")
results = list(seen.values())
same = results[:3] == [b"UTIS", "VVRJUw==", "AP8="] and results[3:5] == ["55544953", "UTIS"]
same &= str(results[5]).startswith("refused")
sys.exit(0 if same else "changed: hexBinary is converted otherwise")
PY
echo "PyPI zeep 4.3.3"
echo "guess: bytes are read, and 55544953 and 00FF are written"
echo "seen:"
venv/bin/python message.py
