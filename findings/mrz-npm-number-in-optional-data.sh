#!/usr/bin/env bash
# The npm package mrz and the optional data of a TD1 card with a long document number.
#
# Doc 9303-5, 4.2.2.2, note j: what does not fit into the number field goes on, with the check
# digit, at the start of the optional data, and ends at the next filler.
# Guess: a reader that knows the rule takes those characters out of the optional data.
# Seen: the rest of the number and its check digit are reported twice, in `documentNumber` and
# again in `optional1`; a card without any optional data has some.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-audit --no-fund 'mrz@5.0.2'
echo "npm mrz 5.0.2"
echo "guess: documentNumber D23145890734, and optional1 is empty, or ABC where the card has ABC there"
echo "seen:"
cat > read.js <<'JS'
const { parse } = require("mrz");

function checkDigit(text) {
  const values = [...text].map((letter) => (letter === "<" ? 0 : parseInt(letter, 36)));
  return String(values.reduce((sum, value, place) => sum + value * [7, 3, 1][place % 3], 0) % 10);
}

function td1(number, optional) {
  const rest = number.slice(9) + checkDigit(number) + "<" + optional;
  const field = (number.slice(0, 9) + "<" + rest).padEnd(25, "<");
  const birth = "7408122";
  const expiry = "3204153";
  const composite = checkDigit(field + birth + expiry + "<".repeat(11));
  return [
    "I<FRA" + field,
    birth + "F" + expiry + "FRA" + "<".repeat(11) + composite,
    "ERIKSSON<<ANNA<MARIA".padEnd(30, "<"),
  ];
}

let same = true;
for (const [optional, expected] of [["", "7349"], ["ABC", "7349 ABC"]]) {
  const { valid, fields } = parse(td1("D23145890734", optional));
  console.log(`  optional data "${optional}": documentNumber ${fields.documentNumber}, optional1 "${fields.optional1}"`);
  same &&= valid && fields.documentNumber === "D23145890734" && fields.optional1 === expected;
}
if (!same) console.log("changed: the number is no longer part of the optional data");
process.exit(same ? 0 : 1);
JS
node read.js
