#!/usr/bin/env bash
# OpenSSL and the CRL of a State after a renewal of its CSCA's key.
#
# A State has one CRL, signed with the newest key of its CSCA; it covers the certificates of all its
# CSCA keys (Doc 9303-12, 4.1.5). Both self-signed certificates are trusted.
# Guess: `openssl verify -crl_check` uses that CRL for a signer of the earlier key: the names are equal.
# Seen: "unable to get certificate CRL", for a good signer as for a revoked one, because the CRL's
# authorityKeyIdentifier is not that of the signer's issuer. Only -extended_crl and the link
# certificate among the -untrusted ones together make it be used.
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
csca old 3000
csca new 4000
cat > link.cnf <<'CNF'
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF
"$openssl" x509 -in new.pem -x509toreq -signkey new.key -out link.csr 2> log.txt
"$openssl" x509 -req -in link.csr -CA old.pem -CAkey old.key -set_serial 2 -days 3000 \
    -extfile link.cnf -out link.pem 2> log.txt
printf 'keyUsage = critical, digitalSignature\nauthorityKeyIdentifier = keyid\n' > signer.cnf
"$openssl" req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout signer.key -out signer.csr \
    -subj '/C=UT/CN=Document Signer' 2> log.txt
"$openssl" x509 -req -in signer.csr -CA old.pem -CAkey old.key -set_serial 3 -days 900 \
    -extfile signer.cnf -out signer.pem 2> log.txt
cat > ca.cnf <<'CNF'
[ca]
default_ca = csca
[csca]
database = index
crlnumber = number
default_md = sha256
default_crl_days = 90
[crl]
authorityKeyIdentifier = keyid
CNF
touch index
echo 01 > number
crl() { "$openssl" ca -config ca.cnf -keyfile new.key -cert new.pem "$@" 2> log.txt; }
crl -gencrl -crlexts crl -out empty.crl
crl -revoke signer.pem
crl -gencrl -crlexts crl -out revoked.crl
cat old.pem new.pem > trusted.pem

verify() { # options; prints OK or the first error
    "$openssl" verify -CAfile trusted.pem -crl_check "$@" signer.pem > outcome.txt 2>&1 || true
    grep -oE -m1 'OK$|lookup: .*' outcome.txt | sed 's/lookup: //'
}
"$openssl" version
echo "guess: OK with the empty CRL, certificate revoked with the other"
echo "seen:"
seen=()
for crl in empty revoked; do
    for options in '' '-extended_crl' '-untrusted link.pem' '-extended_crl -untrusted link.pem'; do
        # shellcheck disable=SC2086 # the options are words
        outcome=$(verify -CRLfile "$crl.crl" $options)
        echo "  CRL $crl, options \"$options\": $outcome"
        seen+=("$outcome")
    done
done
missing='unable to get certificate CRL'
[[ "${seen[*]}" == "$missing $missing $missing OK $missing $missing $missing certificate revoked" ]]
