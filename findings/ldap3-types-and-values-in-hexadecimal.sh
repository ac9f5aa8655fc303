#!/usr/bin/env bash
# ldap3 and a name in which an attribute has no keyword.
#
# RFC 4514, 2.3 and 2.4: an attribute type is a keyword or an object identifier in dotted form; the
# value of a type without keyword is "#" and its BER encoding in hexadecimal. Names of CSCAs are
# written so where they have an attribute that a directory does not know, as organizationIdentifier.
# Guess: `parse_dn` reads both, which RFC 4514 gives as an example.
# Seen: it refuses both, and `safe_dn` makes the letters "#..." of the value.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'ldap3==2.9.1'
cat > parse.py <<'PY'
import sys

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn, safe_dn


def result(function, name):
    try:
        return function(name)
    except LDAPInvalidDnError as problem:
        return f"refused: {problem}"


rows = [
    (parse_dn, "cn=CSCA,c=UT"),
    (parse_dn, "2.5.4.97=UT1,c=UT"),
    (parse_dn, "1.3.6.1.4.1.1466.0=#04024869"),
    (parse_dn, "cn=#0C0443534341,c=UT"),
    (safe_dn, "cn=#0C0443534341,c=UT"),
]
seen = [result(function, name) for function, name in rows]
for (function, name), each in zip(rows, seen):
    print(f"  {function.__name__} {name}: {each}")
same = isinstance(seen[0], list)
same &= all(isinstance(each, str) and each.startswith("refused") for each in seen[1:4])
same &= seen[4] == r"cn=\#0C0443534341,c=UT"
sys.exit(0 if same else "changed: a type or a value is read otherwise")
PY
echo "PyPI ldap3 2.9.1"
echo "guess: each name is read"
echo "seen:"
venv/bin/python parse.py
