#!/usr/bin/env bash
# OpenSSL CMS: what encrypts a file for a recipient with a brainpoolP512r1 key.
#
# Personal data comes to a personalisation bureau as CMS for its EC key (RFC 5753).
# Guess: with `-aes-256-gcm` and a 512-bit curve the key derivation uses a hash of like strength; a
# bureau whose policy has no SHA-1 can take the file.
# Seen: dhSinglePass-stdDH-sha1kdf-scheme, whatever the curve and the cipher. With
# `-keyopt ecdh_kdf_md:sha512` directly behind `-recip` it is the sha512 scheme.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

version=3.0.20-1~deb12u2
apt-get -qq -o APT::Sandbox::User=root download "openssl=$version" "libssl3=$version"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu
openssl=$work/root/usr/bin/openssl

"$openssl" req -x509 -newkey ec -pkeyopt ec_paramgen_curve:brainpoolP512r1 -nodes -keyout key.pem \
    -out bureau.pem -days 9 -subj '/C=UT/CN=Bureau' 2> log.txt
echo 'ERIKSSON,ANNA MARIA,1974-08-12' > records
encrypt() { # options of the recipient; prints the schemes of key agreement
    "$openssl" cms -encrypt -aes-256-gcm -binary -in records -outform DER -out records.cms -recip bureau.pem "$@"
    "$openssl" asn1parse -inform DER -in records.cms | grep -o 'dhSinglePass-[a-zA-Z0-9-]*'
    "$openssl" cms -decrypt -inform DER -in records.cms -inkey key.pem -binary | cmp - records
}
"$openssl" version
echo "guess: sha512kdf, or sha256kdf"
echo "seen:"
default=$(encrypt)
chosen=$(encrypt -keyopt ecdh_kdf_md:sha512)
echo "  by itself: $default"
echo "  with -keyopt ecdh_kdf_md:sha512: $chosen"
[[ $default == dhSinglePass-stdDH-sha1kdf-scheme && $chosen == dhSinglePass-stdDH-sha512kdf-scheme ]]
