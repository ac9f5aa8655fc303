#!/usr/bin/env bash
# OpenSC's opensc-asn1 and the tags of travel documents.
#
# The tool is what a Debian machine has for looking at data that is no universal ASN.1. In X.690,
# 8.1.2.4, the identifier octets 5F 1F are the application tag number 31.
# Guess: DG1 is Application 1 with Application 31 in it, and the prime of a key, in a context tag, is
# octets.
# Seen: Application 7967, that is 1F1F, the second octet added to the escape value of the first; and
# the prime under context tag 1 is "true", since a context tag is read as the universal one of its
# number.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

version=0.23.0-0.3+deb12u2
apt-get -qq -o APT::Sandbox::User=root download "opensc=$version" "opensc-pkcs11=$version"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu

zone='I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<'
printf '\x61\x5d\x5f\x1f\x5a%s' "$zone" > dg1
# A public key of TR-03110-3, D.3: 7F49 with the prime in 81 (that of brainpoolP256r1).
printf '\x7f\x49\x22\x81\x20%b' \
    "$(sed 's/../\\x&/g' <<< A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377)" > key
echo "Debian opensc $version"
echo "guess: Application 31, Application 73, and 32 octets"
echo "seen:"
root/usr/bin/opensc-asn1 dg1 key > seen.txt
grep -E 'Application|Context' seen.txt | sed 's/^/  /'
grep -q '5F1F Application 7967' seen.txt
grep -q '7F49 Application 8009' seen.txt
grep -Eq '81 Context 1 +\(32 bytes\): true' seen.txt
