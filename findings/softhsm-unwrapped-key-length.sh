#!/usr/bin/env bash
# SoftHSM and the length of an AES key that was unwrapped.
#
# Keys travel between tokens wrapped: card keys of a manufacturer to the personalisation line.
# Guess: after C_UnwrapKey with CKM_AES_KEY_WRAP_PAD, CKA_VALUE_LEN is the length of the key, as it is
# of the key that was wrapped.
# Seen: it is 0. The value is right and the key encrypts; whoever chooses the algorithm, or refuses
# short keys, by the length, finds a key of none.
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
cat > unwrap.py <<'PY'
import os
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

token = pkcs11.lib(os.environ["MODULE"]).get_token(token_label="test")
readable = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
with token.open(rw=True, user_pin="1234") as session:
    wrapping = session.generate_key(KeyType.AES, 256, template={Attribute.WRAP: True, Attribute.UNWRAP: True})
    card_key = session.generate_key(KeyType.AES, 192, template=readable)
    wrapped = wrapping.wrap_key(card_key, mechanism=Mechanism.AES_KEY_WRAP_PAD)
    unwrapped = wrapping.unwrap_key(
        ObjectClass.SECRET_KEY, KeyType.AES, wrapped, mechanism=Mechanism.AES_KEY_WRAP_PAD, template=readable
    )
    lengths = (card_key[Attribute.VALUE_LEN], unwrapped[Attribute.VALUE_LEN], len(unwrapped[Attribute.VALUE]))
    ciphertexts = [key.encrypt(bytes(16), mechanism=Mechanism.AES_ECB) for key in (card_key, unwrapped)]
print(f"  CKA_VALUE_LEN: {lengths[0]} before, {lengths[1]} after; the value has {lengths[2]} octets")
print(f"  both encrypt alike: {ciphertexts[0] == ciphertexts[1]}")
same = lengths == (24, 0, 24) and ciphertexts[0] == ciphertexts[1]
sys.exit(0 if same else "changed: the length is another now")
PY
echo "Debian softhsm2 $version, PyPI python-pkcs11 0.10.1"
echo "guess: 24 and 24"
echo "seen:"
venv/bin/python unwrap.py
