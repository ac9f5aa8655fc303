#!/usr/bin/env bash
# The npm package @ldapjs/dn and an escaped plus sign.
#
# RFC 4514, section 3: \+ is a plus sign in a value; a bare one begins the next attribute of the same
# RDN, as in the names of PKD entries (cn=...+sn=...).
# Guess: `DN.fromString` reads "R\+D" as R+D, as it reads "R\2BD".
# Seen: the value ends before the plus sign and the rest is gone without an error, so that different
# names become one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-audit --no-fund '@ldapjs/dn@1.1.0'
echo "npm @ldapjs/dn 1.1.0"
echo "guess: R+D for both spellings; the last two names differ"
echo "seen:"
cat > parse.js <<'JS'
const { DN } = require("@ldapjs/dn");

const value = (name) => DN.fromString(name).rdnAt(0).getValue("cn");
const seen = ["cn=R\\2BD,c=UT", "cn=R\\+D,c=UT", "cn=R\\+D+sn=1F,c=UT", "cn=R\\,D,c=UT"].map((name) => {
  console.log(`  ${name}: "${value(name)}", again as a string: ${DN.fromString(name)}`);
  return value(name);
});
const [first, second] = ["cn=CSCA\\+1,c=UT", "cn=CSCA\\+2,c=UT"].map((name) => DN.fromString(name).toString());
console.log(`  cn=CSCA\\+1,c=UT and cn=CSCA\\+2,c=UT as strings again: ${first} and ${second}`);
const same = JSON.stringify(seen) === '["R+D","R","R","R,D"]' && first === second;
if (!same) console.log("changed: an escaped plus sign is read otherwise");
process.exit(same ? 0 : 1);
JS
node parse.js
