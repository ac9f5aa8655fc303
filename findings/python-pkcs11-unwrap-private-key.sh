#!/usr/bin/env bash
# python-pkcs11 and a wrapped private key, at SoftHSM.
#
# A signer's key is carried from one token to another wrapped under an AES key.
# Guess: `unwrap_key(ObjectClass.PRIVATE_KEY, KeyType.EC, ...)` undoes `wrap_key`.
# Seen: CKR_ATTRIBUTE_TYPE_INVALID, whatever `capabilities` says: the template that the package sends
# has all capabilities of any key, also CKA_ENCRYPT, CKA_VERIFY and CKA_WRAP, which a private key
# does not have. With an attribute mapper of one's own that leaves them out, the token unwraps it.
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
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.attributes import AttributeMapper
from pkcs11.util.ec import encode_named_curve_parameters


class WithoutPublicUses(AttributeMapper):
    """Leaves out what only public and secret keys have, where a private key is made."""

    def generic_key_template(self, base_template, **details):
        template = super().generic_key_template(base_template, **details)
        if base_template.get(Attribute.CLASS) is ObjectClass.PRIVATE_KEY:
            for attribute in (Attribute.ENCRYPT, Attribute.VERIFY, Attribute.WRAP):
                template.pop(attribute, None)
        return template


def round_trip(mapper, capabilities):
    token = pkcs11.lib(os.environ["MODULE"]).get_token(token_label="test")
    with token.open(rw=True, user_pin="1234", attribute_mapper=mapper) as session:
        uses = {Attribute.WRAP: True, Attribute.UNWRAP: True}
        wrapping = session.generate_key(KeyType.AES, 256, template=uses)
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        public, signer = session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(
            private_template={Attribute.EXTRACTABLE: True}
        )
        how = {"mechanism": Mechanism.AES_KEY_WRAP_PAD}
        wrapped = wrapping.wrap_key(signer, **how)
        try:
            key = wrapping.unwrap_key(
                ObjectClass.PRIVATE_KEY, KeyType.EC, wrapped, capabilities=capabilities, **how
            )
        except pkcs11.PKCS11Error as problem:
            return type(problem).__name__
        signature = key.sign(bytes(32), mechanism=Mechanism.ECDSA)
        return f"unwrapped, signs: {public.verify(bytes(32), signature, mechanism=Mechanism.ECDSA)}"


seen = [
    round_trip(None, None),
    round_trip(None, MechanismFlag.SIGN),
    round_trip(WithoutPublicUses(), MechanismFlag.SIGN),
]
print(f"  as it is: {seen[0]}")
print(f"  with capabilities=MechanismFlag.SIGN: {seen[1]}")
print(f"  and with a mapper that leaves them out: {seen[2]}")
same = seen == ["AttributeTypeInvalid", "AttributeTypeInvalid", "unwrapped, signs: True"]
sys.exit(0 if same else "changed: it unwraps a private key")
PY
echo "PyPI python-pkcs11 0.10.1, Debian softhsm2 $version"
echo "guess: unwrapped every time"
echo "seen:"
venv/bin/python unwrap.py
