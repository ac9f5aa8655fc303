#!/usr/bin/env bash
# yubikit (PyPI yubikey-manager 5.9.2) and a command without data under SCP03.
#
# GlobalPlatform Card Specification, Amendment D, 6.2.6: no encryption is applied to a command that
# has no data field; the encryption counter moves, and the command gets its C-MAC alone.
# Guess: GET DATA of a key information template goes out with Lc 08.
# Seen: Lc 18: an encrypted block of padding, then the C-MAC.  A card that follows the amendment
# receives a command with a data field where there should be none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet yubikey-manager==5.9.2

cat > session.py <<'PYTHON'
from importlib.metadata import version

from yubikit.core.smartcard import ScpProcessor
from yubikit.core.smartcard.scp import ScpState, SessionKeys

sent = []


class Card:
    """Takes every command, and answers without data."""

    def send_apdu(self, cla, ins, p1, p2, data, le):
        sent.append((cla, ins, p1, p2, data))
        return b"", 0x9000


class ShortFormatter:
    def format_apdu(self, cla, ins, p1, p2, data, le):
        return bytes((cla, ins, p1, p2, len(data))) + data


state = ScpState(SessionKeys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48))))
session = ScpProcessor(Card(), ShortFormatter(), state)
session.send_apdu(0x80, 0xCA, 0x00, 0xE0, b"", 0)
length = len(sent[0][4])
print("yubikey-manager", version("yubikey-manager"))
print("guess: 8 octets, the C-MAC")
print("seen: ", length, "octets, the C-MAC and a block of encrypted padding")
raise SystemExit(0 if length == 24 else 1)
PYTHON
venv/bin/python session.py
