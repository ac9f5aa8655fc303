#!/usr/bin/env bash
# OpenSSL's path building where a State has two CSCAs of one name.
#
# A CSCA gets a new key every three to five years and keeps its name; both certificates are valid
# and trusted for years (Doc 9303-12). Some Document Signers lack an authorityKeyIdentifier.
# Guess: `openssl verify` tries each CSCA of that name; the order of a trust list has no meaning.
# Seen: it takes the first of that name and stops; a good signer of the other one has a "certificate
# signature failure". With a key identifier in the signer's certificate the order has no effect.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

version=3.0.20-1~deb12u2
apt-get -qq -o APT::Sandbox::User=root download "openssl=$version" "libssl3=$version"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu OPENSSL_CONF=/dev/null
openssl=$work/root/usr/bin/openssl

csca() { # file, days
    "$openssl" req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
        -out "$1.pem" -days "$2" -subj '/C=UT/O=Utopia/CN=CSCA' \
        -addext basicConstraints=critical,CA:true,pathlen:0 \
        -addext keyUsage=critical,keyCertSign,cRLSign 2> log.txt
}
signer() { # CSCA, authorityKeyIdentifier
    printf 'keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=%s\n' "$2" > extensions.cnf
    "$openssl" req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout signer.key \
        -out signer.csr -subj '/C=UT/CN=Document Signer' 2> log.txt
    "$openssl" x509 -req -in signer.csr -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -days 900 \
        -extfile extensions.cnf -out signer.pem 2> log.txt
}
verify() { # trust list
    if "$openssl" verify -CAfile "$1" signer.pem > outcome.txt 2>&1; then
        echo good
    else
        grep -o 'certificate signature failure' outcome.txt
    fi
}
csca old 3000
csca new 4000
cat old.pem new.pem > old-first.pem
cat new.pem old.pem > new-first.pem

"$openssl" version
echo "guess: good every time"
echo "seen:"
seen=()
for case in old:none new:none old:keyid; do
    signer "${case%:*}" "${case#*:}"
    for order in old-first new-first; do
        outcome=$(verify "$order.pem")
        echo "  signer of the ${case%:*} CSCA, authorityKeyIdentifier ${case#*:}, trust list $order: $outcome"
        seen+=("$outcome")
    done
done
bad='certificate signature failure'
[[ ${seen[*]} == "good $bad $bad good good good" ]]
