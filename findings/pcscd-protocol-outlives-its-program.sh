#!/usr/bin/env bash
# pcscd and the protocol of a program that has gone.
#
# A program connects, uses the card, and disconnects with SCARD_LEAVE_CARD; nobody is connected then.
# Guess: the next program's SCardConnect chooses the protocol anew, from what the ATR offers.
# Seen: the protocol of the first connection stays with the card. After a program that used T=1, one
# that wants T=0 is refused with SCARD_E_PROTO_MISMATCH; after one that used RAW, everyone who asks
# for T=0 or T=1 is, also after seconds of rest, until the card is taken out, or someone connects
# with SCARD_SHARE_DIRECT and resets it.
#
# Needs root: pcscd runs in a mount namespace of its own, with a folder of its own for its socket.
# The libraries of pcscd (systemd, polkit) are the machine's.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

pcsc=1.9.9-2
vpcd=3.3+dfsg-2
apt-get -qq -o APT::Sandbox::User=root download \
    "pcscd=$pcsc" "libpcsclite1=$pcsc" "libpcsclite-dev=$pcsc" "vsmartcard-vpcd=$vpcd"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu
python3 -m venv venv
CFLAGS="-I$work/root/usr/include/PCSC" venv/bin/pip install -q 'pyscard==2.3.1'
mkdir readers
cat > readers/vpcd <<CONF
FRIENDLYNAME "Virtual PCD"
DEVICENAME /dev/null:0xA20B
LIBPATH $work/root/usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID 0xA20B
CONF
cat > card.py <<'PY'
"""A card in a virtual reader: it answers 9000 to everything."""

import socket
import struct
import threading

ATR = bytes.fromhex("3B80800101")  # offers T=0 and T=1, as readers do for a contactless card


class Card:
    def __init__(self):
        self._socket = socket.create_connection(("127.0.0.1", 0xA20B))
        threading.Thread(target=self._run, daemon=True).start()

    def _receive(self, count):
        octets = b""
        while len(octets) < count:
            piece = self._socket.recv(count - len(octets))
            if not piece:
                raise EOFError
            octets += piece
        return octets

    def _run(self):
        try:
            while True:
                message = self._receive(struct.unpack(">H", self._receive(2))[0])
                if message == b"\x04":
                    self._send(ATR)
                elif len(message) > 1:
                    self._send(b"\x90\x00")
        except (EOFError, OSError):
            pass

    def _send(self, octets):
        self._socket.sendall(struct.pack(">H", len(octets)) + octets)
PY
cat > use.py <<'PY'
import sys
import time

from smartcard import scard

from card import Card

T0, T1, RAW = scard.SCARD_PROTOCOL_T0, scard.SCARD_PROTOCOL_T1, scard.SCARD_PROTOCOL_RAW
READER = "Virtual PCD 00 00"


def as_a_program(protocols):
    """Connect in a context of its own and leave; what SCardConnect says."""
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    result, handle, _ = scard.SCardConnect(context, READER, scard.SCARD_SHARE_SHARED, protocols)
    if result == scard.SCARD_S_SUCCESS:
        scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
    scard.SCardReleaseContext(context)
    return "connected" if result == scard.SCARD_S_SUCCESS else scard.SCardGetErrorMessage(result)


def reset():
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _, handle, _ = scard.SCardConnect(context, READER, scard.SCARD_SHARE_DIRECT, 0)
    scard.SCardReconnect(handle, scard.SCARD_SHARE_SHARED, T0 | T1, scard.SCARD_RESET_CARD)
    scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
    scard.SCardReleaseContext(context)


card = Card()
time.sleep(1.5)
seen = [
    ("T=1", as_a_program(T1)),
    ("T=0", as_a_program(T0)),
    ("RAW", as_a_program(RAW)),
    ("T=0 or T=1", as_a_program(T0 | T1)),
]
time.sleep(8)
seen.append(("T=0 or T=1, 8 s later", as_a_program(T0 | T1)))
reset()
seen.append(("T=0 or T=1, after SHARE_DIRECT and a reset", as_a_program(T0 | T1)))
for program, outcome in seen:
    print(f"  a program that wants {program}: {outcome}")
refused = "Card protocol mismatch."
expected = ["connected", refused, "connected", refused, refused, "connected"]
sys.exit(0 if [outcome for _, outcome in seen] == expected else "changed: other programs are refused")
PY
echo "Debian pcscd $pcsc, vsmartcard-vpcd $vpcd, PyPI pyscard 2.3.1"
echo "guess: connected every time"
echo "seen:"
unshare --mount bash -eu <<'INNER'
mkdir -p /run/pcscd
mount -t tmpfs pcscd /run/pcscd
root/usr/sbin/pcscd --foreground --config "$PWD/readers" > pcscd.log 2>&1 &
daemon=$!
trap 'kill "$daemon"; wait "$daemon" || true' EXIT
for _ in $(seq 100); do [[ -S /run/pcscd/pcscd.comm ]] && break || sleep 0.1; done
timeout 120 venv/bin/python use.py
INNER
