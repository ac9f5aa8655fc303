#!/usr/bin/env bash
# cryptography: two names that are equal, and an issuer that is none.
#
# A CSCA may write its name as PrintableString in its own certificate and as UTF8String in those
# that it issues (Doc 9303-12, 7.1, allows both); RFC 5280, 7.1, has them compared as text.
# Guess: where `certificate.issuer == ca.subject`, `certificate.verify_directly_issued_by(ca)` looks
# at the signature.
# Seen: the names are equal, with equal hashes, and verify_directly_issued_by raises ValueError, as
# the octets differ: "subject does not match certificate issuer". OpenSSL finds the path.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'cryptography==50.0.2'
cat > verify.py <<'PY'
import datetime
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type as StringType
from cryptography.x509.oid import NameOID

ca_key = ec.generate_private_key(ec.SECP256R1())


def name(kind):
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "UT")
    return x509.Name([country, x509.NameAttribute(NameOID.COMMON_NAME, "CSCA Utopia", kind)])


def issue(issuer, subject, key, is_ca):
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), 1 + is_ca, now, now + datetime.timedelta(9))
    constraints = x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None)
    return builder.add_extension(constraints, critical=True).sign(ca_key, hashes.SHA256())


ca = issue(name(StringType.PrintableString), name(StringType.PrintableString), ca_key, True)
signer_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Document Signer")])
signer = issue(name(StringType.UTF8String), signer_name, ec.generate_private_key(ec.SECP256R1()), False)

equal = signer.issuer == ca.subject and hash(signer.issuer) == hash(ca.subject)
print(f"  signer.issuer == ca.subject: {equal}")
try:
    signer.verify_directly_issued_by(ca)
    problem = "none"
except ValueError as error:
    problem = str(error)
print(f"  verify_directly_issued_by: {problem}")
ca.public_key().verify(signer.signature, signer.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
print("  the signature by itself: good")
for file, certificate in (("ca.pem", ca), ("signer.pem", signer)):
    with open(file, "wb") as stream:
        stream.write(certificate.public_bytes(serialization.Encoding.PEM))
openssl = subprocess.run(["openssl", "verify", "-CAfile", "ca.pem", "signer.pem"], capture_output=True, text=True)
print(f"  openssl verify: {(openssl.stdout + openssl.stderr).strip()}")
same = equal and "does not match" in problem and openssl.returncode == 0
sys.exit(0 if same else "changed: equal names are taken for each other now, or are no longer equal")
PY
echo "PyPI cryptography 50.0.2, $(openssl version)"
echo "guess: names that compare equal name the issuer"
echo "seen:"
venv/bin/python verify.py
