#!/usr/bin/env bash
# SoftHSM and the dates of a private key.
#
# A Document Signer's key may sign for three months (Doc 9303-12, 7.1: privateKeyUsagePeriod).
# PKCS#11 has CKA_START_DATE and CKA_END_DATE for it; they are hints that a token does not enforce.
# Guess: what was written at the generation of a key can be read back by the program that watches it.
# Seen: a public key gives its end back; a private key takes one, signs, and answers
# CKR_GENERAL_ERROR when it is asked for it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

version=2.6.1-2.1
apt-get -qq -o APT::Sandbox::User=root download "libsofthsm2=$version" "softhsm2=$version" "softhsm2-common=$version"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu SOFTHSM2_CONF=$work/softhsm2.conf
export MODULE=$work/root/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so
mkdir tokens
echo "directories.tokendir = $work/tokens" > softhsm2.conf
root/usr/bin/softhsm2-util --module "$MODULE" --init-token --free --label test --pin 1234 --so-pin 5678 > init.txt
python3 -m venv venv
venv/bin/pip install -q 'python-pkcs11==0.10.1'
cat > dates.py <<'PY'
import datetime
import os
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism
from pkcs11.util.ec import encode_named_curve_parameters

token = pkcs11.lib(os.environ["MODULE"]).get_token(token_label="test")
end = datetime.date(2027, 3, 1)


def read(key):
    try:
        return key[Attribute.END_DATE]
    except pkcs11.PKCS11Error as problem:
        return type(problem).__name__


with token.open(rw=True, user_pin="1234") as session:
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("brainpoolp256r1")}
    public, private = session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(
        store=True,
        label="document signer",
        public_template={Attribute.END_DATE: end},
        private_template={Attribute.END_DATE: end},
    )
    seen = (read(public), read(private), len(private.sign(bytes(32), mechanism=Mechanism.ECDSA)))
print(f"  the public key's end: {seen[0]}")
print(f"  the private key's end: {seen[1]}; it signs, {seen[2]} octets")
sys.exit(0 if seen == (end, "GeneralError", 64) else "changed: the dates are answered otherwise")
PY
echo "Debian softhsm2 $version, PyPI python-pkcs11 0.10.1"
echo "guess: 2027-03-01 for both keys"
echo "seen:"
venv/bin/python dates.py
