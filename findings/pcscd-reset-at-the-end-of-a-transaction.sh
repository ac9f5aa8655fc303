#!/usr/bin/env bash
# pcscd and the program that resets the card at the end of its transaction.
#
# SCardEndTransaction(SCARD_RESET_CARD) leaves the card clean for the others: no secure channel, no
# selected application.
# Guess: the others' next call is SCARD_W_RESET_CARD; the program that asked for the reset knows, and
# goes on with its handle, as after its own SCardReconnect(SCARD_RESET_CARD).
# Seen: its own handle is refused too, also the next SCardBeginTransaction, until it reconnects.
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

PROTOCOLS = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
SELECT = [0x00, 0xA4, 0x04, 0x0C, 0x07, 0xA0, 0x00, 0x00, 0x02, 0x47, 0x10, 0x01]
card = Card()
time.sleep(1.5)
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)


def connect():
    result, handle, protocol = scard.SCardConnect(
        context, "Virtual PCD 00 00", scard.SCARD_SHARE_SHARED, PROTOCOLS
    )
    assert result == scard.SCARD_S_SUCCESS
    request = scard.SCARD_PCI_T1 if protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0
    return handle, request


def send(handle, request):
    return scard.SCardGetErrorMessage(scard.SCardTransmit(handle, request, SELECT)[0])


handle, request = connect()
scard.SCardReconnect(handle, scard.SCARD_SHARE_SHARED, PROTOCOLS, scard.SCARD_RESET_CARD)
after_reconnect = send(handle, request)
scard.SCardBeginTransaction(handle)
ended = scard.SCardGetErrorMessage(scard.SCardEndTransaction(handle, scard.SCARD_RESET_CARD))
seen = (
    after_reconnect,
    ended,
    send(handle, request),
    scard.SCardGetErrorMessage(scard.SCardBeginTransaction(handle)),
)
print(f"  a command after its own SCardReconnect with a reset: {seen[0]}")
print(f"  its own SCardEndTransaction with a reset: {seen[1]}")
print(f"  a command after it: {seen[2]}")
print(f"  the next SCardBeginTransaction: {seen[3]}")
good, refused = "Command successful.", "Card was reset."
sys.exit(0 if seen == (good, good, refused, refused) else "changed: another handle is refused")
PY
echo "Debian pcscd $pcsc, vsmartcard-vpcd $vpcd, PyPI pyscard 2.3.1"
echo "guess: successful every time; nobody else is connected"
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
