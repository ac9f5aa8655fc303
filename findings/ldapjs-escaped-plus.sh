#!/usr/bin/env bash
# The npm package @ldapjs/dn and an escaped plus sign.
#
# RFC 4514, section 3: \+ is a plus sign in a value; a bare one begins the next attribute of the same
# RDN, as in the names of PKD entries (cn=...+sn=...). A backslash and two hexadecimal digits are an octet.
# Guess: `DN.fromString` reads "CSCA\+1" as CSCA+1, as it reads "CSCA\2B1".
# Seen: in front of a digit or one of the letters A to F the plus sign counts as a sign: \+1 is the
# octet 01, \+D a carriage return, which is then trimmed. In front of another letter it is a plus.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-audit --no-fund '@ldapjs/dn@1.1.0'
echo "npm @ldapjs/dn 1.1.0"
echo "guess: a plus sign each time"
echo "seen:"
cat > parse.js <<'JS'
const { DN } = require("@ldapjs/dn");

const expected = {
  "cn=CSCA\\2B1,c=UT": "CSCA+1",
  "cn=CSCA\\+X,c=UT": "CSCA+X",
  "cn=CSCA\\+1,c=UT": "CSCA\u0001",
  "cn=R\\+D,c=UT": "R",
};
let same = true;
for (const [name, value] of Object.entries(expected)) {
  const read = DN.fromString(name).rdnAt(0).getValue("cn");
  console.log(`  ${name}: ${JSON.stringify(read)}`);
  same &&= read === value;
}
if (!same) console.log("changed: an escaped plus sign is read otherwise");
process.exit(same ? 0 : 1);
JS
node parse.js
