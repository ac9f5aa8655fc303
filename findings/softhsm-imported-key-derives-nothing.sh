#!/usr/bin/env bash
# SoftHSM and an imported EC key that is to decrypt.
#
# CMS for an EC recipient is decrypted by key agreement (CKA_DERIVE). A bureau's key that exists as
# PKCS#8 comes into the token with `softhsm2-util --import`.
# Guess: it can do there what a key that was generated in the token can, or an option says what for.
# Seen: it may sign and nothing else; C_DeriveKey is CKR_KEY_FUNCTION_NOT_PERMITTED, and there is no
# option. Once python-pkcs11 has set CKA_DERIVE the same key derives the secret that OpenSSL does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

version=2.6.1-2.1
apt-get -qq -o APT::Sandbox::User=root download "opensc=0.23.0-0.3+deb12u2" "libsofthsm2=$version" "softhsm2=$version" "softhsm2-common=$version"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu SOFTHSM2_CONF=$work/softhsm2.conf
export MODULE=$work/root/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so
mkdir tokens
echo "directories.tokendir = $work/tokens" > softhsm2.conf
root/usr/bin/softhsm2-util --module "$MODULE" --init-token --free --label test --pin 1234 --so-pin 5678 > init.txt
python3 -m venv venv
venv/bin/pip install -q 'python-pkcs11==0.10.1'
key() { # file
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1 -out "$1.pem" 2> log.txt
    openssl pkey -in "$1.pem" -pubout -out "$1.pub"
    openssl pkey -in "$1.pem" -pubout -outform DER -out "$1.der"
}
key bureau
key sender
root/usr/bin/softhsm2-util --module "$MODULE" --import bureau.pem --token test --pin 1234 \
    --label bureau --id 01 > import.txt
derive() { # prints the error, or whether the secret is the sender's
    rm -f secret
    if root/usr/bin/pkcs11-tool --module "$MODULE" --token-label test --login --pin 1234 --derive \
        --mechanism ECDH1-DERIVE --id 01 --input-file sender.der --output-file secret > derive.txt 2>&1; then
        openssl pkeyutl -derive -inkey sender.pem -peerkey bureau.pub | cmp -s - secret && echo "the sender's secret"
    else
        grep -m1 -o 'CKR_[A-Z_]*' derive.txt
    fi
}
echo "Debian softhsm2 $version, opensc 0.23.0, PyPI python-pkcs11 0.10.1"
echo "guess: the sender's secret at once"
echo "seen:"
imported=$(derive)
echo "  as imported: $imported"
cat > allow.py <<'PY'
import os

import pkcs11
from pkcs11 import Attribute, ObjectClass

token = pkcs11.lib(os.environ["MODULE"]).get_token(token_label="test")
with token.open(rw=True, user_pin="1234") as session:
    key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label="bureau")
    key[Attribute.DERIVE] = True
PY
venv/bin/python allow.py
allowed=$(derive)
echo "  with CKA_DERIVE set afterwards: $allowed"
[[ $imported == CKR_KEY_FUNCTION_NOT_PERMITTED && $allowed == "the sender's secret" ]]
