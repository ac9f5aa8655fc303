#!/usr/bin/env bash
# asn1crypto and the order of the parts of a name.
#
# A Distinguished Name is a sequence; names in another order are other names (RFC 5280, 7.1).
# Guess: `Name.build` keeps the order of the dictionary it gets, as Python's dictionaries do, and
# `Name.build(name.native)` is the name.
# Seen: it sorts by an order of its own, with the serial number of a name in front of the country. The
# issuer that a Document Signer's certificate then names is not the subject of its CSCA.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'asn1crypto==1.5.1'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -days 30 \
    -subj "/C=UT/O=Utopia/CN=CSCA/serialNumber=001" -outform DER -out csca.der 2> openssl.txt
cat > order.py <<'PY'
import sys
from pathlib import Path

from asn1crypto.x509 import Certificate, Name

subject = Certificate.load(Path("csca.der").read_bytes()).subject
built = Name.build(subject.native)
print(f"  subject: {list(subject.native)}")
print(f"  built of it: {list(built.native)}")
print(f"  equal: {built == subject}")
same = list(subject.native) == ["country_name", "organization_name", "common_name", "serial_number"]
same &= list(built.native) == ["serial_number", "country_name", "organization_name", "common_name"]
same &= built != subject
sys.exit(0 if same else "changed: the name that is built has another order")
PY
echo "PyPI asn1crypto 1.5.1"
echo "guess: equal, in the order of the subject"
echo "seen:"
venv/bin/python order.py
