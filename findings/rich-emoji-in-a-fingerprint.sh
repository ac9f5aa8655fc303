#!/usr/bin/env bash
# rich and a fingerprint of a certificate, written in hexadecimal with colons.
#
# "Markup" of rich is text in brackets, and `markup=False` turns it off. A fingerprint has none.
# Guess: `Console.print` and a cell of a table show its octets, with and without markup.
# Seen: an octet CD or AB between two colons is taken for the emoji code ":cd:" or ":ab:", a compact
# disc or a blood group, also with `markup=False`. Each colon belongs to one code only, so that every
# second octet is looked at: about one fingerprint of 32 octets in ten is changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'rich==14.2.0'
cat > show.py <<'PY'
import hashlib
import sys

from rich.console import Console
from rich.table import Table


def shown(value, **options):
    console = Console(width=120, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(value, **options)
    return capture.get()


def table(value):
    made = Table()
    made.add_column("SHA-256")
    made.add_row(value)
    return made


fingerprint = "9F:86:D0:CD:81:4C:AB:7D"
ways = {
    "print": shown(fingerprint),
    "print, markup=False": shown(fingerprint, markup=False),
    "a cell of a table": shown(table(fingerprint)),
    "print, emoji=False": shown(fingerprint, emoji=False),
}
for way, text in ways.items():
    print(f"  {way}: {'as it is' if fingerprint in text else 'changed'}")
print("  " + ways["print"].strip())
several = [hashlib.sha256(bytes([at])).digest().hex(":") for at in range(200)]
changed = sum(each not in shown(each, soft_wrap=True) for each in several)
print(f"  {changed} of {len(several)} fingerprints are changed")
kept = [fingerprint in text for text in ways.values()]
sys.exit(0 if kept == [False, False, False, True] and changed else "changed: fingerprints are kept")
PY
echo "PyPI rich 14.2.0"
echo "guess: all octets, each time"
echo "seen:"
venv/bin/python show.py
