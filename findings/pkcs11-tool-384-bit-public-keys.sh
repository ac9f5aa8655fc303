#!/usr/bin/env bash
# OpenSC's pkcs11-tool and the public key of a CSCA on a 384-bit curve.
#
# BSI TR-03116-2 has CSCAs on 384-bit curves. Their public key is read from the HSM for a request.
# Guess: `--read-object --type pubkey` writes the SubjectPublicKeyInfo of any curve that
# `--keypairgen` took.
# Seen: it does for 224, 256, 320, 512 and 521 bits; for 192 and 384 bits, secp384r1 and
# brainpoolP384r1 alike, it is "cannot create EVP_PKEY", with every key.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

opensc=0.23.0-0.3+deb12u2
softhsm=2.6.1-2.1
apt-get -qq -o APT::Sandbox::User=root download \
    "opensc=$opensc" "libsofthsm2=$softhsm" "softhsm2=$softhsm" "softhsm2-common=$softhsm"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu SOFTHSM2_CONF=$work/softhsm2.conf
module=$work/root/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so
mkdir tokens
echo "directories.tokendir = $work/tokens" > softhsm2.conf
root/usr/bin/softhsm2-util --module "$module" --init-token --free --label test --pin 1234 --so-pin 5678 > init.txt
tool() { root/usr/bin/pkcs11-tool --module "$module" --token-label test --login --pin 1234 "$@"; }

echo "Debian opensc $opensc, softhsm2 $softhsm"
echo "guess: a public key each time"
echo "seen:"
number=10
seen=()
for curve in brainpoolP192r1 secp224r1 brainpoolP256r1 brainpoolP320r1 secp384r1 brainpoolP384r1 brainpoolP512r1 secp521r1; do
    number=$((number + 1))
    tool --keypairgen --key-type "EC:$curve" --id "$number" --label "$curve" > generated.txt 2>&1
    outcome=read
    tool --read-object --type pubkey --id "$number" --output-file key.der > read.txt 2>&1 ||
        outcome=$(grep -m1 -o 'cannot create EVP_PKEY' read.txt)
    echo "  $curve: $outcome"
    seen+=("${curve//[!0-9]/ }:$outcome")
done
failed=$(printf '%s\n' "${seen[@]}" | grep 'cannot create' | grep -oE '192|384' | tr '\n' ' ')
[[ $failed == '192 384 384 ' && $(printf '%s\n' "${seen[@]}" | grep -c ':read') == 5 ]]
