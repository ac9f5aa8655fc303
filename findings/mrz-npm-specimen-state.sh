#!/usr/bin/env bash
# The npm package mrz and the specimens that Doc 9303 prints.
#
# Doc 9303-3, section 5: UTO (Utopia) is the code that its specimens, and most test chips, carry.
# Guess: the specimen passport of Doc 9303-4 is valid for a library that implements Doc 9303; other
# codes beyond ISO 3166-1, such as EUE, UNO, XXA and RKS, are.
# Seen: UTO is an "invalid state code", the document is not valid, and `issuingState` and
# `nationality` are null: what was read is not in the result's fields.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-audit --no-fund 'mrz@5.0.2'
echo "npm mrz 5.0.2"
echo "guess: a specimen of Utopia is valid, as documents of EUE, UNO, RKS and D are"
echo "seen:"
cat > read.js <<'JS'
const { parse } = require("mrz");

// No check digit covers the issuing State or the nationality, so that one zone serves for all.
const zone = (state) => [
  `P<${state}ERIKSSON<<ANNA<MARIA`.padEnd(44, "<"),
  `L898902C36${state}7408122F1204159ZE184226B<<<<<10`,
];
const seen = {};
for (const state of ["UTO", "EUE", "UNO", "RKS", "D<<"]) {
  const { valid, fields } = parse(zone(state));
  seen[state] = [valid, fields.issuingState, fields.nationality];
  console.log(`  ${state}: valid ${valid}, issuingState ${fields.issuingState}, nationality ${fields.nationality}`);
}
const same =
  JSON.stringify(seen.UTO) === "[false,null,null]" &&
  ["EUE", "UNO", "RKS", "D<<"].every((state) => seen[state][0] === true);
if (!same) console.log("changed: Utopia is a State now, or another code is none");
process.exit(same ? 0 : 1);
JS
node read.js
