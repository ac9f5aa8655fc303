#!/usr/bin/env bash
# python-pkcs11 and a mistyped PIN for a key with CKA_ALWAYS_AUTHENTICATE.
#
# Such a key, of a qualified signature card or a CSCA's token, wants the PIN with each signature:
# sign(..., pin=...).
# Guess: a wrong PIN fails that signature, and the next one with the right PIN is made.
# Seen, with SoftHSM: the operation stays open.  Every later signature of the session, also of other
# keys, is answered CKR_OPERATION_ACTIVE; a new session is needed.
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
cat > pin.py <<'PY'
import os
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism
from pkcs11.util.ec import encode_named_curve_parameters

token = pkcs11.lib(os.environ["MODULE"]).get_token(token_label="test")
curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
seen = []


def sign(key, what, **more):
    try:
        answer = f"{len(key.sign(bytes(32), mechanism=Mechanism.ECDSA, **more))} octets"
    except pkcs11.PKCS11Error as problem:
        answer = type(problem).__name__
    seen.append(answer)
    print(f"  {what}: {answer}")


with token.open(rw=True, user_pin="1234") as session:
    parameters = session.create_domain_parameters(KeyType.EC, curve, local=True)
    always = {Attribute.ALWAYS_AUTHENTICATE: True}
    _, csca = parameters.generate_keypair(store=True, label="csca", private_template=always)
    _, other = parameters.generate_keypair(store=True, label="other")
    sign(csca, "the right PIN", pin="1234")
    sign(csca, "a wrong PIN", pin="1235")
    sign(csca, "the right PIN again", pin="1234")
    sign(other, "another key, without PIN")
with token.open(rw=True, user_pin="1234") as session:
    sign(session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, label="csca"), "a new session", pin="1234")
expected = ["64 octets", "PinIncorrect", "OperationActive", "OperationActive", "64 octets"]
sys.exit(0 if seen == expected else "changed: a refused PIN is answered otherwise")
PY
echo "Debian softhsm2 $version, PyPI python-pkcs11 0.10.1"
echo "guess: 64 octets but for the wrong PIN"
echo "seen:"
venv/bin/python pin.py
