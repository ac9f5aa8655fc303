#!/usr/bin/env bash
# asn1tools and a SET OF in DER.
#
# X.690, 11.6: in DER the elements of a SET OF are in ascending order of their encodings. The
# certificate extension documentType (Doc 9303-12, 7.1.1.6) and the signed attributes of CMS are such.
# Guess: `compile_string(..., "der")` sorts them, as asn1crypto and pyasn1's DER encoder do.
# Seen: they stay in the order of the Python list. A signature over such signed attributes is over
# other octets than those that a verifier encodes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'asn1tools==0.169.0' 'asn1crypto==1.5.1' 'pyasn1==0.6.5'
cat > encode.py <<'PY'
import sys

import asn1tools
from asn1crypto import core
from pyasn1.codec.der import encoder
from pyasn1.type import char, univ

types = ["PR", "P", "AR"]
module = "Types DEFINITIONS ::= BEGIN List ::= SET OF PrintableString END"
by_asn1tools = asn1tools.compile_string(module, "der").encode("List", types)


class List(core.SetOf):
    _child_spec = core.PrintableString


by_asn1crypto = List(types).dump()
values = univ.SetOf(componentType=char.PrintableString())
values.extend(types)
by_pyasn1 = encoder.encode(values)
for name, octets in (("asn1tools", by_asn1tools), ("asn1crypto", by_asn1crypto), ("pyasn1", by_pyasn1)):
    print(f"  {name}: {octets.hex()}")
same = by_asn1crypto == by_pyasn1 == bytes.fromhex("310b130150130241521302" + "5052")
same &= by_asn1tools == bytes.fromhex("310b130250521301501302" + "4152")
sys.exit(0 if same else "changed: another order")
PY
echo "PyPI asn1tools 0.169.0, asn1crypto 1.5.1, pyasn1 0.6.5"
echo "guess: P, AR, PR for all three"
echo "seen:"
venv/bin/python encode.py
