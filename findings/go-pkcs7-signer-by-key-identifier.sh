#!/usr/bin/env bash
# The Go modules of PKCS#7 and an EF.SOD whose signer is named by its key.
#
# RFC 5652, 5.3: a SignerInfo of version 3 names the certificate by its subjectKeyIdentifier; Doc
# 9303-10, 4.6.2.2, leaves the choice to the State.
# Guess: `Parse` and `Verify` take it, as they take the name of the issuer with a serial number.
# Seen: in both modules the message "has no signers": the SignerInfo is passed over without an error
# of the parser.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > go.mod <<'MOD'
module finding

go 1.21

require (
	github.com/smallstep/pkcs7 v0.2.3
	go.mozilla.org/pkcs7 v0.10.0
)
MOD
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	smallstep "github.com/smallstep/pkcs7"
	mozilla "go.mozilla.org/pkcs7"
)

func show(module, name string, verify func() error, err error) {
	if err != nil {
		fmt.Printf("%s, %s: Parse: %v\n", module, name, err)
		return
	}
	fmt.Printf("%s, %s: Verify: %v\n", module, name, verify())
}

func main() {
	for _, name := range []string{"issuer", "key"} {
		octets, err := os.ReadFile(name + ".der")
		if err != nil {
			panic(err)
		}
		first, err := mozilla.Parse(octets)
		show("mozilla", name, func() error { return first.Verify() }, err)
		second, err := smallstep.Parse(octets)
		show("smallstep", name, func() error { return second.Verify() }, err)
	}
}
GO
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem \
    -subj "/C=UT/CN=Document Signer" -days 30 -out signer.pem 2> openssl.txt
printf '\x30\x03\x02\x01\x00' > content
sign() {  # OUTPUT [OPTION]
    openssl cms -sign -in content -binary -nodetach -nosmimecap -md sha256 -econtent_type 2.23.136.1.1.1 \
        -signer signer.pem -inkey key.pem -outform DER -out "$@"
}
sign issuer.der
sign key.der -keyid
for name in issuer key; do
    openssl cms -verify -inform DER -in $name.der -CAfile signer.pem -purpose any -out /dev/null 2>> openssl.txt
done
export GOFLAGS=-mod=mod GOPATH=$work/go GOCACHE=$work/cache
go mod tidy 2> go.txt || { cat go.txt; exit 1; }
echo "Go go.mozilla.org/pkcs7 v0.10.0, github.com/smallstep/pkcs7 v0.2.3; messages of $(openssl version | cut -d' ' -f1,2)"
echo "guess: Verify: <nil>, four times"
echo "seen:"
go run . | tee seen.txt
chmod -R u+w go
[ "$(grep -c 'issuer: Verify: <nil>$' seen.txt)" -eq 2 ]
[ "$(grep -c 'key: Verify: pkcs7: Message has no signers$' seen.txt)" -eq 2 ]
