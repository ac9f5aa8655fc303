#!/usr/bin/env bash
# cryptography and a private key under id-RSASSA-PSS.
#
# Several States' CSCAs sign with RSA-PSS, and OpenSSL makes keys that can sign nothing else: PKCS#8
# with the algorithm id-RSASSA-PSS and, where wanted, its hash, MGF1 hash and least salt (RFC 4055, 3.1).
# Guess: such a key is read as one, refuses PKCS#1 v1.5, and is written as it was read.
# Seen: it becomes any RSA key: it signs PKCS#1 v1.5, and is written under rsaEncryption without its
# parameters.  A tool that changes the pass phrase of a key file changes the kind of its key.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'cryptography==50.0.2'
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
    -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32 -outform DER -out key.der 2> log.txt
cat > key.py <<'PY'
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

octets = open("key.der", "rb").read()
names = {
    bytes.fromhex("2a864886f70d01010a"): "id-RSASSA-PSS",
    bytes.fromhex("2a864886f70d010101"): "rsaEncryption",
}


def algorithm(encoded):
    return next(name for oid, name in names.items() if oid in encoded[:40])


key = load_der_private_key(octets, None)
signature = key.sign(b"m", padding.PKCS1v15(), hashes.SHA256())
written = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
seen = algorithm(octets), len(signature), algorithm(written)
print(f"  read: {seen[0]}")
print(f"  PKCS#1 v1.5: {seen[1]} octets")
print(f"  written: {seen[2]}")
sys.exit(0 if seen == ("id-RSASSA-PSS", 256, "rsaEncryption") else "changed: the kind of the key stays")
PY
echo "PyPI cryptography 50.0.2, $(openssl version)"
echo "guess: PKCS#1 v1.5 is refused, and id-RSASSA-PSS written"
echo "seen:"
venv/bin/python key.py
