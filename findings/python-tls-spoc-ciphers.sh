#!/usr/bin/env bash
# Python's TLS and the cipher suites of the SPOC protocol (Doc 9303-12, 4.2.2, Table 3).
#
# "In the scope of the TLS handshake negotiation, the client SHALL support all the TLS cipher suites
# defined in Table 3."
# Guess: an ordinary context of the ssl module offers at least one of the six, so that it can connect
# to a server that has these alone.
# Seen: it offers none: the default list of CPython leaves out every suite with SHA-1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > suites.py <<'PY'
import platform
import ssl

table = {
    "AES128-SHA", "DHE-RSA-AES128-SHA", "AES256-SHA", "DHE-RSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA",
}
print(f"CPython {platform.python_version()}, {ssl.OPENSSL_VERSION}")
print("guess: some of the six are offered")
found = set()
for name, context in (
    ("PROTOCOL_TLS_CLIENT", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
    ("create_default_context", ssl.create_default_context()),
):
    offered = {each["name"] for each in context.get_ciphers()}
    print(f"seen: {name} offers {len(offered)} suites, {len(offered & table)} of the six")
    found |= offered & table
context.set_ciphers("AES128-SHA")  # the library has it
raise SystemExit(0 if not found else 1)
PY
OPENSSL_CONF=/dev/null python3 suites.py
