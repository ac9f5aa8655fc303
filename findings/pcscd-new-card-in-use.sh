#!/usr/bin/env bash
# pcscd and whether a card that was just put in is in use.
#
# A desk program keeps its handle while the card is changed, and shows from SCARD_STATE_INUSE whether
# another program holds the new card.
# Guess: a card that nobody has connected to is not in use.
# Seen: it is, from its insertion on, as long as a handle of the card before it is open anywhere,
# though each call with that handle answers SCARD_W_REMOVED_CARD.
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

    def take_out(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
PY
cat > use.py <<'PY'
import sys
import time

from smartcard import scard

from card import Card

READER = "Virtual PCD 00 00"
PROTOCOLS = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)


def in_use():
    time.sleep(1.5)
    _, states = scard.SCardGetStatusChange(context, 0, [(READER, scard.SCARD_STATE_UNAWARE)])
    assert states[0][1] & scard.SCARD_STATE_PRESENT
    return bool(states[0][1] & scard.SCARD_STATE_INUSE)


first = Card()
seen = [in_use()]
_, handle, _ = scard.SCardConnect(context, READER, scard.SCARD_SHARE_SHARED, PROTOCOLS)
seen.append(in_use())
first.take_out()
time.sleep(1.5)
second = Card()
seen.append(in_use())
status = scard.SCardGetErrorMessage(scard.SCardStatus(handle)[0])
scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
seen.append(in_use())
print(f"  the first card: {seen[0]}; with a program connected to it: {seen[1]}")
print(f"  the second card, that nobody has connected to: {seen[2]}; the old handle says: {status}")
print(f"  once the old handle is closed: {seen[3]}")
same = seen == [False, True, True, False] and status == "Card was removed."
sys.exit(0 if same else "changed: the handle of a removed card no longer counts")
PY
echo "Debian pcscd $pcsc, vsmartcard-vpcd $vpcd, PyPI pyscard 2.3.1"
echo "guess: in use is False for both cards before a program connects"
echo "seen (SCARD_STATE_INUSE):"
unshare --mount bash -eu <<'INNER'
mkdir -p /run/pcscd
mount -t tmpfs pcscd /run/pcscd
root/usr/sbin/pcscd --foreground --config "$PWD/readers" > pcscd.log 2>&1 &
daemon=$!
trap 'kill "$daemon"; wait "$daemon" || true' EXIT
for _ in $(seq 100); do [[ -S /run/pcscd/pcscd.comm ]] && break || sleep 0.1; done
timeout 120 venv/bin/python use.py
INNER
