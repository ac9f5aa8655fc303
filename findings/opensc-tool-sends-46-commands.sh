#!/usr/bin/env bash
# OpenSC's opensc-tool and a single command for a chip.
#
# `opensc-tool -s 00:84:00:00:08` is the usual way to send one command to a chip by hand, also to a
# blank one, or to one whose counters and selected application matter.
# Guess: the chip gets this command, after a SELECT or two perhaps, as the ATR says nothing of its type.
# Seen: 46 commands come before it, SELECTs of more than twenty other applications, GET DATA and a SELECT of the MF
# among them; with the driver named (`--card-driver default`) the command goes alone.
#
# Needs root: pcscd runs in a mount namespace of its own, with a folder of its own for its socket.
# The libraries of pcscd (systemd, polkit) are the machine's.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

pcsc=1.9.9-2
opensc=0.23.0-0.3+deb12u2
vpcd=3.3+dfsg-2
apt-get -qq -o APT::Sandbox::User=root download \
    "pcscd=$pcsc" "libpcsclite1=$pcsc" "vsmartcard-vpcd=$vpcd" "opensc=$opensc"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu
mkdir readers
cat > readers/vpcd <<CONF
FRIENDLYNAME "Virtual PCD"
DEVICENAME /dev/null:0xA20B
LIBPATH $work/root/usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID 0xA20B
CONF
cat > card.py <<'PY'
"""A card in a virtual reader: it answers 6A82 to everything and keeps what it was sent."""

import socket
import struct
import threading

ATR = bytes.fromhex("3B80800101")  # offers T=0 and T=1, as readers do for a contactless card


class Card:
    def __init__(self):
        self.commands = []
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
                    self.commands.append(message.hex())
                    self._send(b"\x6a\x82")
        except (EOFError, OSError):
            pass

    def _send(self, octets):
        self._socket.sendall(struct.pack(">H", len(octets)) + octets)
PY
cat > use.py <<'PY'
import subprocess
import sys
import time

from card import Card

card = Card()
time.sleep(1.5)


def send(*options):
    card.commands.clear()
    tool = ["root/usr/bin/opensc-tool", *options, "-s", "00:84:00:00:08"]
    subprocess.run(tool, check=True, capture_output=True)
    return list(card.commands)


seen = [send(), send("--card-driver", "default")]
selects = {command for command in seen[0] if command.startswith(("00a40400", "00a4040c"))}
print(f"  as it is: {len(seen[0])} commands, with {len(selects)} different SELECTs by name; the last is {seen[0][-1]}")
print(f"  with --card-driver default: {', '.join(seen[1])}")
same = len(seen[0]) == 47 and seen[0][-1] == "0084000008" and seen[1] == ["0084000008"]
sys.exit(0 if same else "changed: other commands are sent")
PY
echo "Debian opensc $opensc, pcscd $pcsc, vsmartcard-vpcd $vpcd"
echo "guess: one command, or three"
echo "seen:"
unshare --mount bash -eu <<'INNER'
mkdir -p /run/pcscd
mount -t tmpfs pcscd /run/pcscd
root/usr/sbin/pcscd --foreground --config "$PWD/readers" > pcscd.log 2>&1 &
daemon=$!
trap 'kill "$daemon"; wait "$daemon" || true' EXIT
for _ in $(seq 100); do [[ -S /run/pcscd/pcscd.comm ]] && break || sleep 0.1; done
timeout 120 python3 use.py
INNER
