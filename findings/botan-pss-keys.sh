#!/usr/bin/env bash
# Botan, and RSA keys that are for RSA-PSS alone.
#
# RFC 4055, 1.2 has two identifiers for an RSA key in a certificate: rsaEncryption, and id-RSASSA-PSS for
# a key that makes no other signatures. Doc 9303-12, 4.1.6.1 recommends RSA-PSS.
# Guess: Botan, which verifies RSA-PSS and knows id-RSASSA-PSS as an algorithm of signatures, reads both.
# Seen: a certificate whose key is under id-RSASSA-PSS is not read at all, "Algorithm identifier
# mismatch". The same key under rsaEncryption is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

version=2.19.3+dfsg-1+deb12u1
apt-get -qq -o APT::Sandbox::User=root download "botan=$version" "libbotan-2-19=$version" libtspi1
for package in *.deb; do dpkg -x "$package" root; done
botan() { LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu root/usr/bin/botan "$@"; }

openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:3072 -out pss.key 2> log.txt
# The same numbers under rsaEncryption: the inner structure of a PKCS#8 key is that of PKCS#1.
openssl asn1parse -in pss.key -strparse "$(openssl asn1parse -in pss.key | awk -F: '/OCTET STRING/ {print $1; exit}')" \
    -noout -out inner.der
openssl rsa -inform DER -in inner.der -out rsa.key 2> log.txt
echo "Debian botan $version"
echo "guess: both certificates are read"
for key in rsa pss; do
    openssl req -x509 -key "$key.key" -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -days 30 \
        -subj "/C=UT/CN=CSCA $key" -out "$key.pem"
    openssl verify -check_ss_sig -CAfile "$key.pem" "$key.pem" > log.txt
    botan cert_info "$key.pem" > "$key.txt" 2>&1 || true
    echo "seen with the key for $key: $(grep -m1 -E 'Signature algorithm|failed' "$key.txt")"
done
grep -q 'Signature algorithm: RSA/EMSA4' rsa.txt
grep -q 'decoding failed with Algorithm identifier mismatch' pss.txt
