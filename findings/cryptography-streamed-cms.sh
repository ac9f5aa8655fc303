#!/usr/bin/env bash
# cryptography's pkcs7_decrypt functions and what `openssl cms -encrypt` writes.
#
# Files of personal data that are too large for memory are encrypted with -stream, which gives BER
# with indefinite lengths (RFC 5652 takes BER); OpenSSL's PEM form of CMS is headed "BEGIN CMS".
# Guess: with AES-256-CBC and RSA PKCS #1 v1.5, which cryptography supports, it decrypts each form.
# Seen: DER and S/MIME, yes; the same with -stream, "InvalidLength"; PEM, "does not have the PKCS7 tag",
# until the label is changed by hand. OpenSSL decrypts them all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'cryptography==50.0.2'
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out bureau.pem -days 9 -subj '/C=UT/CN=Bureau' 2> log.txt
printf 'ERIKSSON,ANNA MARIA,1974-08-12\r\n' > records
cat > decrypt.py <<'PY'
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs7

with open("bureau.pem", "rb") as stream:
    certificate = x509.load_pem_x509_certificate(stream.read())
with open("key.pem", "rb") as stream:
    key = load_pem_private_key(stream.read(), None)
with open("records", "rb") as stream:
    records = stream.read()


def decrypt(form, function, *options, relabel=False):
    encrypt = ["openssl", "cms", "-encrypt", "-aes-256-cbc", "-binary", "-in", "records", "-outform", form]
    octets = subprocess.run([*encrypt, *options, "bureau.pem"], check=True, capture_output=True).stdout
    by_openssl = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", form, "-inkey", "key.pem", "-binary"],
        input=octets,
        check=True,
        capture_output=True,
    ).stdout
    assert by_openssl == records
    if relabel:
        octets = octets.replace(b" CMS-", b" PKCS7-")
    try:
        return "decrypted" if function(octets, certificate, key, []) == records else "other octets"
    except ValueError as problem:
        return str(problem)


seen = [
    decrypt("DER", pkcs7.pkcs7_decrypt_der),
    decrypt("SMIME", pkcs7.pkcs7_decrypt_smime),
    decrypt("DER", pkcs7.pkcs7_decrypt_der, "-stream"),
    decrypt("SMIME", pkcs7.pkcs7_decrypt_smime, "-stream"),
    decrypt("PEM", pkcs7.pkcs7_decrypt_pem),
    decrypt("PEM", pkcs7.pkcs7_decrypt_pem, relabel=True),
]
forms = ("DER", "S/MIME", "DER, -stream", "S/MIME, -stream", "PEM", "PEM, labelled PKCS7")
for form, outcome in zip(forms, seen, strict=True):
    print(f"  {form}: {outcome}")
same = [outcome == "decrypted" for outcome in seen] == [True, True, False, False, False, True]
same &= all("InvalidLength" in outcome for outcome in seen[2:4]) and "tag" in seen[4]
sys.exit(0 if same else "changed: other forms are decrypted")
PY
echo "PyPI cryptography 50.0.2, $(openssl version)"
echo "guess: decrypted each time"
echo "seen:"
venv/bin/python decrypt.py
