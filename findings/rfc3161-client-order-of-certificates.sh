#!/usr/bin/env bash
# The PyPI package rfc3161-client and a time stamp of OpenSSL with its chain.
#
# OpenSSL's time-stamp server puts its signer's certificate first and those of `certs` behind it; it
# does not sort the SET. RFC 5652 takes BER for SignedData, and the set of certificates is not signed.
# Guess: a client reads what OpenSSL's server answers and OpenSSL's client verifies.
# Seen: `InvalidSetOrdering` where the CA's certificate is the shorter one, and a good answer where
# it is the longer: whether a server's answers can be read depends on the length of its CA's name.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'rfc3161-client==1.0.9'
cat > tsa.cnf <<'CNF'
[tsa]
default_tsa = server
[server]
serial = serial
signer_cert = signer.pem
certs = ca.pem
signer_key = signer.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
CNF
cat > extensions.cnf <<'CNF'
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
CNF
cat > read.py <<'PY'
import rfc3161_client

with open("answer.tsr", "rb") as stream:
    answer = stream.read()
try:
    print(f"reads it, serial number {rfc3161_client.decode_timestamp_response(answer).tst_info.serial_number}")
except ValueError as problem:
    print("InvalidSetOrdering" if "InvalidSetOrdering" in str(problem) else problem)
PY
echo log > data
stamp() { # name of the CA; prints what the client makes of the answer
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
        -days 9 -subj "$1" 2> log.txt
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout signer.key -out signer.csr \
        -subj '/C=UT/O=Ministry of the Interior/CN=Time stamps' 2> log.txt
    openssl x509 -req -in signer.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 \
        -extfile extensions.cnf -out signer.pem 2> log.txt
    echo 01 > serial
    openssl ts -query -data data -sha256 -cert -out query.tsq 2> log.txt
    openssl ts -reply -config tsa.cnf -queryfile query.tsq -out answer.tsr 2> log.txt
    openssl ts -verify -queryfile query.tsq -in answer.tsr -CAfile ca.pem > verified.txt 2> log.txt
    grep -q 'Verification: OK' verified.txt
    venv/bin/python read.py
}
echo "PyPI rfc3161-client 1.0.9, $(openssl version)"
echo "guess: both answers are read; OpenSSL verifies both"
echo "seen:"
short=$(stamp /CN=A)
echo "  short name of the CA: $short"
long=$(stamp "/C=UT/O=Ministry of the Interior/CN=$(printf 'Authority %.0s' 1 2 3 4 5)")
echo "  long name of the CA: $long"
[[ $short == InvalidSetOrdering && $long == "reads it, serial number 2" ]]
