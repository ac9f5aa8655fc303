#!/usr/bin/env bash
# Java's javax.smartcardio and a card that answers 6Cxx or 61xx, over T=1.
#
# GET RESPONSE and the correction of Le belong to T=0; over T=1, as with every contactless chip, the
# program decides. Under secure messaging a command must not be sent twice: the chip's send sequence
# counter has moved, and the second one has a wrong MAC.
# Guess: `channel.transmit` over T=1 sends what it is given and returns 6C08.
# Seen: it sends the command again with Le 08, with the octets of secure messaging as they were, and
# GET RESPONSE after 61xx; the program sees neither status word. The system property
# sun.security.smartcardio.t1GetResponse=false, named for one of the two, ends both.
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
    "pcscd=$pcsc" "libpcsclite1=$pcsc" "vsmartcard-vpcd=$vpcd"
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
"""A card in a virtual reader: it answers 6C08 or 6110 at first, and keeps what it was sent."""

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
                    self._send(self._answer(message))
        except (EOFError, OSError):
            pass

    def _send(self, octets):
        self._socket.sendall(struct.pack(">H", len(octets)) + octets)

    def _answer(self, command):
        if command[1] == 0xB0 and command[-1] == 0:
            return b"\x6c\x08"
        if command[1] == 0x84:
            return b"\x61\x10"
        return bytes(command[-1]) + b"\x90\x00"
PY
cat > Send.java <<'JAVA'
import java.util.HexFormat;
import javax.smartcardio.Card;
import javax.smartcardio.CommandAPDU;
import javax.smartcardio.TerminalFactory;

public class Send {
    public static void main(String[] commands) throws Exception {
        Card card = TerminalFactory.getDefault().terminals().list().get(0).connect("T=1");
        for (String command : commands) {
            CommandAPDU sent = new CommandAPDU(HexFormat.of().parseHex(command));
            int status = card.getBasicChannel().transmit(sent).getSW();
            System.out.printf("  %s %s: %04X%n", card.getProtocol(), command, status);
        }
        card.disconnect(false);
    }
}
JAVA
javac Send.java
cat > use.py <<'PY'
import subprocess
import sys
import time

from card import Card

READ = "0cb000000d9701008e08112233445566778800"  # with a checksum, as under secure messaging
CHALLENGE = "0084000008"
card = Card()
time.sleep(1.5)


def run(*options):
    card.commands.clear()
    library = "-Dsun.security.smartcardio.library=root/usr/lib/x86_64-linux-gnu/libpcsclite.so.1"
    subprocess.run(["java", library, *options, "Send", READ, CHALLENGE], check=True)
    print(f"    the card was sent {', '.join(card.commands)}")
    return list(card.commands)


again = READ[:-2] + "08"
seen = [run(), run("-Dsun.security.smartcardio.t1GetResponse=false")]
same = seen == [[READ, again, CHALLENGE, "00c0000010"], [READ, CHALLENGE]]
sys.exit(0 if same else "changed: other commands are sent")
PY
java -version 2>&1 | head -n 1
echo "Debian pcscd $pcsc, vsmartcard-vpcd $vpcd"
echo "guess: the card is sent two commands, and Java says 6C08 and 6110"
echo "seen, as it is and with t1GetResponse=false:"
unshare --mount bash -eu <<'INNER'
mkdir -p /run/pcscd
mount -t tmpfs pcscd /run/pcscd
root/usr/sbin/pcscd --foreground --config "$PWD/readers" > pcscd.log 2>&1 &
daemon=$!
trap 'kill "$daemon"; wait "$daemon" || true' EXIT
for _ in $(seq 100); do [[ -S /run/pcscd/pcscd.comm ]] && break || sleep 0.1; done
timeout 120 python3 use.py
INNER
