#!/usr/bin/env bash
# ldap3 and a distinguished name inside a distinguished name.
#
# An entry of a PKD is named after the certificate's issuer, so that the value of its cn is itself a
# name: cn=CN\=CSCA\,C\=UT+sn=1F,o=dsc,c=UT. RFC 4514, section 3, lets "=" (and "#" behind the first
# character) stand in a value without an escape, and most writers, OpenSSL among them, leave it.
# Guess: `parse_dn` takes both spellings.
# Seen: "special character = must be escaped". OpenSSL's own spelling of the name cannot be parsed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'ldap3==2.9.1'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out signer.pem \
    -days 9 -subj '/C=UT/O=dsc/CN=C=UT,CN=CSCA' 2> log.txt
openssl x509 -in signer.pem -noout -subject -nameopt RFC2253 | sed 's/^subject=//' > name.txt
cat > parse.py <<'PY'
import sys

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn

with open("name.txt") as stream:
    by_openssl = stream.read().strip()
seen = {}
for name in (r"CN=C\=UT\,CN\=CSCA,O=dsc,C=UT", by_openssl, "CN=A#1,C=UT"):
    try:
        seen[name] = parse_dn(name)[0][1]
    except LDAPInvalidDnError as problem:
        seen[name] = str(problem)
    print(f"  {name}: {seen[name]}")
expected = {
    r"CN=C\=UT\,CN\=CSCA,O=dsc,C=UT": r"C\=UT\,CN\=CSCA",
    r"CN=C=UT\,CN=CSCA,O=dsc,C=UT": "special character = must be escaped",
    "CN=A#1,C=UT": "special character # must be escaped",
}
sys.exit(0 if seen == expected else "changed: other names are refused")
PY
echo "PyPI ldap3 2.9.1, $(openssl version)"
echo "guess: three values"
echo "seen:"
venv/bin/python parse.py
