#!/usr/bin/env bash
# OpenSSL and the TLS certificates of a State's Single Point of Contact (Doc 9303-12, 7.2.1).
#
# Their extended key usage must contain 2.23.136.1.1.10.1 for the client; the profile requires no other
# purpose, and section 8.3.2 has the server look for this one.
# Guess: such a client can connect to a server built on OpenSSL, which then looks at the purpose itself.
# Seen: the handshake fails, "unsuitable certificate purpose", unless the certificate has the purpose
# clientAuth too. A server that trusts the certificate itself for clientAuth (a TRUSTED CERTIFICATE,
# with -partial_chain) takes it, but only while the CA of that certificate is not among the trusted ones.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

version=3.0.20-1~deb12u2
apt-get -qq -o APT::Sandbox::User=root download "openssl=$version" "libssl3=$version"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu OPENSSL_CONF=/dev/null
openssl=$work/root/usr/bin/openssl

"$openssl" req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 \
    -subj '/C=UT/CN=SPOC CA' -addext keyUsage=critical,keyCertSign,cRLSign 2> log.txt
client() { # file, purposes
    "$openssl" req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" \
        -subj '/C=UT/CN=SPOC TLS client' 2> log.txt
    printf 'keyUsage = critical, digitalSignature\nextendedKeyUsage = critical, %s\n' "$2" > "$1.cnf"
    echo 'crlDistributionPoints = URI:https://spoc.ut.example/crl' >> "$1.cnf"
    "$openssl" x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -set_serial 2 -days 9 -extfile "$1.cnf" \
        -out "$1.pem" 2> log.txt
}
client spoc 2.23.136.1.1.10.1
client both 2.23.136.1.1.10.1,clientAuth
"$openssl" x509 -in spoc.pem -addtrust clientAuth -trustout -out pinned.pem
cat ca.pem pinned.pem > together.pem

verify() { # trusted, client: what a TLS server with these trusted certificates says of the client's
    "$openssl" verify -partial_chain -purpose sslclient -no-CApath -no-CAstore -CAfile "$1.pem" "$2.pem" \
        > outcome.txt 2>&1 || true
    grep -oE -m1 'OK$|lookup: .*' outcome.txt | sed 's/lookup: //'
}
"$openssl" version
echo "guess: OK for all"
seen=()
for pair in 'ca spoc' 'ca both' 'pinned spoc' 'together spoc'; do
    # shellcheck disable=SC2086 # two words
    outcome=$(verify $pair)
    echo "seen: trusted and client \"$pair\": $outcome"
    seen+=("$outcome")
done
wrong='unsuitable certificate purpose'
[[ "${seen[*]}" == "$wrong OK OK $wrong" ]]
