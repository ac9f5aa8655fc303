#!/usr/bin/env bash
# The npm package ldif and the certificates in a file of a public key directory.
#
# RFC 2849: "::" stands before a value in Base64, which is how certificates, CRLs and Master Lists
# come in the LDIF of the ICAO PKD.
# Guess: the parser gives the octets, as a Buffer or as text in which they can be found again.
# Seen: they are decoded as UTF-8. Each octet that is not UTF-8, which is a quarter or more of a
# certificate, becomes the replacement character U+FFFD, and is lost.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-audit --no-fund 'ldif@0.5.1'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem \
    -subj "/C=UT/CN=CSCA" -days 30 -outform DER -out csca.der 2> openssl.txt
cat > parse.js <<'JS'
const { readFileSync } = require("fs");
const { parse } = require("ldif");

const certificate = readFileSync("csca.der");
const text = `version: 1

dn: cn=CSCA,o=dsc,c=UT
cn: CSCA
userCertificate;binary:: ${certificate.toString("base64")}
`;
const entry = parse(text).entries[0].toObject({});
const value = entry.attributes["userCertificate;binary"];
const ways = {
  "as a Buffer": Buffer.isBuffer(value) && value.equals(certificate),
  "as Base64": value === certificate.toString("base64"),
  "as Latin-1": Buffer.from(value, "latin1").equals(certificate),
  "as UTF-8": Buffer.from(value, "utf8").equals(certificate),
};
console.log(`  cn: ${entry.attributes.cn}`);
for (const [way, found] of Object.entries(ways)) console.log(`  the certificate ${way}: ${found}`);
const lost = [...value].filter((letter) => letter === "\uFFFD").length;
console.log(`  replacement characters: ${lost > 0 ? "yes" : "no"}`);
const same = entry.attributes.cn === "CSCA" && lost > 0 && !Object.values(ways).includes(true);
if (!same) console.log("changed: the octets of a value can be had");
process.exit(same ? 0 : 1);
JS
echo "npm ldif 0.5.1"
echo "guess: one of the ways gives the certificate"
echo "seen:"
node parse.js
