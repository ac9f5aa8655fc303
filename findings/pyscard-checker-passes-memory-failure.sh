#!/usr/bin/env bash
# pyscard's ISO7816_4ErrorChecker and status words that are not in its tables.
#
# The package offers chains of error checkers, which raise for the status words that their standard
# names; a personalisation program hangs ISO7816_4ErrorChecker under its connection.
# Guess: whatever is neither 9000 nor 61xx raises, at least each word that ISO/IEC 7816-4 names as an
# error: 6581 (memory failure), 6A89 (file exists already), 6883, 6884, 6C05.
# Seen: what is not in its table passes as if it were 9000, and 6581 is not: a write that the chip's
# memory lost goes on as a good one. ISO7816_4_SW1ErrorChecker, which knows first octets alone, raises.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

pcsc=1.9.9-2
apt-get -qq -o APT::Sandbox::User=root download "libpcsclite-dev=$pcsc"
dpkg -x ./*.deb root
python3 -m venv venv
CFLAGS="-I$work/root/usr/include/PCSC" venv/bin/pip install -q 'pyscard==2.3.1'
cat > check.py <<'PY'
import sys

from smartcard.sw.ISO7816_4_SW1ErrorChecker import ISO7816_4_SW1ErrorChecker
from smartcard.sw.ISO7816_4ErrorChecker import ISO7816_4ErrorChecker
from smartcard.sw.SWExceptions import SWException


def judge(checker, status):
    try:
        checker([], status >> 8, status & 0xFF)
    except SWException as problem:
        return type(problem).__name__
    return "passes"


seen = {}
for status in (0x9000, 0x6A82, 0x6581, 0x6883, 0x6884, 0x6A89, 0x6C05):
    seen[status] = (judge(ISO7816_4ErrorChecker(), status), judge(ISO7816_4_SW1ErrorChecker(), status))
    print(f"  {status:04X}: ISO7816_4ErrorChecker {seen[status][0]}, by the first octet {seen[status][1]}")
passed = {status for status, (by_table, _) in seen.items() if by_table == "passes"}
same = passed == {0x9000, 0x6581, 0x6883, 0x6884, 0x6A89, 0x6C05}
same &= {status for status, (_, by_octet) in seen.items() if by_octet == "passes"} == {0x9000}
sys.exit(0 if same else "changed: other status words pass")
PY
echo "PyPI pyscard 2.3.1"
echo "guess: only 9000 passes"
echo "seen:"
venv/bin/python check.py
