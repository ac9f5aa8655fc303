#!/usr/bin/env bash
# SoftHSM and the MGF1 hash of RSA-PSS.
#
# CK_RSA_PKCS_PSS_PARAMS names the digest and MGF1's hash apart; RFC 4055, 3.1 lets them differ, and
# SHA-1 is MGF1's default there.
# Guess: a token that does CKM_SHA256_RSA_PKCS_PSS does it with MGF1 over SHA-1 too, or answers
# CKR_MECHANISM_PARAM_INVALID.
# Seen: CKR_ARGUMENTS_BAD for each MGF1 hash but the digest's own.
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
cat > mgf1.py <<'PY'
import os
import sys

import pkcs11
from pkcs11 import MGF, KeyType, Mechanism

token = pkcs11.lib(os.environ["MODULE"]).get_token(token_label="test")
seen = {}
with token.open(rw=True, user_pin="1234") as session:
    _, private = session.generate_keypair(KeyType.RSA, 2048, store=True, label="document signer")
    for name in ("SHA256", "SHA1", "SHA512"):
        parameters = (Mechanism.SHA256, MGF[name], 32)
        try:
            signature = private.sign(
                b"m", mechanism=Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=parameters
            )
            seen[name] = f"{len(signature)} octets"
        except pkcs11.PKCS11Error as problem:
            seen[name] = type(problem).__name__
        print(f"  SHA-256, MGF1 with {name}: {seen[name]}")
expected = {"SHA256": "256 octets", "SHA1": "ArgumentsBad", "SHA512": "ArgumentsBad"}
sys.exit(0 if seen == expected else "changed: other MGF1 hashes are answered otherwise")
PY
echo "Debian softhsm2 $version, PyPI python-pkcs11 0.10.1"
echo "guess: 256 octets, or MechanismParamInvalid"
echo "seen:"
venv/bin/python mgf1.py
